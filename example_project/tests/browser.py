"""A browser in front of the very command that a newcomer runs."""

from __future__ import annotations

import contextlib
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

EXAMPLE = Path(__file__).resolve().parent.parent
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
#: Milliseconds until a page that does not get there is called broken; a busy machine is slow.
WAIT = 30_000


def browser_path() -> str:
    given = os.environ.get("BROWSER_PATH")
    return given or shutil.which("chromium") or shutil.which("google-chrome") or ""


def free_port() -> int:
    """A free port whose neighbour is free, too: the demo takes both, the second for payments.

    Below those that systems give to connections, so that none takes it meanwhile.
    """
    for port in random.sample(range(20_000, 32_000, 2), 100):
        with contextlib.suppress(OSError), contextlib.ExitStack() as taken:
            for one in (port, port + 1):
                taken.enter_context(socket.socket()).bind(("127.0.0.1", one))
            return port
    raise RuntimeError("No port is free.")


PLAIN = ("DATABASE_URL", "DJANGO_SETTINGS_MODULE", "HOST", "PORT", "THREADFLOW_ENV", "SECRET_KEY")


def environment(var: Path, **more: str) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if k not in PLAIN and not k.startswith("REDIS")}
    return {**kept, "THREADFLOW_VAR": str(var), "PYTHONUNBUFFERED": "1", **more}


def prepare(var: Path, *args: str, **env: str) -> Any:
    """Fill a folder with the data of the demo and serve nothing."""
    return subprocess.run(
        [sys.executable, "manage.py", "demo", "--no-serve", *args],
        cwd=EXAMPLE, env=environment(var, **env), capture_output=True, text=True, timeout=600,
    )  # fmt: skip


@contextlib.contextmanager
def demo(var: Path, stripe_port: int = 0) -> Iterator[str]:
    """`manage.py demo` on a free port with data of its own; yields its address."""
    port = free_port()
    stripe = str(stripe_port or free_port())
    env = environment(var, PORT=str(port), LOCAL_STRIPE_PORT=stripe)
    log = (var / "demo.log").open("w")
    process = subprocess.Popen(
        [sys.executable, "manage.py", "demo"], cwd=EXAMPLE, env=env, stdout=log, stderr=log
    )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait(process, address, var)
        yield address
    finally:
        process.terminate()
        process.wait(60)
        log.close()


def _wait(process: Any, address: str, var: Path) -> None:
    end = time.monotonic() + 300
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"{address}/health/live", timeout=2).close()
            return
        time.sleep(0.2)
    raise RuntimeError((var / "demo.log").read_text())


class Watch:
    """What must not happen while a page is open: script errors, policy reports, foreign requests."""

    def __init__(self, page: Any, address: str) -> None:
        self.found: list[str] = []
        self.address = address
        page.on("console", self.console)
        page.on("pageerror", lambda error: self.found.append(f"error: {error}"))
        page.on("request", self.request)

    def console(self, message: Any) -> None:
        text = message.text
        # Chromium logs each 4xx as an error; whether it was right is for the test to say.
        wrong = message.type == "error" and "Failed to load resource" not in text
        if wrong or "Content Security Policy" in text:
            self.found.append(text)

    def request(self, request: Any) -> None:
        if not request.url.startswith((self.address, "data:", self.address.replace("http", "ws"))):
            self.found.append(f"left the site: {request.url}")


def until(page: Any, condition: Callable[[], Any], what: str) -> None:
    """Let the page go on until the condition holds."""
    end = time.monotonic() + WAIT / 1000
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"{what} did not come")
        page.wait_for_timeout(50)


def code_for(address: str, recipient: str) -> str:
    """The newest code that was sent to `recipient`, read from the outbox as a person would."""
    text = urllib.request.urlopen(f"{address}/dev/outbox/").read().decode()
    at = text.index(recipient)
    match = re.search(r"\b(\d{6})\b", re.sub(r"<[^>]+>", " ", text[at:]))
    if match is None:
        raise AssertionError("No code in the outbox.")
    return match[1]
