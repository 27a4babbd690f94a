"""`manage.py demo`, started as a newcomer starts it."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from threadflow_site import demo_keys

from .browser import EXAMPLE, environment, free_port, prepare


@contextmanager
def served(var: Path, **env: str) -> Iterator[tuple[Any, str, Path]]:
    port = free_port()
    log = var / f"demo-{port}.log"
    with log.open("w") as file:
        process = subprocess.Popen(
            [sys.executable, "-W", "always", "manage.py", "demo"],
            cwd=EXAMPLE, env=environment(var, PORT=str(port), **env), stdout=file, stderr=file,
        )  # fmt: skip
        try:
            wait(f"http://127.0.0.1:{port}/health/live", process, log)
            yield process, f"http://127.0.0.1:{port}", log
        finally:
            if process.poll() is None:
                process.kill()
            process.wait(60)


def wait(address: str, process: Any, log: Path) -> None:
    end = time.monotonic() + 300
    while time.monotonic() < end and process.poll() is None:
        if status(address) == 200:
            return
        time.sleep(0.1)
    raise AssertionError(log.read_text())


def status(address: str) -> int:
    try:
        with urllib.request.urlopen(address, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


@pytest.fixture(scope="module")
def var(demo_data: Path, tmp_path_factory: Any) -> Path:
    folder: Path = tmp_path_factory.mktemp("var")
    shutil.copytree(demo_data, folder, dirs_exist_ok=True)
    return folder


def test_it_serves_says_who_can_sign_in_and_stops_at_ctrl_c(var: Path) -> None:
    with served(var) as (process, address, log):
        assert status(f"{address}/") == 200
        assert status(f"{address}/static/threadflow/css/threadflow.css") == 200
        assert status(f"{address}/favicon.ico") == 200
        assert status(f"{address}/dev/outbox/") == 200
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
    said = log.read_text()
    for word in ("ada", "bo", "mod", "admin", "threadflow", "simulated", "Ctrl-C"):
        assert word in said
    assert "Warning" not in said and "Traceback" not in said, said


def test_a_second_run_keeps_what_was_written(var: Path) -> None:
    database = var / "demo.sqlite3"
    before = database.stat().st_ino
    again = prepare(var)
    assert again.returncode == 0 and "Filling" not in again.stdout
    assert database.stat().st_ino == before


def test_reset_begins_anew(var: Path) -> None:
    assert "Filling" in prepare(var, "--reset").stdout


def test_for_others_it_makes_random_passwords_and_closes_the_outbox(var: Path) -> None:
    said = prepare(var, HOST="0.0.0.0").stdout  # noqa: S104
    people = dict(re.findall(r"^ +(ada|bo|mod|admin) +(\S+) ", said, re.MULTILINE))
    assert len(people) == len(set(people.values())) == 4
    assert all(len(password) >= 12 for password in people.values())
    assert "threadflow " not in " ".join(people.values())
    with served(var, HOST="0.0.0.0") as (_, address, _log):  # noqa: S104
        assert status(f"{address}/") == 200
        assert status(f"{address}/dev/outbox/") == 404
    back = prepare(var).stdout
    assert re.search(r"ada +threadflow ", back)


def test_a_taken_port_is_told_before_anything_else(var: Path) -> None:
    with served(var) as (_, address, _log):
        port = address.rsplit(":", 1)[1]
        second = subprocess.run(
            [sys.executable, "manage.py", "demo"],
            cwd=EXAMPLE, env=environment(var, PORT=port), capture_output=True, text=True,
            timeout=300,
        )  # fmt: skip
    assert second.returncode == 1 and f"PORT={int(port) + 2}" in second.stderr
    assert "Traceback" not in second.stderr


@pytest.mark.parametrize("env", ["production", "development"])
def test_it_refuses_a_real_site(tmp_path: Path, env: str) -> None:
    more = {
        "SECRET_KEY": "x8Kd" * 5 + "Qw3rTz9Lm2Bv7Nc5Hj1Gf6Ds4Ap0Yu8Io",
        "ALLOWED_HOSTS": "a.example",
        "JWT_PRIVATE_KEY": demo_keys.jwt(tmp_path),
    }
    refused = prepare(tmp_path, THREADFLOW_ENV=env, **more)
    assert refused.returncode == 1 and f"This is a {env} site" in refused.stderr
    assert not (tmp_path / "demo.sqlite3").exists()
