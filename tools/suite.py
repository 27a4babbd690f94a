"""What every change must pass: cells that run side by side, each in a process of its own.

    python tools/suite.py          # what `make test` runs, after the environment is made
    python tools/suite.py --all    # and everything slow
    python tools/suite.py --list   # the cells
    python tools/suite.py forum    # those with that word in their title; with --list, too

A cell is one suite with one environment. It runs in one process, so that it imports, collects and
migrates once. One cell more runs at a time than there are processors (`LANES=` says otherwise),
because each waits for servers and browsers now and then. Each has a test database of its own, and
in Redis one of the numbers from 15 down: some drills empty it.
"""

from __future__ import annotations

import itertools
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
EXAMPLE = ROOT / "example_project"
PACKAGES = ("core", "forum", "chat", "billing")
#: Suites that ask no database, or bring their own as those of replaced models do: once is enough.
NO_DATABASE = {
    "core": ("conf", "ids", "markup", "safehttp", "swaps", "ui_components", "ui_files"),
    "forum": ("swaps",),
    "chat": ("swaps",),
    "billing": ("swaps",),
}
#: On PostgreSQL these let the server bind parameters, as the example project does; the others let
#: Django, as it does by default, and core with them. `--all` runs each package both ways.
SERVER_BINDING = ("core", "forum", "chat")
#: How often each drill of the chat runs with `--all`: surviving a fault once may have been luck.
DRILL_TIMES = "3"
#: What the last line but one sums up over all suites; whoever reads logs knows its form.
COUNTED = ("passed", "failed", "skipped")


# What there is to test with


class Services:
    """What this machine has for the tests to talk to."""

    def __init__(self) -> None:
        self.database = os.environ.get("DATABASE_URL") or (
            "postgres://postgres@127.0.0.1:5432/postgres" if _answers("127.0.0.1", 5432) else ""
        )
        url = urlsplit(os.environ.get("REDIS_URL") or "redis://127.0.0.1:6379/0")
        found = _answers(url.hostname or "127.0.0.1", url.port or 6379)
        self.redis = url.geturl() if found else ""
        self._numbers = itertools.count(15, -1)
        self.browser = os.environ.get("BROWSER_PATH") or next(
            (path for name in ("chromium", "chromium-browser", "google-chrome")
             if (path := shutil.which(name))), "",
        )  # fmt: skip
        self.required = [name for name in os.environ.get("REQUIRE", "").split(",") if name]
        self.missing = [
            name
            for name, there in (
                ("postgres", self.database.startswith("postgres")),
                ("redis", self.redis),
                ("browser", self.browser),
            )
            if not there
        ]

    def env(self, postgres: str | None = None) -> dict[str, str]:
        """The environment of a cell.

        With `postgres` it is one on PostgreSQL, and the name of the database ends in that, so that
        cells that run together have test databases of their own.
        """
        there = postgres is not None and "postgres" not in self.missing
        at = urlsplit(self.database)
        return {
            "DATABASE_URL": at._replace(path=f"{at.path}{postgres}").geturl() if there else "",
            # No test asks whether PostgreSQL survives a loss of power.
            "PGOPTIONS": f"{os.environ.get('PGOPTIONS', '')} -c synchronous_commit=off".strip(),
            # What a cell must not do without. Without PostgreSQL, one on SQLite skips what needs it.
            "REQUIRE": ",".join(name for name in self.required if there or name != "postgres"),
            "REDIS_URL": self._own_redis(),
            "BROWSER_PATH": self.browser,
        }

    def _own_redis(self) -> str:
        """The address of a database in Redis that no cell beside uses. There are sixteen."""
        return (
            urlsplit(self.redis)._replace(path=f"/{next(self._numbers) % 16}").geturl()
            if self.redis
            else ""
        )


def _answers(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=1):
            return True
    except OSError:
        return False


# Cells


@dataclass
class Cell:
    title: str
    folder: Path
    command: list[str]
    env: dict[str, str] = field(default_factory=dict)
    #: How long it took, and what its processes took of the processors.
    seconds: float = 0.0
    worked: float = 0.0
    failed: bool = False
    output: str = ""

    def run(self) -> None:
        began = time.monotonic()
        with tempfile.TemporaryFile() as output:
            process = subprocess.Popen(
                self.command, cwd=self.folder, env={**os.environ, **self.env},
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
            )  # fmt: skip
            _pid, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            output.seek(0)
            self.output = output.read().decode(errors="replace")
        self.seconds = time.monotonic() - began
        self.worked = used.ru_utime + used.ru_stime
        self.failed = process.returncode != 0

    @property
    def told(self) -> str:
        """The last line of its output: of a suite, how many passed and were skipped."""
        lines = self.output.strip().splitlines()
        return lines[-1].strip("= ") if lines else ""

    def count(self, word: str) -> int:
        """How many tests of it `passed`, `failed` or were `skipped`, by its last line."""
        found = re.search(rf"\b(\d+) {word}\b", self.told)
        return int(found[1]) if found else 0


def suite(title: str, folder: Path, *more: str, env: dict[str, str] | None = None) -> Cell:
    plugin = ("-p", "threadflow_core.testing.collecting")
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", *plugin, *more]
    return Cell(title, folder, command, env or {})


