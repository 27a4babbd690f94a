"""One client's end: frames are written at once while it keeps up, queued within bounds if not."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Generator
from types import CoroutineType
from typing import Any

from . import protocol, wire
from .access import Asked, Rights
from .direct import way_of
from .protocol import Close

logger = logging.getLogger("threadflow.realtime")

Send = Callable[[dict[str, Any]], Awaitable[None]]

#: Seconds that a close may wait behind frames that the client does not read.
CLOSE_PATIENCE = 5.0


class Socket:
    """Writes frames to one client. All methods belong to the event loop of its hub.

    A server's `send` mostly returns without waiting; it is then driven by hand, which spares a
    task per socket and frame. When it does wait, a task finishes it and later frames queue up,
    until the client is too slow and is closed with SLOW: the room never waits for anyone.
    """

    def __init__(self, send: Send, *, person: Any = None) -> None:
        self.person = person
        #: The person's key as text; empty for strangers.
        self.user_id = ""
        #: Whether the client has said hello.
        self.is_greeted = False
        #: The client's network address, for the cap on strangers.
        self.address = ""
        #: See `wire.session_mark`; empty without a session.
        self.session_mark = ""
        self.topics: set[str] = set()
        #: When its rights are asked again, by `time.monotonic`; None is never.
        self.due: float | None = None
        self.closing: tuple[int, str] | None = None
        self._send = send
        self._way = way_of(send)
        self._queue: deque[str] = deque()
        self._queued_bytes = 0
        self._sender: asyncio.Task[None] | None = None
        self._closer: asyncio.Task[None] | None = None
        self._owner: asyncio.Task[Any] | None = None

    def push(self, text: str, frame: bytes | None = None) -> None:
        """Write an encoded frame; never waits and never raises.

        `frame` is `direct.text_frame(text)`, from whoever writes the same to many.
        """
        if self.closing is not None:
            return
        if self._sender is not None:
            self._enqueue(text)
            return
        if frame is not None and self._way is not None and self._way.write(frame):
            return
        try:
            sending: Any = self._send({"type": "websocket.send", "text": text})
            if type(sending) is not CoroutineType:  # some servers return another awaitable
                sending = _awaited(sending)
            waits_on = sending.send(None)
        except StopIteration:
            return
        except Exception as error:  # the client is gone; its task will hear of it too
            self._gone(error)
            return
        self._sender = asyncio.get_running_loop().create_task(
            self._finish(_Started(sending, waits_on))
        )

    def recheck(self) -> None:
        """Ask now whether the person and each topic still stand."""

    def ask(self) -> Asked | None:
        """What is to be asked about this socket among others; None for nothing."""
        return None

    def take(self, asked: Asked, rights: Rights) -> None:
        """Act on the answer to `ask`."""

    def push_frame(self, frame: dict[str, Any]) -> None:
        self.push(wire.encode(frame))

    def attach(self, owner: asyncio.Task[Any] | None) -> None:
        """`owner` is ended if the client does not take part in closing."""
        self._owner = owner

    def close(self, code: int, reason: str = "") -> None:
        """Send nothing more and close; the first call decides the code."""
        if self.closing is not None:
            return
        self.closing = (code, reason)
        self._queue.clear()
        self._queued_bytes = 0
        self._closer = asyncio.get_running_loop().create_task(self._close(code, reason))

    def detach(self) -> None:
        """The client is gone: stop writing."""
        self.closing = self.closing or (1006, "")
        for task in (self._sender, self._closer):
            if task is not None and task is not asyncio.current_task():
                task.cancel()

    def _enqueue(self, text: str) -> None:
        self._queue.append(text)
        self._queued_bytes += len(text)
        if len(self._queue) > protocol.QUEUE_FRAMES or self._queued_bytes > protocol.QUEUE_BYTES:
            self.close(Close.SLOW, "too slow")

    async def _finish(self, started: _Started) -> None:
        try:
            await started
            while self._queue:
                text = self._queue.popleft()
                self._queued_bytes -= len(text)
                await self._send({"type": "websocket.send", "text": text})
        except Exception as error:
            self._gone(error)
        finally:
            self._sender = None

    async def _close(self, code: int, reason: str) -> None:
        try:
            async with asyncio.timeout(CLOSE_PATIENCE):
                if self._sender is not None:
                    await asyncio.wait([self._sender])
                await self._send({"type": "websocket.close", "code": code, "reason": reason})
                await asyncio.sleep(CLOSE_PATIENCE)  # ended by `detach` when the client answers
        except TimeoutError:
            logger.info("A client did not take part in closing (%s)", code)
        except Exception as error:
            self._gone(error)
        if self._owner is not None:
            self._owner.cancel()

    def _gone(self, error: Exception) -> None:
        logger.debug("A client is gone: %r", error)
        self.closing = self.closing or (1006, "")
        self._queue.clear()


async def _awaited(sending: Awaitable[None]) -> None:
    await sending


class _Started:
    """Awaits a coroutine that has been driven up to its first suspension."""

    def __init__(self, coroutine: Coroutine[Any, Any, None], waits_on: Any) -> None:
        self._coroutine = coroutine
        self._waits_on = waits_on

    def __await__(self) -> Generator[Any, Any, None]:
        waits_on = self._waits_on
        while True:
            try:
                value = yield waits_on
            except BaseException as error:
                try:
                    waits_on = self._coroutine.throw(error)
                except StopIteration:
                    return
            else:
                try:
                    waits_on = self._coroutine.send(value)
                except StopIteration:
                    return
