"""A crowd of WebSocket clients that costs little, so that the servers have the machine."""

from __future__ import annotations

import asyncio
import json
import os
import re
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

SEQ = re.compile(rb'"seq":(\d+)')
#: Anonymous sockets that one address may have; the crowd comes from as many as it needs.
PER_ADDRESS = 20


class Listener(asyncio.Protocol):
    """One socket: says its hello, then notes when which number arrives."""

    def __init__(self, crowd: Crowd, hello: str) -> None:
        self.crowd = crowd
        self.hello = hello
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.last = 0
        self.count = 0
        self.disorder = 0
        self._buffer = bytearray()
        self._upgraded = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]
        self.transport.write(
            b"GET /ws/v1/ HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
            b"Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: threadflow.v1.json\r\n\r\n"
        )

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer
        buffer += data
        if not self._upgraded:
            end = buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            if not buffer.startswith(b"HTTP/1.1 101"):
                self.ready.set_exception(ConnectionError(bytes(buffer[:200]).decode()))
                return
            del buffer[: end + 4]
            self._upgraded = True
            self._write(1, self.hello.encode())
        while (frame := self._frame()) is not None:
            self._take(*frame)

    def connection_lost(self, error: Exception | None) -> None:
        self.crowd.lost += 1
        if not self.ready.done():
            self.ready.set_exception(ConnectionError(f"closed: {error}"))

    def _frame(self) -> tuple[int, bytes] | None:
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        size, start = buffer[1] & 0x7F, 2
        if size == 126:
            size, start = int.from_bytes(buffer[2:4], "big"), 4
        elif size == 127:
            size, start = int.from_bytes(buffer[2:10], "big"), 10
        if len(buffer) < start + size:
            return None
        frame = (buffer[0] & 0x0F, bytes(buffer[start : start + size]))
        del buffer[: start + size]
        return frame

    def _take(self, kind: int, body: bytes) -> None:
        if kind == 9:
            self._write(10, body)
        elif kind == 1 and body.startswith(b'{"op":"subd"'):
            self.last = int(json.loads(body)["seq"] or 0)
            if not self.ready.done():
                self.ready.set_result(None)
        elif kind == 1 and (found := SEQ.search(body)):
            number = int(found[1])
            # The floor knows no numbers, so its sockets begin with whatever comes first.
            self.disorder += self.last > 0 and number != self.last + 1
            self.last = number
            self.count += 1
            self.crowd.arrived(number)
        elif kind == 8 or (kind == 1 and body.startswith((b'{"op":"gap"', b'{"op":"kick'))):
            self.crowd.said[body[:80]] += 1

    def _write(self, kind: int, body: bytes) -> None:
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[n % 4] for n, byte in enumerate(body))
        size = len(body)
        head = bytes([0x80 | kind, 0x80 | size]) if size < 126 else (
            bytes([0x80 | kind, 0x80 | 126]) + size.to_bytes(2, "big")
        )  # fmt: skip
        self.transport.write(head + mask + masked)


class Crowd:
    """Sockets that follow one topic of one server."""

    #: What each of them is.
    kind: type[Listener] = Listener

    def __init__(
        self, port: int, topic: str = "", ticket: Callable[[int], str] | None = None
    ) -> None:
        """`ticket(n)` makes the n-th socket a person's; without it they are nobody's."""
        self.port = port
        self.topic = topic
        self.ticket = ticket
        self.listeners: list[Any] = []
        self.lost = 0
        #: What ended or broke a subscription, and how often: for the error message.
        self.said: Counter[bytes] = Counter()
        self.sent: dict[int, float] = {}
        self.delays: list[float] = []

    async def grow(self, size: int) -> None:
        """Connect until there are `size` of them, a few at a time."""
        while len(self.listeners) < size:
            first = len(self.listeners)
            batch = range(first, min(size, first + PER_ADDRESS))
            self.listeners += await asyncio.gather(*(self._connect(n) for n in batch))

    async def _connect(self, n: int) -> Listener:
        block = n // PER_ADDRESS
        source = (f"127.0.{1 + block // 250}.{1 + block % 250}", 0)
        loop = asyncio.get_running_loop()
        _transport, listener = await loop.create_connection(
            lambda: self.kind(self, self._hello(n)), "127.0.0.1", self.port, local_addr=source
        )
        await asyncio.wait_for(listener.ready, 20)
        return listener

    def _hello(self, n: int) -> str:
        topics = [{"topic": self.topic}] if self.topic else []
        proof = {} if self.ticket is None else {"ticket": self.ticket(n)}
        return json.dumps({"op": "hello", "v": 1, "topics": topics, **proof})

    def arrived(self, number: int) -> None:
        began = self.sent.get(number)
        if began is not None:
            self.delays.append(time.perf_counter() - began)

    def forget(self) -> None:
        self.sent.clear()
        self.delays.clear()
        for one in self.listeners:
            one.count = 0

    async def all_have(self, count: int, seconds: float) -> bool:
        """Wait until everybody got `count` frames; False when that did not happen in time."""
        end = time.monotonic() + seconds
        while any(one.count < count for one in self.listeners):
            if time.monotonic() > end:
                return False
            await asyncio.sleep(0.01)
        return True

    async def leave(self) -> None:
        for one in self.listeners:
            one.transport.abort()
        await asyncio.sleep(0.1)


class Speaker(Listener):
    """A socket that writes: `ask` sends an op and waits for its answer."""

    _answer: asyncio.Future[bytes] | None = None

    async def ask(self, **frame: Any) -> dict[str, Any]:
        """The answer to one op. Raises RuntimeError for a refusal."""
        self._answer = asyncio.get_running_loop().create_future()
        self._write(1, json.dumps({"i": 1, **frame}).encode())
        answer: dict[str, Any] = json.loads(await asyncio.wait_for(self._answer, 30))
        if answer["op"] == "err":
            raise RuntimeError(f"Refused: {answer}")
        return answer

    def _take(self, kind: int, body: bytes) -> None:
        if kind == 1 and body.startswith(b'{"op":"welcome"'):
            self.ready.set_result(None)
        elif kind == 1 and self._answer is not None and body.endswith(b',"i":1}'):
            if not self._answer.done():
                self._answer.set_result(body)
        else:
            super()._take(kind, body)

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ConnectionError(f"closed: {error}"))


class Speakers(Crowd):
    kind = Speaker