def cells(found: Services, *, everything: bool) -> list[Cell]:
    """All cells, the longest first, so that none of them is left to run alone at the end."""
    plain = "not browser" if everything else "not browser and not slow"
    seen = "browser" if everything else "browser and not slow"
    browser = "browser" not in found.missing
    made = [suite("site in the browser", EXAMPLE, "-m", seen, env=found.env())] if browser else []
    for name in PACKAGES:
        marks = ("-m", elsewhere(found, plain))
        made.append(suite(f"{name} on SQLite", package(name), *marks, env=found.env()))
        if "postgres" not in found.missing:
            made.append(on_postgres(found, name, plain, server_binds=name in SERVER_BINDING))
    if browser:
        made.append(suite("core in the browser", package("core"), "-m", seen, env=found.env()))
    made += [
        suite("example project", EXAMPLE, "-m", plain, env=found.env()),
        suite("workspace", ROOT / "tests", "-m", plain, env=found.env(postgres="")),
        Cell("types", ROOT, [sys.executable, "-m", "nox", "-s", "types"]),
        suite("local Stripe", ROOT / "tools/localstripe"),
        suite("stand-ins for vendors", ROOT / "tools/vendormock"),
        Cell("import contracts", ROOT, [sys.executable, "-m", "nox", "-s", "imports"]),
        Cell("lint", ROOT, [sys.executable, "-m", "nox", "-s", "lint"]),
    ]
    if everything:
        last = "chat on SQLite" if "postgres" in found.missing else "chat on PostgreSQL"
        next(cell for cell in made if cell.title == last).env["DRILL_TIMES"] = DRILL_TIMES
    return made + (slow(found) if everything else [])


def elsewhere(found: Services, marked: str) -> str:
    """What a cell on SQLite selects: tests of PostgreSQL run in another cell, or skip with why."""
    return marked if "postgres" in found.missing else f"{marked} and not postgres"


def on_postgres(found: Services, name: str, marked: str, *, server_binds: bool) -> Cell:
    more = [f"--ignore=tests/test_{part}.py" for part in NO_DATABASE[name]]
    more += ["-p", "threadflow_core.testing.flushing"]
    usual = server_binds == (name in SERVER_BINDING)
    title = f"{name} on PostgreSQL"
    if not usual:
        title += f", bound by {'the server' if server_binds else 'Django'}"
    env = found.env(postgres=f"_{name}" if usual else f"_{name}_bound")
    env["SERVER_BINDING"] = "1" if server_binds else "0"
    return suite(title, package(name), "-m", marked, *more, env=env)


def package(name: str) -> Path:
    return ROOT / f"packages/threadflow-{name}"


def slow(found: Services) -> list[Cell]:
    """Models replaced, no sibling, parameters bound the other way, wheels alone, migrations."""
    made = []
    quick = elsewhere(found, "not slow and not browser")
    for name, switch in (
        *(("forum", "SWAPPED"), ("chat", "SWAPPED"), ("billing", "SWAPPED")),
        ("chat", "WITHOUT_FORUM"),
    ):
        env = found.env() | {switch: "1"}
        made.append(suite(f"{name}, {switch}", package(name), "-m", quick, env=env))
    if "postgres" not in found.missing:
        for name in PACKAGES:
            other = name not in SERVER_BINDING
            made.append(on_postgres(found, name, "not slow and not browser", server_binds=other))
    wheels = ",".join(f"standalone-{name}" for name in PACKAGES)
    env = found.env(postgres="") | {"PATH": os.pathsep.join([str(BIN), os.environ["PATH"]])}
    tox = [str(BIN / "tox"), "-e", f"{wheels},migrations,build"]
    return [*made, Cell("wheels and migrations", ROOT, tox, env)]


# Lanes


class Lanes:
    """Runs cells, several at a time, and prints each when it is done."""

    def __init__(self, waiting: list[Cell]) -> None:
        self.waiting = deque(waiting)
        self.done: list[Cell] = []
        self.printing = threading.Lock()

    def run(self, lanes: int) -> list[Cell]:
        threads = [threading.Thread(target=self._lane, daemon=True) for _ in range(lanes)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return self.done

    def _lane(self) -> None:
        while True:
            try:
                cell = self.waiting.popleft()
            except IndexError:
                return
            cell.run()
            with self.printing:
                self.done.append(cell)
                print(f"\n— {cell.title}\n{cell.output.rstrip()}", flush=True)


def main(arguments: list[str]) -> int:
    found = Services()
    if lacking := sorted(set(found.required) & set(found.missing)):
        print(f"Required but not there: {', '.join(lacking)}")
        return 1
    words = [word for word in arguments if not word.startswith("--")]
    made = [
        cell
        for cell in cells(found, everything="--all" in arguments)
        if not words or any(word in cell.title for word in words)
    ]
    if "--list" in arguments:
        print("\n".join(cell.title for cell in made))
        return 0
    began = time.monotonic()
    print(f"{len(made)} cells: {', '.join(cell.title for cell in made)}", flush=True)
    done = Lanes(made).run(int(os.environ.get("LANES") or (os.cpu_count() or 1) + 1))
    print(f"\n{len(done)} cells in {time.monotonic() - began:.0f} s")
    for cell in done:
        word = "FAILED" if cell.failed else "passed"
        took = f"{cell.seconds:.0f} s, {cell.worked:.0f} s of processor"
        print(f"  {word} {cell.title} ({took}): {cell.told}")
    for name in found.missing:
        print(f"NOT RUN: tests that need {name}, which is not on this machine.")
    counted = {word: sum(cell.count(word) for cell in done) for word in COUNTED}
    print(", ".join(f"{number} {word}" for word, number in counted.items()))
    if any(cell.failed for cell in done):
        return 1
    if words:
        print("These passed; the others were not asked for.")
    else:
        print("The rest passed." if found.missing else "Every test that can run here has passed.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
