"""Followers of live topics: inside a test's event loop, and over a network as a page does it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from django.contrib.auth.models import AnonymousUser


class LocalSocket:
    """A socket on the consumer itself: no server, no network."""

    def __init__(self, user: Any = None, session: Any = None) -> None:
        self.scope = {
            "type": "websocket",
            "path": "/ws/v1/",
            "headers": [(b"host", b"testserver"), (b"origin", b"http://testserver")],
            "subprotocols": ["threadflow.v1.json"],
            "client": ("10.0.0.1", 1),
            "user": user or AnonymousUser(),
            "session": session,
        }
        self.frames: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.code: int | None = None
        self._inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    async def follow(self, *topics: Any) -> list[dict[str, Any]]:
        """Say hello and return the answer to each topic (a name, or a full request)."""
        from threadflow_core.realtime.consumers import LiveConsumer

        self._inbox.put_nowait({"type": "websocket.connect"})
        consumer = LiveConsumer.as_asgi()
        self._task = asyncio.create_task(consumer(self.scope, self._inbox.get, self._sent))  # type: ignore[arg-type]
        asked = [{"topic": one} if isinstance(one, str) else one for one in topics]
        self.send(op="hello", v=1, topics=asked)
        await self.get("welcome")
        return [await self.get("subd", "err") for _ in topics]

    def send(self, **frame: Any) -> None:
        self._inbox.put_nowait({"type": "websocket.receive", "text": json.dumps(frame)})

    async def get(self, *ops: str) -> dict[str, Any]:
        """The next frame, or the next with one of these ops."""
        while True:
            frame = await asyncio.wait_for(self.frames.get(), 5)
            if not ops or frame["op"] in ops:
                return frame

    async def all(self) -> list[dict[str, Any]]:
        """Everything that comes until a ping is answered."""
        self.send(op="ping", i=1)
        found = []
        while (frame := await self.get())["op"] != "pong":
            found.append(frame)
        return found

    async def leave(self) -> None:
        if self._task is not None:
            self._inbox.put_nowait({"type": "websocket.disconnect", "code": 1001})
            await asyncio.wait([self._task], timeout=5)

    async def _sent(self, message: dict[str, Any]) -> None:
        if message["type"] == "websocket.send":
            self.frames.put_nowait(json.loads(message["text"]))
        elif message["type"] == "websocket.close":
            self.code = message.get("code", 1000)
            self._inbox.put_nowait({"type": "websocket.disconnect", "code": 1000})


class Reader:
    """Somebody with a thread open: keeps what the page shows, in the order of the events."""

    def __init__(self, topic: str) -> None:
        self.topic = topic
        self.seq, self.epoch = 0, ""
        self.events: list[tuple[int, str, str]] = []
        self.shown: dict[str, str] = {}
        #: What each answer to coming back held, with the number that it led to.
        self.resumes: list[tuple[int, str]] = []
        self.resets = 0
        self.ready = asyncio.Event()

    async def follow(self, url: str, origin: str) -> None:
        """Follow until the connection ends; call it again to resume."""
        from websockets.asyncio.client import connect

        async with connect(
            url,
            origin=origin,  # type: ignore[arg-type]
            subprotocols=["threadflow.v1.json"],  # type: ignore[list-item]
            compression=None,
        ) as ws:
            asked = {"topic": self.topic, "since": self.seq, "epoch": self.epoch}
            await ws.send(json.dumps({"op": "hello", "v": 1, "topics": [asked]}))
            async for message in ws:
                frame = json.loads(message)
                if frame["op"] == "gap":
                    again = {"topic": self.topic, "since": self.seq, "epoch": self.epoch}
                    await ws.send(json.dumps({"op": "sub", **again}))
                else:
                    self.take(frame)

    def take(self, frame: dict[str, Any]) -> None:
        if frame["op"] == "subd":
            self.epoch = frame["epoch"] or self.epoch
            if frame["mode"] == "reset":
                self.resets += 1
                self.seq = frame["seq"]
            self.resumes.append((frame["seq"], json.dumps(frame)))
            for one in frame.get("ev", []):
                self.take(one)
            self.ready.set()
        elif "seq" in frame and frame["seq"] > self.seq:
            self.seq = frame["seq"]
            self.epoch = frame.get("epoch", self.epoch)
            comment = frame.get("comment", "")
            self.events.append((self.seq, frame["op"], comment))
            if frame.get("gone"):
                self.shown.pop(comment, None)
            elif "html" in frame:
                self.shown[comment] = frame["html"]
