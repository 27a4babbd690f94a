"""Followers of rooms: inside a test's event loop, and over a network as an API client does it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from django.contrib.auth.models import AnonymousUser

from threadflow_core.realtime.threads import in_thread


def do(function: Any, **given: Any) -> Any:
    """Call a service beside the event loop."""
    return in_thread(lambda: function(**given))


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
        self._numbers = iter(range(1, 1_000_000))
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

    async def ask(self, op: str, **fields: Any) -> dict[str, Any]:
        """Send a request and return its answer; other frames stay in their order."""
        number = next(self._numbers)
        self.send(op=op, i=number, **fields)
        others = []
        while True:
            frame = await asyncio.wait_for(self.frames.get(), 5)
            if frame.get("i") == number:
                break
            others.append(frame)
        while not self.frames.empty():
            others.append(self.frames.get_nowait())
        for one in others:
            self.frames.put_nowait(one)
        return frame

    async def get(self, *ops: str) -> dict[str, Any]:
        """The next frame, or the next with one of these ops."""
        while True:
            frame = await asyncio.wait_for(self.frames.get(), 5)
            if not ops or frame["op"] in ops:
                return frame

    async def all(self, *, without: tuple[str, ...] = ("pres",)) -> list[dict[str, Any]]:
        """Everything that comes until a ping is answered."""
        self.send(op="ping", i=0)
        found = []
        while (frame := await self.get())["op"] != "pong":
            found.append(frame)
        return [frame for frame in found if frame["op"] not in without]

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
    """Somebody with a room open: what a client shows, made of the frames by the protocol's rules."""

    def __init__(self, topic: str) -> None:
        self.topic = topic
        self.seq, self.epoch = 0, ""
        self.seen: list[str] = []
        self.events: list[int] = []
        self.resets = 0
        self.messages: dict[str, dict[str, Any]] = {}
        self.reactions: dict[str, dict[str, int]] = {}
        self.pinned: set[str] = set()
        self.room: dict[str, Any] = {}
        self.ready = asyncio.Event()
        self.closed: int | None = None

    async def follow(self, url: str, origin: str = "", *, cookie: str = "") -> None:
        """Follow until the connection ends; call it again to resume."""
        from websockets.asyncio.client import connect
        from websockets.exceptions import ConnectionClosed

        async with connect(
            url,
            origin=origin or None,  # type: ignore[arg-type]
            subprotocols=["threadflow.v1.json"],  # type: ignore[list-item]
            additional_headers={"Cookie": cookie} if cookie else {},
            compression=None,
        ) as ws:
            asked = {"topic": self.topic, "since": self.seq, "epoch": self.epoch}
            await ws.send(json.dumps({"op": "hello", "v": 1, "topics": [asked]}))
            try:
                async for message in ws:
                    frame = json.loads(message)
                    if frame["op"] == "gap":
                        again = {"topic": self.topic, "since": self.seq, "epoch": self.epoch}
                        await ws.send(json.dumps({"op": "sub", **again}))
                    else:
                        self.take(frame)
            except ConnectionClosed:
                self.closed = ws.close_code

    def take(self, frame: dict[str, Any]) -> None:
        op = frame["op"]
        if op == "subd":
            self._begin(frame)
        elif "seq" in frame and frame["seq"] > self.seq:
            self.seq = frame["seq"]
            self.epoch = frame.get("epoch", self.epoch)
            self.events.append(self.seq)
            self._apply(op, frame)

    def _begin(self, frame: dict[str, Any]) -> None:
        self.epoch = frame["epoch"] or self.epoch
        if frame["mode"] == "reset":
            self.resets += 1
            self.seq = frame["seq"]
            self.messages, self.reactions = {}, {}
            for one in frame["page"]["messages"]:
                self._show(one)
                counts = {mark["emoji"]: mark["count"] for mark in one.get("reactions", [])}
                self.reactions[one["id"]] = counts
        for one in frame.get("ev", []):
            self.take(one)
        self.ready.set()

    def _apply(self, op: str, frame: dict[str, Any]) -> None:
        if op in {"msg.new", "msg.edit", "msg.del", "msg.restore", "msg.enrich"}:
            if op == "msg.new":
                self.seen.append(frame["id"])
            self._show(frame)
        elif op == "react":
            counts = self.reactions.setdefault(frame["id"], {})
            counts[frame["emoji"]] = frame["count"]
            if not frame["count"]:
                del counts[frame["emoji"]]
        elif op == "pin":
            (self.pinned.add if frame["on"] else self.pinned.discard)(frame["id"])
        elif op == "room.update":
            self.room = {key: frame[key] for key in ("about", "state", "slow_seconds")}

    def _show(self, frame: dict[str, Any]) -> None:
        if frame.get("gone"):
            self.messages.pop(frame["id"], None)
            self.pinned.discard(frame["id"])
        else:
            self.messages[frame["id"]] = {"text": frame["text"], "ver": frame["ver"]}
