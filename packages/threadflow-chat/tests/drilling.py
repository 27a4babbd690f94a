"""What drills share: servers on the test's database, followers, waiting."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from django.db import connection

from .live_client import Reader

REDIS = os.environ.get("REDIS_URL") or "redis://127.0.0.1:6379/0"


def database_url() -> str:
    at = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{Path(at['NAME']).resolve()}"
    return f"postgres://{at['USER']}:{at['PASSWORD']}@{at['HOST']}:{at['PORT']}/{at['NAME']}"


class Server:
    """A server process. `url` is that of its socket."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process = process
        self.host = f"127.0.0.1:{port}"

    def url(self, path: str = "ws/v1/") -> str:
        return f"ws://{self.host}/{path}"

    @property
    def origin(self) -> str:
        return f"http://{self.host}"


def servers(core: dict[str, Any]) -> Iterator[Callable[..., Server]]:
    """Starts servers with these settings of core: `start(CLOCK_AHEAD="5")`."""
    started: list[subprocess.Popen[bytes]] = []
    url = database_url()

    def start(**env: str) -> Server:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        command = ["-m", "uvicorn", "tests.asgi:application", "--port", str(port)]
        process = subprocess.Popen(
            [sys.executable, *command, "--log-level", "error", "--no-access-log"],
            cwd=Path(__file__).parent.parent,
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
        return Server(process, port)

    yield start
    for one in started:
        if one.poll() is None:
            one.kill()
        one.wait()


def listens(server: Server) -> bool:
    host, _colon, port = server.host.partition(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0


async def until(condition: Callable[[], Any], seconds: float = 20.0, what: str = "it") -> float:
    """Wait until `condition()` holds and return how long that took; fail after `seconds`."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds, f"{what} did not happen within {seconds} s"
        await asyncio.sleep(0.02)
    return time.monotonic() - began


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


async def stop(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
