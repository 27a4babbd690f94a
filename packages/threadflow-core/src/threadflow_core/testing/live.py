"""Clients of live topics for tests: one inside the test's event loop, one over a network.

    async def test_a_reply_is_announced(sockets, thread, ada):
        socket = await sockets(ada)
        await socket.follow(thread.topic)
        …
        assert (await socket.get("comment.new"))["seq"] == 1

The fixture `sockets` is in `threadflow_core.testing.live_fixtures`.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from typing import Any

#: Seconds that a client waits for what should come at once.
PATIENCE = 5.0


def signed_in(user: Any) -> Any:
    """A session of `user`, like the one behind a cookie. It asks the database: call it in a thread."""
    from django.test import Client

    client = Client()
    client.force_login(user)
    return client.session


class LiveClient:
    """Opens one socket on the consumer itself: no server, no network.

    Who is `user` is known by `session`, made by `signed_in`; without it everybody is a stranger.
    Cleared, `reading` makes it a client that stops reading. Frames wait in `frames`, in their order.
    """

    def __init__(
        self,
        *,
        user: Any = None,
        session: Any = None,
        origin: str | None = "http://testserver",
        subprotocols: tuple[str, ...] = ("threadflow.v1.json",),
        consumer: Any = None,
        address: str = "10.0.0.1",
    ) -> None:
        from django.contrib.auth.models import AnonymousUser

        from ..realtime.consumers import LiveConsumer

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
        self.task: asyncio.Task[None] | None = None
        self._numbers = itertools.count(1)
        self._inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._answered = asyncio.Event()

    async def open(self) -> LiveClient:
        self._inbox.put_nowait({"type": "websocket.connect"})
        self.task = asyncio.create_task(
            self.consumer(self.scope, self._inbox.get, self._from_server)
        )
        await asyncio.wait_for(self._answered.wait(), PATIENCE)
        return self

    async def hello(self, *topics: Any, **fields: Any) -> dict[str, Any]:
        """Open, say hello and return the welcome; topics are names or full requests."""
        await self.open()
        asked = [{"topic": one} if isinstance(one, str) else one for one in topics]
        self.send(op="hello", v=1, topics=asked, **fields)
        return await self.get("welcome")

    async def follow(self, *topics: Any) -> list[dict[str, Any]]:
        """Say hello and return the answer to each topic."""
        await self.hello(*topics)
        return [await self.get("subd", "err") for _ in topics]

    def send(self, **frame: Any) -> None:
        self.send_raw(text=json.dumps(frame))

    def send_raw(self, **message: Any) -> None:
        self._inbox.put_nowait({"type": "websocket.receive", **message})

    async def ask(self, op: str, **fields: Any) -> dict[str, Any]:
        """Send a request and return its answer; other frames stay, in their order."""
        number = next(self._numbers)
        self.send(op=op, i=number, **fields)
        others = []
        while (frame := await self.get()).get("i") != number:
            others.append(frame)
        while not self.frames.empty():
            others.append(self.frames.get_nowait())
        for one in others:
            self.frames.put_nowait(one)
        return frame

    async def get(self, *ops: str, within: float = PATIENCE) -> dict[str, Any]:
        """The next frame, or the next with one of these ops."""
        while True:
            frame = await asyncio.wait_for(self.frames.get(), within)
            if not ops or frame["op"] in ops:
                return frame

    async def all(self, *, without: tuple[str, ...] = ("pres",)) -> list[dict[str, Any]]:
        """Everything that comes until a ping is answered, but for who is there."""
        self.send(op="ping", i=0)
        found = []
        while (frame := await self.get())["op"] != "pong":
            found.append(frame)
        return [frame for frame in found if frame["op"] not in without]

    async def nothing(self, seconds: float = 0.1) -> bool:
        """Whether no frame comes for a moment."""
        await asyncio.sleep(seconds)
        return self.frames.empty()

    async def code(self, within: float = PATIENCE) -> int:
        """The close code, once the server closes."""
        return await asyncio.wait_for(asyncio.shield(self.closed), within)

    async def leave(self) -> None:
        self.reading.set()
        if self.task is not None:
            self._inbox.put_nowait({"type": "websocket.disconnect", "code": 1001})
            await asyncio.wait([self.task], timeout=PATIENCE)

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


class Follower:
    """Follows one topic over a network by the protocol's rules, and resumes where it was.

    What its subclass knows of the topic, it makes of frames: `begin` takes the answer to following,
    `apply` each event, once and in order.
    """

    def __init__(self, topic: str) -> None:
        self.topic = topic
        self.seq, self.epoch = 0, ""
        #: The numbers of the events that it took.
        self.events: list[int] = []
        #: How often it was told to read the page anew.
        self.resets = 0
        self.ready = asyncio.Event()
        #: The code of the last close that was not an orderly one.
        self.closed: int | None = None

    def begin(self, frame: dict[str, Any]) -> None:
        """Called with each `subd`, before the events that it holds."""

    def apply(self, frame: dict[str, Any]) -> None:
        """Called with each event."""

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
            await ws.send(json.dumps({"op": "hello", "v": 1, "topics": [self._here()]}))
            try:
                async for message in ws:
                    frame = json.loads(message)
                    if frame["op"] == "gap":
                        await ws.send(json.dumps({"op": "sub", **self._here()}))
                    else:
                        self.take(frame)
            except ConnectionClosed:
                self.closed = ws.close_code

    def take(self, frame: dict[str, Any]) -> None:
        if frame["op"] == "subd":
            self.epoch = frame["epoch"] or self.epoch
            if frame["mode"] == "reset":
                self.resets += 1
                self.seq = frame["seq"]
            self.begin(frame)
            for one in frame.get("ev", []):
                self.take(one)
            self.ready.set()
        elif "seq" in frame and frame["seq"] > self.seq:
            self.seq = frame["seq"]
            self.epoch = frame.get("epoch", self.epoch)
            self.events.append(self.seq)
            self.apply(frame)

    def _here(self) -> dict[str, Any]:
        return {"topic": self.topic, "since": self.seq, "epoch": self.epoch}
