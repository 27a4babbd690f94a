"""The short way to the clients of uvicorn, on uvicorn itself."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio
import uvicorn
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from threadflow_core.realtime.direct import Way, text_frame, way_of
from threadflow_core.realtime.sockets import Socket

#: Each length of a frame is told in another way; "ü" takes two bytes.
TEXTS = ("", "short", "ü" * 62 + "x", "x" * 126, "ü" * 32_767 + "x", "x" * 70_000, "last")


class Place:
    """A server of this process; `sends` has the `send` of each socket that was accepted."""

    def __init__(self, port: int) -> None:
        self.url = f"ws://127.0.0.1:{port}"
        self.sends: asyncio.Queue[Any] = asyncio.Queue()

    async def __call__(self, scope: Any, receive: Callable[[], Any], send: Any) -> None:
        if scope["type"] != "websocket":
            return
        await receive()
        await send({"type": "websocket.accept"})
        self.sends.put_nowait(send)
        while (await receive())["type"] != "websocket.disconnect":
            pass


@pytest_asyncio.fixture
async def place(unused_tcp_port: int) -> AsyncIterator[Place]:
    found = Place(unused_tcp_port)
    config = uvicorn.Config(found, port=unused_tcp_port, log_level="error", lifespan="off")
    server = uvicorn.Server(config)
    with contextlib.ExitStack() as stack:
        # The signals belong to the test runner.
        stack.enter_context(pytest.MonkeyPatch.context()).setattr(
            server, "capture_signals", contextlib.nullcontext
        )
        task = asyncio.create_task(server.serve())
        async with asyncio.timeout(10):
            while not server.started:
                await asyncio.sleep(0.01)
        yield found
        server.should_exit = True
        await task


async def test_frames_of_all_lengths_arrive_in_order_beside_those_of_asgi(place: Place) -> None:
    async with connect(place.url, compression=None, max_size=None) as client:
        socket = Socket(await place.sends.get())
        for text in TEXTS:
            socket.push(text, text_frame(text))
            socket.push(f"by send: {len(text)}")
        heard = [await asyncio.wait_for(client.recv(), 5) for _ in range(2 * len(TEXTS))]
    assert heard[::2] == list(TEXTS)
    assert heard[1::2] == [f"by send: {len(text)}" for text in TEXTS]


async def test_a_client_that_compresses_gets_its_own_frames(place: Place) -> None:
    async with connect(place.url, max_size=None) as client:
        assert client.response is not None
        assert "permessage-deflate" in client.response.headers["Sec-WebSocket-Extensions"]
        send = await place.sends.get()
        assert way_of(send) is None
        socket = Socket(send)
        for text in TEXTS:
            socket.push(text, text_frame(text))
        heard = [await asyncio.wait_for(client.recv(), 5) for _ in TEXTS]
    assert heard == list(TEXTS)


async def test_only_the_send_of_uvicorn_itself_leads_there(place: Place) -> None:
    async with connect(place.url, compression=None):
        send = await place.sends.get()
        assert isinstance(way_of(send), Way)

        async def wrapped(message: Any) -> None:
            await send(message)

        assert way_of(wrapped) is None


async def test_nothing_is_written_to_who_is_leaving_or_does_not_keep_up(place: Place) -> None:
    async with connect(place.url, compression=None) as client:
        send = await place.sends.get()
        way = way_of(send)
        assert way is not None and way.write(text_frame("once"))
        assert await client.recv() == "once"
        # What the transport says when its buffer is full, and when it is not any more.
        send.__self__.pause_writing()
        assert not way.write(text_frame("too soon"))
        send.__self__.resume_writing()
        assert way.write(text_frame("again"))
        assert await client.recv() == "again"
        await send({"type": "websocket.close", "code": 4408})
        assert not way.write(text_frame("too late"))
        with pytest.raises(ConnectionClosed):
            await client.recv()
    assert client.close_code == 4408
    assert not way.write(text_frame("gone"))
