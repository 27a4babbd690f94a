"""Follows a page of the docs as its reader would: writes its files, runs its commands.

A block with a caption is a file (`path`, or `path, at the end`); a `console` block holds commands
after `$`. Nothing else is allowed on a page that is followed, so that no code on it goes untried.
"""

from __future__ import annotations

import os
import re
import shlex
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FENCE = re.compile(r"^```(.*?)\n(.*?)^```$", re.S | re.M)
AT_THE_END = ", at the end"


@dataclass(frozen=True)
class Write:
    path: str
    text: str
    append: bool


@dataclass(frozen=True)
class Run:
    command: str


Step = Write | Run


def steps(page: Path) -> Iterator[Step]:
    """The files and commands of a page, in order. Raises ValueError for a block that is neither."""
    for head, body in FENCE.findall(page.read_text()):
        if head == "{code-block} console":
            for line in body.splitlines():
                if not line.startswith("$ "):
                    raise ValueError(f"{page.name}: {line!r} is no command.")
                yield Run(line.removeprefix("$ "))
            continue
        caption = re.match(r":caption: (.+)\n\n?", body)
        if not head.startswith("{code-block}") or caption is None:
            raise ValueError(f"{page.name}: a block without a file name: {body[:60]!r}")
        name = caption[1]
        yield Write(name.removesuffix(AT_THE_END), body[caption.end() :], AT_THE_END in name)


class Walk:
    """A folder in which pages are followed, with the Python that runs the tests."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ran: list[str] = []
        self.welcome = ""
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        hidden = ("DJANGO_SETTINGS_MODULE", "DATABASE_URL", "THREADFLOW_CORE")
        kept = {name: value for name, value in os.environ.items() if name not in hidden}
        password = {"DJANGO_SUPERUSER_PASSWORD": "a password for the tutorial"}
        self.env = kept | {"PATH": path, "PYTHONDONTWRITEBYTECODE": "1"} | password

    def follow(self, page: str) -> None:
        for step in steps(ROOT / "docs" / page):
            if isinstance(step, Write):
                self.write(step)
            else:
                self.run(step.command)

    def write(self, step: Write) -> None:
        file = self.folder / step.path
        file.parent.mkdir(parents=True, exist_ok=True)
        before = f"{file.read_text()}\n" if step.append else ""
        file.write_text(before + step.text)

    def run(self, command: str) -> str:
        """Run one command of the page; the output, or an AssertionError with it."""
        self.ran.append(command)
        words = shlex.split(command)
        if words[:4] == ["python", "-m", "pip", "install"]:
            return self.assert_installed(words[4:])
        if words[-1] == "runserver":
            return self.serve([*words, "--noreload"], ())
        if words[0] == "uvicorn":
            return self.serve(words, ("--port",))
        if "createsuperuser" in words:
            words.append("--noinput")
        done = subprocess.run(words, cwd=self.folder, env=self.env, capture_output=True, text=True)
        output = done.stdout + done.stderr
        assert done.returncode == 0, f"$ {command}\n{output}"
        return output

    def assert_installed(self, names: list[str]) -> str:
        """The packages that a page asks for are those of the workspace, and here already."""
        code = "import sys, importlib.metadata as m; [m.version(n) for n in sys.argv[1:]]"
        bare = [re.sub(r"\[.*\]", "", name) for name in names]
        subprocess.run([sys.executable, "-c", code, *bare], check=True)
        return ""

    def serve(self, words: list[str], before_port: tuple[str, ...]) -> str:
        """Start the server, read the first page, knock at the socket if it has one, stop it."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        words = [*words, *before_port, str(port)]
        log = (self.folder / "server.log").open("w+")
        server = subprocess.Popen(
            words, cwd=self.folder, env=self.env, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            page = read(f"http://127.0.0.1:{port}/community/", server, log)
            if words[0] == "uvicorn":
                self.welcome = knock(f"ws://127.0.0.1:{port}/ws/v1/")
            return page
        finally:
            server.terminate()
            server.wait(60)
            log.close()


def read(address: str, server: subprocess.Popen, log) -> str:
    """The page at `address`, as soon as the server answers."""
    end = time.monotonic() + 120
    while time.monotonic() < end and server.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=30) as page:
                return page.read().decode()
        except ConnectionError:
            time.sleep(0.1)
        except urllib.error.URLError as error:
            if not isinstance(error.reason, ConnectionError):
                raise
            time.sleep(0.1)
    log.seek(0)
    raise AssertionError(f"The server did not answer.\n{log.read()}")


def knock(address: str) -> str:
    """What the socket answers to a hello."""
    from websockets.sync.client import connect

    with connect(address, subprotocols=["threadflow.v1.json"]) as socket:
        socket.send('{"op": "hello", "v": 1}')
        return str(socket.recv(timeout=60))
