"""A TCP proxy that can be made to fail, for tests of what happens when a service goes away."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, Literal, TypeVar

T = TypeVar("T")

#: `pass` forwards; `cut` drops every connection and refuses new ones; `hang` accepts and stays
#: silent, holding what was sent; `slow` delays each piece by `FaultProxy.delay` seconds.
Mode = Literal["pass", "cut", "hang", "slow"]


class FaultProxy:
    """Forwards a port of this machine to a service, in a thread of its own.

    Use it as a context manager and set `mode` at any time:

        with FaultProxy("127.0.0.1", 6379) as proxy:
            url = f"redis://127.0.0.1:{proxy.port}/0"
            proxy.mode = "cut"
    """

    def __init__(
        self, host: str, port: int, *, delay: float = 0.3, idle: float | None = None
    ) -> None:
        self.target = (host, port)
        self.delay = delay
        #: Seconds without a byte in either direction after which a connection is dropped.
        self.idle = idle
        self.port = 0
        #: How many connections have been made through it.
        self.connections = 0
        #: How many bytes clients have sent through it.
        self.sent = 0
        self._mode: Mode = "pass"
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._resumed = asyncio.Event()

    def __enter__(self) -> FaultProxy:
        self._thread.start()
        self._call(self._open())
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._call(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    @property
    def mode(self) -> Mode:
        return self._mode

    @mode.setter
    def mode(self, mode: Mode) -> None:
        self._call(self._switch(mode))

    def _call(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _open(self) -> None:
        self._resumed.set()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
        await self._drop_all()

    async def _switch(self, mode: Mode) -> None:
        self._mode = mode
        if mode == "hang":
            self._resumed.clear()
        else:
            self._resumed.set()
        if mode == "cut":
            await self._drop_all()

    async def _drop_all(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            if self._mode != "cut":
                self.connections += 1
                await self._resumed.wait()
                await self._join(reader, writer)
        except (OSError, asyncio.CancelledError):
            pass  # the fault that was asked for, or the target is down: the client sees a cut
        finally:
            self._tasks.discard(task)
            writer.transport.abort()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(*self.target)
        heard = asyncio.Event()
        try:
            pipes = [
                self._pipe(reader, far_writer, heard, up=True),
                self._pipe(far_reader, writer, heard),
            ]
            tasks = [asyncio.ensure_future(pipe) for pipe in pipes]
            if self.idle is not None:
                tasks.append(asyncio.ensure_future(_until_silent(heard, self.idle)))
            try:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
        finally:
            far_writer.transport.abort()

    async def _pipe(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        heard: asyncio.Event,
        *,
        up: bool = False,
    ) -> None:
        while data := await reader.read(65536):
            heard.set()
            self.sent += len(data) if up else 0
            await self._resumed.wait()
            if self._mode == "slow":
                await asyncio.sleep(self.delay)
            writer.write(data)
            await writer.drain()


async def _until_silent(heard: asyncio.Event, seconds: float) -> None:
    """Return when nothing was heard for so many seconds."""
    try:
        while True:
            heard.clear()
            await asyncio.wait_for(heard.wait(), seconds)
    except TimeoutError:
        return
