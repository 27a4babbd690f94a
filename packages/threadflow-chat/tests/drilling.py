"""What drills share: servers on the test's database, followers, writers, waiting."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from django.db import connection

from threadflow_chat.services import messages

from .live_client import Reader

REDIS = os.environ.get("REDIS_URL") or "redis://127.0.0.1:6379/0"
PROTOCOL: Any = ["threadflow.v1.json"]
#: How each server is told the application and the port.
COMMANDS = {
    "uvicorn": ("-m", "uvicorn", "tests.asgi:application", "--port", "{port}", "--log-level",
                "error", "--no-access-log", "--ws-max-size", "65536"),
    "granian": ("-m", "granian", "--interface", "asgi", "tests.asgi:application", "--port",
                "{port}", "--ws", "--log-level", "error", "--no-access-log"),
    "daphne": ("-m", "daphne", "-b", "127.0.0.1", "-p", "{port}", "-v", "0",
               "tests.asgi:application"),
}  # fmt: skip


def slow(*values: Any, id: str = "long") -> Any:
    return pytest.param(*values, marks=pytest.mark.slow, id=id)


def database_url() -> str:
    at = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{Path(at['NAME']).resolve()}"
    return f"postgres://{at['USER']}:{at['PASSWORD']}@{at['HOST']}:{at['PORT']}/{at['NAME']}"


# ---------------------------------------------------------------------- servers


class Server:
    """A server process. `url` is that of its socket."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, log: Path) -> None:
        self.process = process
        self.host = f"127.0.0.1:{port}"
        self._log = log

    def url(self, path: str = "ws/v1/") -> str:
        return f"ws://{self.host}/{path}"

    @property
    def origin(self) -> str:
        return f"http://{self.host}"

    @property
    def log(self) -> str:
        """What it wrote."""
        return self._log.read_text()


def servers(core: dict[str, Any], kind: str, folder: Path) -> Iterator[Callable[..., Server]]:
    """Starts servers with these settings of core: `start("--ws-ping-interval", "1", GATE="…")`."""
    started: list[subprocess.Popen[bytes]] = []
    url = database_url()

    def start(*options: str, **env: str) -> Server:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        log = folder / f"server-{len(started)}.log"
        command = [part.format(port=port) for part in COMMANDS[kind]]
        with log.open("w") as out:
            process = subprocess.Popen(
                [sys.executable, *command, *options],
                cwd=Path(__file__).parent.parent,
                stdout=out,
                stderr=out,
                env={
                    **os.environ,
                    "DJANGO_SETTINGS_MODULE": "tests.drill_settings",
                    "PYTHONPATH": ".",
                    "DATABASE_URL": url,
                    "THREADFLOW_CORE": json.dumps(core),
                    **env,
                },
            )
        started.append(process)
        return Server(process, port, log)

    yield start
    for one in started:
        if one.poll() is None:
            # The processes that some servers serve from outlive the one that began them.
            for child in psutil.Process(one.pid).children(recursive=True):
                child.kill()
            one.kill()
        one.wait()


def listens(server: Server) -> bool:
    assert server.process.poll() is None, server.log
    host, _colon, port = server.host.partition(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0


async def up(*some: Server) -> None:
    for one in some:
        await until(lambda one=one: listens(one), 60, "the server")


# ---------------------------------------------------------------------- waiting


async def until(condition: Callable[[], Any], seconds: float = 40.0, what: str = "it") -> float:
    """Wait until `condition()` holds and return how long that took; fail after `seconds`."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds, f"{what} did not happen within {seconds} s"
        await asyncio.sleep(0.02)
    return time.monotonic() - began


# ---------------------------------------------------------------------- followers


def follow(reader: Reader, server: Server, *, again: bool = True) -> asyncio.Task[None]:
    """Follow in the background, coming back whenever the connection ends."""

    async def keep() -> None:
        while True:
            with contextlib.suppress(OSError):
                await reader.follow(server.url(), server.origin)
            if not again:
                return
            await asyncio.sleep(0.05)

    return asyncio.get_running_loop().create_task(keep())


async def crowd(room: Any, server: Server, count: int) -> tuple[list[Reader], list[Any]]:
    """So many followers of a room, all of them subscribed."""
    readers = [Reader(room.live_topic) for _ in range(count)]
    tasks = [follow(one, server) for one in readers]
    await asyncio.wait_for(asyncio.gather(*(one.ready.wait() for one in readers)), 40)
    return readers, tasks


async def stop(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


# ---------------------------------------------------------------------- writers


class Talk:
    """Somebody who writes many messages, one after the other."""

    def __init__(self, room: Any, author: Any) -> None:
        self.room, self.author = room, author
        self.acked: list[str] = []
        self.longest = 0.0
        self._numbers = itertools.count(1)

    async def say(self, count: int, pause: float = 0.02) -> None:
        from threadflow_core.realtime.threads import in_thread

        for _ in range(count):
            text = f"Message {next(self._numbers)}"
            began = time.monotonic()
            self.acked.append(await in_thread(self._send, text))
            self.longest = max(self.longest, time.monotonic() - began)
            await asyncio.sleep(pause)

    def _send(self, text: str) -> str:
        sent = messages.send_message(author=self.author, room=self.room, text=text)
        return str(sent.pk)


# ---------------------------------------------------------------------- conversations


class Line:
    """A socket as a program holds it: `async with Line(server, ticket=…) as line`."""

    def __init__(self, server: Server, path: str = "ws/v1/", **options: Any) -> None:
        from websockets.asyncio.client import connect

        given = {k: options.pop(k) for k in ("ticket", "topics") if k in options}
        self._hello = options.pop("hello", None) or {"op": "hello", "v": 1, **given}
        self._opening = connect(
            server.url(path), subprotocols=PROTOCOL, **{"compression": None, **options}
        )
        self._numbers = itertools.count(1)

    async def __aenter__(self) -> Line:
        self.ws = await self._opening.__aenter__()
        await self.send(**self._hello)
        return self

    async def __aexit__(self, *error: Any) -> None:
        await self._opening.__aexit__(*error)

    async def send(self, **frame: Any) -> None:
        await self.ws.send(json.dumps(frame))

    async def get(self, *ops: str, **fields: Any) -> dict[str, Any]:
        """The next frame with one of these ops and these fields; what comes between is left."""
        while True:
            frame: dict[str, Any] = json.loads(await asyncio.wait_for(self.ws.recv(), 40))
            if (not ops or frame["op"] in ops) and fields.items() <= frame.items():
                return frame

    async def ask(self, op: str, **fields: Any) -> dict[str, Any]:
        """Send a request and return its answer."""
        number = next(self._numbers)
        await self.send(op=op, i=number, **fields)
        while (frame := await self.get()).get("i") != number:
            continue
        return frame

    async def code(self) -> int | None:
        """The close code, once the server closes; whatever still comes is left."""
        from websockets.exceptions import ConnectionClosed

        async with asyncio.timeout(40):
            with contextlib.suppress(ConnectionClosed):
                while True:
                    await self.ws.recv()
        return self.ws.close_code


async def ticket(person: Any, seconds: float = 600) -> str:
    from threadflow_core.realtime import tickets
    from threadflow_core.realtime.threads import in_thread

    return await in_thread(lambda: tickets.issue(person, expires_at=time.time() + seconds))


@contextlib.asynccontextmanager
async def lines(*some: Any) -> AsyncIterator[list[Line]]:
    """Several conversations at once."""
    async with contextlib.AsyncExitStack() as stack:
        yield [await stack.enter_async_context(one) for one in some]
