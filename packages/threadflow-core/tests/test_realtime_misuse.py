"""Clients that misbehave or do not keep up, and servers with a `send` of their own."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser

from threadflow_core.realtime import protocol, wire
from threadflow_core.realtime.hub import Hub
from threadflow_core.realtime.sockets import Socket
from threadflow_core.realtime.threads import in_thread

from .drill import topics

pytestmark = pytest.mark.django_db(transaction=True)


# ---------------------------------------------------------------------- bad clients


async def test_a_silent_client_is_closed(live_clients: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(protocol, "HELLO_SECONDS", 0.05)
    client = await live_clients().open()
    assert await client.code() == 4404


async def test_versions_that_are_not_served_are_told_so(live_clients: Any) -> None:
    client = await live_clients(subprotocols=("threadflow.v9.json",)).open()
    assert await client.code() == 4502
    client = await live_clients(subprotocols=()).open()
    client.send(op="hello", v=2)
    assert await client.code() == 4502


async def test_hello_comes_first(live_clients: Any) -> None:
    client = await live_clients().open()
    client.send(op="sub", topic="drill:a")
    assert await client.code() == 4501


@pytest.mark.parametrize(
    "text",
    ["{", "[]", "null", "5", '{"op": 5}', '{"no": "op"}', "[" * 3000, '"' + "x" * 99 + '"', ""],
)
async def test_frames_that_make_no_sense_are_refused_then_end_the_socket(
    live_clients: Any, text: str
) -> None:
    client = live_clients()
    await client.hello()
    for _ in range(2):
        client.send_raw(text=text)
        assert (await client.get("err"))["code"] == "bad_request"
    client.send_raw(text=text)
    assert await client.code() == 4501


async def test_odd_values_are_answered_and_harm_nothing(live_clients: Any) -> None:
    client = live_clients()
    await client.hello(5, None, {"topic": 5}, {"topic": "drill:a", "since": "x", "epoch": 5})
    assert (await client.get())["code"] == "unknown_topic"
    assert (await client.get("subd"))["mode"] == "resume"
    for since in (-1, 10**30):
        client.send(op="sub", topic="drill:a", since=since)
        assert (await client.get())["mode"] == "reset"
    for frame in ({"since": True}, {"since": 1.5}, {"i": {"x": 1}}, {"epoch": None}):
        client.send(op="sub", topic="drill:a", **frame)
        assert (await client.get())["mode"] == "resume"
    client.send(op="unsub", topic=["drill:a"], i=[1])
    assert await client.get() == {"op": "ok"}
    client.send(op="nonsense", i=7)
    assert await client.get() == {
        "op": "err",
        "code": "bad_request",
        "msg": "This is not understood.",
        "i": 7,
    }
    client.send(op="hello", v=1)
    assert (await client.get())["code"] == "bad_request"


async def test_binary_and_oversized_frames_end_the_socket(live_clients: Any) -> None:
    first, second, third = live_clients(), live_clients(), live_clients()
    for client in (first, second, third):
        await client.hello()
    first.send_raw(bytes=b"\x00\xff")
    assert await first.code() == 4501
    second.send_raw(text="x" * (16 * 1024 + 1))
    assert await second.code() == 1009
    third.send_raw(text="é" * (9 * 1024))
    assert await third.code() == 1009


async def test_a_flood_is_refused_then_ended(live_clients: Any) -> None:
    client = live_clients()
    await client.hello()
    for _ in range(19):
        client.send(op="ping")
        await client.get("pong")
    for _ in range(3):
        client.send(op="ping")
    assert await client.code() == 4429
    refusals = []
    while not client.frames.empty():
        refusals.append(await client.get())
    errors = [frame for frame in refusals if frame["op"] == "err"]
    assert errors
    assert all(frame["code"] == "rate" and frame["retry_ms"] > 0 for frame in errors)


async def test_there_is_a_most_of_topics_per_socket(live_clients: Any) -> None:
    client = live_clients()
    await client.hello(*(f"drill:r{n}" for n in range(51)))
    answers = [await client.get() for _ in range(51)]
    assert [answer["op"] for answer in answers] == ["subd"] * 50 + ["err"]
    assert answers[50]["code"] == "too_many_topics"
    client.send(op="sub", topic="drill:r1")
    assert (await client.get())["op"] == "subd"


async def test_a_client_that_does_not_read_is_cut_off_and_slows_nobody(
    hub: Hub, live_clients: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr("threadflow_core.realtime.sockets.CLOSE_PATIENCE", 0.2)
    slow, quick = live_clients(), live_clients(address="10.0.0.2")
    for client in (slow, quick):
        await client.hello("drill:a")
        await client.get("subd")
    slow.reading.clear()
    (session,) = [one for one in hub.sockets if one.address == "10.0.0.1"]
    for n in range(protocol.QUEUE_FRAMES + 5):
        text = wire.encode({"op": "x", "topic": "drill:a", "seq": n + 1})
        hub._deliver("drill:a", wire.pack_frame(n + 1, "e" * 12, {}, text))
    await asyncio.sleep(0)
    assert session.closing == (4408, "too slow")
    assert session._queue == session._queue.__class__()
    for n in range(protocol.QUEUE_FRAMES + 5):
        assert (await quick.get())["seq"] == n + 1
    await asyncio.wait([slow.task], timeout=5)
    assert slow.task.done()
    assert hub.stats["slow_closed"] == 1
    slow.reading.set()


async def test_a_short_stall_loses_nothing(hub: Hub, live_clients: Any) -> None:
    client = live_clients()
    await client.hello("drill:a")
    await client.get("subd")
    client.reading.clear()
    for _ in range(20):
        await in_thread(topics.write, "a", "x")
    client.reading.set()
    assert [(await client.get())["seq"] for _ in range(20)] == list(range(1, 21))


async def test_a_stalled_client_that_reads_again_learns_why_it_was_closed(
    hub: Hub, live_clients: Any
) -> None:
    client = live_clients()
    await client.hello("drill:a")
    await client.get("subd")
    client.reading.clear()
    text = wire.encode({"op": "x", "topic": "drill:a", "fill": "x" * 600_000})
    for _ in range(4):
        hub._deliver("drill:a", wire.pack_hint(text))
    await asyncio.sleep(0)
    client.reading.set()
    assert await client.code() == 4408


class Sending:
    """What the `send` of a server written in another language may return: to be awaited, and
    neither a coroutine nor a generator."""

    def __init__(self, waits: int) -> None:
        self.waits = waits

    def __await__(self) -> Sending:
        return self

    def __iter__(self) -> Sending:
        return self

    def __next__(self) -> None:
        if not self.waits:
            raise StopIteration
        self.waits -= 1


@pytest.mark.parametrize("waits", [0, 2])
async def test_a_server_whose_send_is_no_coroutine_is_served_too(waits: int) -> None:
    sent: list[str] = []

    def send(message: Any) -> Sending:
        sent.append(message["text"])
        return Sending(waits)

    socket = Socket(send, person=AnonymousUser())  # type: ignore[arg-type]
    for number in range(3):
        socket.push(str(number))
    async with asyncio.timeout(5):
        while len(sent) < 3:
            await asyncio.sleep(0)
    assert sent == ["0", "1", "2"] and socket.closing is None
