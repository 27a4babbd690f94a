"""A client of the socket inside the test's event loop: no server, no network, no sleeping."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from django.contrib.auth.models import AnonymousUser

from threadflow_core.realtime.consumers import LiveConsumer


class LiveClient:
    """Opens one socket on a LiveConsumer; `paused` makes it a client that stops reading."""

    def __init__(
        self,
        *,
        user: Any = None,
        session: Any = None,
        origin: str | None = "http://testserver",
        subprotocols: tuple[str, ...] = ("threadflow.v1.json",),
        consumer: LiveConsumer | None = None,
        address: str = "10.0.0.1",
    ) -> None:
        headers = [(b"host", b"testserver")]
        if origin is not None:
            headers.append((b"origin", origin.encode()))
        self.scope = {
            "type": "websocket",
            "path": "/ws/v1/",
            "headers": headers,
            "subprotocols": list(subprotocols),
            "client": (address, 1),
            "user": user or AnonymousUser(),
            "session": session,
        }
        self.consumer = consumer or LiveConsumer.as_asgi()
        self.frames: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.closed: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.accepted: dict[str, Any] | None = None
        self.reading = asyncio.Event()
        self.reading.set()
        self._inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._answered = asyncio.Event()
        self.task: asyncio.Task[None] | None = None

    async def open(self) -> LiveClient:
        self._inbox.put_nowait({"type": "websocket.connect"})
        self.task = asyncio.create_task(
            self.consumer(self.scope, self._inbox.get, self._from_server)
        )
        await asyncio.wait_for(self._answered.wait(), 5)
        return self

    async def hello(self, *topics: Any, **fields: Any) -> dict[str, Any]:
        """Open, say hello and return the welcome; topics are names or full requests."""
        await self.open()
        asked = [{"topic": one} if isinstance(one, str) else one for one in topics]
        await self.send(op="hello", v=1, topics=asked, **fields)
        return await self.get("welcome")

    async def send(self, **frame: Any) -> None:
        await self.send_raw(text=json.dumps(frame))

    async def send_raw(self, **message: Any) -> None:
        await self._inbox.put({"type": "websocket.receive", **message})

    async def get(self, op: str | None = None, *, within: float = 5) -> dict[str, Any]:
        """The next frame, or the next with this `op`."""
        while True:
            frame = await asyncio.wait_for(self.frames.get(), within)
            if op is None or frame["op"] == op:
                return frame

    async def nothing(self, seconds: float = 0.1) -> bool:
        """Whether no frame comes for a moment."""
        await asyncio.sleep(seconds)
        return self.frames.empty()

    async def code(self, within: float = 5) -> int:
        """The close code, once the server closes."""
        return await asyncio.wait_for(asyncio.shield(self.closed), within)

    async def leave(self) -> None:
        self.reading.set()
        if self.task is not None:
            self._inbox.put_nowait({"type": "websocket.disconnect", "code": 1001})
            await asyncio.wait([self.task], timeout=5)

    async def _from_server(self, message: dict[str, Any]) -> None:
        await self.reading.wait()
        kind = message["type"]
        if kind == "websocket.accept":
            self.accepted = message
        elif kind == "websocket.send":
            self.frames.put_nowait(json.loads(message["text"]))
        else:
            if not self.closed.done():
                self.closed.set_result(message.get("code", 1000))
            self._inbox.put_nowait({"type": "websocket.disconnect", "code": 1000})
        self._answered.set()
