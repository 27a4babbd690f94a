"""Faults with real servers, real sockets and real Redis: the failure tests of the chat by number.

Short versions here; long ones are marked `slow`.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import signal
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import pytest_asyncio

pytest.importorskip("channels", reason="live frames need Channels")
pytest.importorskip("uvicorn", reason="drills need a server")
pytest.importorskip("websockets", reason="readers need a client")

import psutil
from django.db import connections
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from threadflow_chat.models import RoomMember
from threadflow_chat.services import messages, rooms
from threadflow_chat.swaps import get_message_model
from threadflow_core import realtime
from threadflow_core.realtime import backends, log, tickets
from threadflow_core.realtime.threads import close, in_thread
from threadflow_core.testing.proxy import FaultProxy

from .drilling import REDIS, Server, follow, listens, servers, stop, until
from .live_client import Reader

pytestmark = [pytest.mark.redis, pytest.mark.django_db(transaction=True)]


def slow(*values: Any, id: str = "long") -> Any:
    return pytest.param(*values, marks=pytest.mark.slow, id=id)


@pytest.fixture
def proxy(redis_server: str) -> Iterator[FaultProxy]:
    parts = urlsplit(REDIS)
    with FaultProxy(parts.hostname or "127.0.0.1", parts.port or 6379) as one:
        yield one


@pytest.fixture
def core(settings: Any, proxy: FaultProxy) -> dict[str, Any]:
    """The settings of all processes of a test, this one included; Redis is behind the proxy."""
    database = urlsplit(REDIS).path or "/0"
    values = {
        "JOBS_DRIVER": "worker",
        "LIMITS": {"*": None},
        "PEOPLE": "tests.hosted.people.HostedPeople",
        "REALTIME_BACKEND": "threadflow_core.realtime.backends.redis.RedisBackend",
        "REALTIME_REDIS_URL": f"redis://127.0.0.1:{proxy.port}{database}",
        "REALTIME_REDIS_PREFIX": f"chat-{uuid.uuid4().hex}",
        "REALTIME_POSITION_SECONDS": 1.0,
    }
    settings.THREADFLOW_CORE = values
    return values


@pytest.fixture
def start(core: Any, django_db_setup: None) -> Iterator[Callable[..., Server]]:
    yield from servers(core)


@pytest_asyncio.fixture(autouse=True)
async def threads(core: Any) -> AsyncIterator[None]:
    yield
    backends._backend = None
    await asyncio.to_thread(close)


async def up(*some: Server) -> None:
    for one in some:
        await until(lambda one=one: listens(one), 30, "the server")


class Talk:
    """Somebody who writes many messages, one after the other."""

    def __init__(self, room: Any, author: Any) -> None:
        self.room, self.author = room, author
        self.acked: list[str] = []
        self.longest = 0.0
        self._numbers = itertools.count(1)

    async def say(self, count: int, pause: float = 0.02) -> None:
        for _ in range(count):
            began = time.monotonic()
            text = f"Message {next(self._numbers)}"
            message = await in_thread(
                lambda text=text: messages.send_message(
                    author=self.author, room=self.room, text=text
                )
            )
            self.longest = max(self.longest, time.monotonic() - began)
            self.acked.append(str(message.pk))
            await asyncio.sleep(pause)


async def crowd(room: Any, server: Server, count: int) -> tuple[list[Reader], list[Any]]:
    readers = [Reader(room.live_topic) for _ in range(count)]
    tasks = [follow(one, server) for one in readers]
    await asyncio.wait_for(asyncio.gather(*(one.ready.wait() for one in readers)), 20)
    return readers, tasks


@pytest.mark.parametrize(
    ("fault", "count"), [("cut", 30), slow("hang", 30, id="hang"), slow("cut", 1_200)]
)
async def test_f1_redis_goes_away_and_every_message_arrives_once_in_order(
    start: Any, proxy: FaultProxy, room: Any, ada: Any, fault: Any, count: int
) -> None:
    server = start()
    await up(server)
    talk = Talk(room, ada)
    await talk.say(1)
    readers, tasks = await crowd(room, server, 20)
    talk.acked.clear()
    try:
        await talk.say(10)
        proxy.mode = fault
        await talk.say(count, 0.05)
        proxy.mode = "pass"
        await talk.say(10)
        await until(lambda: all(talk.acked[-1] in one.messages for one in readers), 40)
    finally:
        await stop(tasks)
    assert all(one.seen[-len(talk.acked) :] == talk.acked for one in readers)
    assert all(len(set(one.seen)) == len(one.seen) for one in readers)
    assert all(one.closed is None and one.resets == 0 for one in readers)
    assert talk.longest < 1.5  # a message never waits for Redis


@pytest.mark.slow
async def test_f2_a_killed_server_and_clients_that_go_on_elsewhere(
    start: Any, room: Any, ada: Any
) -> None:
    first, second = start(), start()
    await up(first, second)
    talk = Talk(room, ada)
    await talk.say(1)
    reader = Reader(room.live_topic)
    task = follow(reader, first, again=False)
    await asyncio.wait_for(reader.ready.wait(), 20)
    saying = asyncio.create_task(talk.say(40, 0.01))
    await asyncio.sleep(0.1)
    first.process.send_signal(signal.SIGKILL)
    await asyncio.wait([task], timeout=5)
    again = follow(reader, second)
    await saying
    await until(lambda: len(reader.messages) >= 41)
    await stop([again])
    assert reader.events == list(range(reader.events[0], reader.seq + 1))
    assert set(reader.messages) >= set(talk.acked)


async def test_f3_a_commit_that_nobody_was_told_of_arrives_all_the_same(
    start: Any, core: Any, room: Any, ada: Any, settings: Any
) -> None:
    server = start()
    await up(server)
    await Talk(room, ada).say(1)
    (reader,), tasks = await crowd(room, server, 1)
    # As if this process died between COMMIT and PUBLISH: its frames go nowhere.
    settings.THREADFLOW_CORE = {
        **core,
        "REALTIME_BACKEND": "threadflow_core.realtime.backends.inprocess.InProcessBackend",
    }
    sent = await in_thread(
        lambda: messages.send_message(author=ada, room=room, text="Did you hear?")
    )
    took = await until(lambda: str(sent.pk) in reader.messages, 6.0)
    await stop(tasks)
    assert took < 6.0 and reader.closed is None


@pytest.mark.slow
async def test_f4_a_client_that_stops_reading_is_let_go_and_slows_nobody(
    start: Any, room: Any, ada: Any
) -> None:
    server = start()
    await up(server)
    await Talk(room, ada).say(1)
    (quick,), tasks = await crowd(room, server, 1)
    memory = psutil.Process(server.process.pid).memory_info().rss
    deaf = await connect(
        server.url(), origin=server.origin, subprotocols=["threadflow.v1.json"], compression=None
    )
    asked = {"topic": room.live_topic, "since": quick.seq, "epoch": quick.epoch}
    await deaf.send(json.dumps({"op": "hello", "v": 1, "topics": [asked]}))
    deaf.transport.pause_reading()

    def flood() -> None:
        for n in range(2_000):
            realtime.hint(room.live_topic, "bot.part", n=n, text="x" * 8_000)

    await in_thread(flood)
    last = await in_thread(lambda: messages.send_message(author=ada, room=room, text="The last"))
    await until(lambda: str(last.pk) in quick.messages)
    grown = psutil.Process(server.process.pid).memory_info().rss - memory
    assert grown < 20 * 1024 * 1024
    deaf.transport.resume_reading()
    with pytest.raises(ConnectionClosed):
        while True:
            await asyncio.wait_for(deaf.recv(), 10)
    assert deaf.close_code in (4408, 1006)
    again = Reader(room.live_topic)
    again.seq, again.epoch = quick.seq - 1, quick.epoch
    tasks.append(follow(again, server))
    await until(lambda: str(last.pk) in again.messages)
    await stop(tasks)


@pytest.mark.slow
async def test_f5_a_resend_over_every_way_at_once_is_one_message(
    start: Any, project: Any, room: Any, ada: Any
) -> None:
    one, two = start(), start()
    await up(one, two)

    async def send(server: Server) -> dict[str, Any]:
        ticket = await in_thread(lambda: tickets.issue(ada, expires_at=time.time() + 600))
        async with connect(server.url(), subprotocols=["threadflow.v1.json"]) as ws:
            await ws.send(json.dumps({"op": "hello", "v": 1, "ticket": ticket}))
            await ws.recv()
            given = {"room": str(room.pk), "nonce": "n-1", "text": "Once"}
            await ws.send(json.dumps({"op": "msg.send", "i": 1, **given}))
            return json.loads(await ws.recv())

    def over_http() -> Any:
        return messages.send_message(author=ada, room=room, text="Once", nonce="n-1")

    *acks, service = await asyncio.gather(send(one), send(two), send(one), in_thread(over_http))
    assert {ack["op"] for ack in acks} == {"ack"}, acks
    assert {(ack["id"], ack["mno"]) for ack in acks} == {(str(service.pk), 1)}
    assert await in_thread(lambda: get_message_model().objects.count()) == 1


@pytest.mark.slow
async def test_f9_a_ticket_runs_out_while_connected(start: Any, room: Any, ada: Any) -> None:
    server = start()
    await up(server)

    def ticket(seconds: float) -> Any:
        return in_thread(lambda: tickets.issue(ada, expires_at=time.time() + seconds))

    async with (
        connect(server.url(), subprotocols=["threadflow.v1.json"]) as kept,
        connect(server.url(), subprotocols=["threadflow.v1.json"]) as lost,
    ):
        for ws in (kept, lost):
            topics = [{"topic": room.live_topic}]
            hello = {"op": "hello", "v": 1, "ticket": await ticket(2), "topics": topics}
            await ws.send(json.dumps(hello))
            assert json.loads(await ws.recv())["op"] == "welcome"
        await kept.send(json.dumps({"op": "auth", "i": 7, "ticket": await ticket(600)}))
        began = time.monotonic()
        with pytest.raises(ConnectionClosed):
            while True:
                await asyncio.wait_for(lost.recv(), 10)
        assert lost.close_code == 4401 and time.monotonic() - began < 7
        sent = await in_thread(lambda: messages.send_message(author=ada, room=room, text="Still"))
        while json.loads(await asyncio.wait_for(kept.recv(), 10)).get("id") != str(sent.pk):
            continue


@pytest.mark.slow
async def test_f10_f11_what_ends_in_one_process_ends_in_all_within_two_seconds(
    start: Any, room: Any, ada: Any, bo: Any, lead: Any
) -> None:
    from threadflow_chat.services import membership

    some = [start(), start()]
    await up(*some)
    await Talk(room, ada).say(1)
    sockets = []
    for server in some:
        ws = await connect(server.url(), subprotocols=["threadflow.v1.json"])
        ticket = await in_thread(lambda: tickets.issue(bo, expires_at=time.time() + 600))
        topics = [{"topic": room.live_topic}]
        await ws.send(json.dumps({"op": "hello", "v": 1, "ticket": ticket, "topics": topics}))
        while json.loads(await asyncio.wait_for(ws.recv(), 10))["op"] != "subd":
            continue
        sockets.append(ws)
    began = time.monotonic()
    await in_thread(lambda: membership.ban(moderator=lead, room=room, person=bo))
    for ws in sockets:
        while (frame := json.loads(await asyncio.wait_for(ws.recv(), 5)))["op"] != "kicked":
            continue
        assert frame["code"] == "banned"
    assert time.monotonic() - began < 2
    began = time.monotonic()

    def close_account() -> None:
        bo.is_active = False
        bo.save()

    await in_thread(close_account)
    await asyncio.wait_for(asyncio.gather(*(ws.wait_closed() for ws in sockets)), 10)
    assert {ws.close_code for ws in sockets} == {4503} and time.monotonic() - began < 2


@pytest.mark.parametrize(("count", "people"), [slow(120, 6, id="short"), slow(600, 10)])
async def test_f13_many_messages_at_once_from_elsewhere_all_arrive(
    start: Any, room: Any, person: Any, ada: Any, count: int, people: int
) -> None:
    server = start()
    await up(server)
    await Talk(room, ada).say(1)
    readers, tasks = await crowd(room, server, 10)
    authors = [await in_thread(person, f"p{n}") for n in range(people)]

    def burst(author: Any) -> list[str]:
        try:
            return [
                str(messages.send_message(author=author, room=room, text=f"{author} {n}").pk)
                for n in range(count // people)
            ]
        finally:
            connections.close_all()

    sent = await asyncio.gather(*(asyncio.to_thread(burst, one) for one in authors))
    wanted = {pk for some in sent for pk in some}
    await until(lambda: all(wanted <= set(one.messages) for one in readers), 30)
    await stop(tasks)
    first = readers[0]
    assert all(one.seen == first.seen and one.events == first.events for one in readers)


@pytest.mark.parametrize("count", [60, slow(1_000)])
async def test_f14_many_come_back_at_once_and_the_log_is_read_once(
    room: Any, ada: Any, count: int
) -> None:
    from threadflow_core.realtime.hub import current_hub
    from threadflow_core.realtime.sockets import Socket

    talk = Talk(room, ada)
    await talk.say(30, 0.0)
    hub = current_hub()
    found: list[list[str]] = []

    async def come_back() -> None:
        async def send(message: dict[str, Any]) -> None:
            return None

        from django.contrib.auth.models import AnonymousUser

        socket = Socket(send, person=AnonymousUser())
        position = await in_thread(log.positions, [room.live_topic])
        epoch = position[room.live_topic].epoch
        joined = await hub.join(room.live_topic, socket, since=5, epoch=epoch)
        found.append(joined.texts or [])

    await asyncio.gather(*(come_back() for _ in range(count)))
    assert hub.stats["log_reads"] == 1
    assert all(texts == found[0] for texts in found) and len(found[0]) >= 25
    await hub.stop()


@pytest.mark.slow
async def test_f16_clocks_that_differ_do_not_change_the_order(
    start: Any, room: Any, ada: Any, bo: Any
) -> None:
    right, ahead = start(), start(CLOCK_AHEAD="5")
    await up(right, ahead)
    await Talk(room, ada).say(1)
    (one,), first = await crowd(room, right, 1)
    (two,), second = await crowd(room, ahead, 1)

    async def chat(server: Server, who: Any, name: str) -> None:
        ticket = await in_thread(lambda: tickets.issue(who, expires_at=time.time() + 600))
        async with connect(server.url(), subprotocols=["threadflow.v1.json"]) as ws:
            await ws.send(json.dumps({"op": "hello", "v": 1, "ticket": ticket}))
            await ws.recv()
            for n in range(15):
                given = {"room": str(room.pk), "nonce": f"{n}", "text": f"{name} {n}"}
                await ws.send(json.dumps({"op": "msg.send", "i": n, **given}))
                assert json.loads(await ws.recv())["op"] == "ack"
                await asyncio.sleep(0.12)

    await asyncio.gather(chat(right, ada, "right"), chat(ahead, bo, "ahead"))
    await until(lambda: len(one.messages) >= 30 and len(two.messages) >= 30)
    await stop(first + second)
    assert one.seen[-30:] == two.seen[-30:]

    def order() -> list[str]:
        rows = get_message_model().objects.filter(room=room).order_by("mno")
        return [str(pk) for pk in rows.values_list("pk", flat=True)]

    assert (await in_thread(order))[-30:] == one.seen[-30:]


async def test_f19_an_emptied_redis_and_a_restored_database(
    start: Any, core: Any, room: Any, ada: Any
) -> None:
    import redis

    server = start()
    await up(server)
    talk = Talk(room, ada)
    await talk.say(3)
    (reader,), tasks = await crowd(room, server, 1)
    await in_thread(redis.Redis.from_url(REDIS).flushdb)
    await talk.say(3)
    await until(lambda: set(talk.acked[3:]) <= set(reader.messages))
    assert reader.resets == 0
    await in_thread(log.rotate_epochs)
    await until(lambda: reader.resets == 1, 10)
    await talk.say(2)
    await until(lambda: set(talk.acked) <= set(reader.messages))
    await stop(tasks)


async def test_a_plain_client_talks_on_the_socket_of_an_object(
    start: Any, project: Any, secret: Any, ada: Any, bo: Any
) -> None:
    """`ws/chat/<id>/` with a ticket: joined at once, send, receive, edit, resume."""
    server = start()
    await up(server)

    async def hello(who: Any, target: Any, **more: Any) -> Any:
        ticket = await in_thread(lambda: tickets.issue(who, expires_at=time.time() + 600))
        path = f"ws/chat/{target.pk}/"
        ws = await connect(server.url(path), subprotocols=["threadflow.v1.json"])
        await ws.send(json.dumps({"op": "hello", "v": 1, "ticket": ticket, **more}))
        return ws

    async def get(ws: Any, *ops: str) -> dict[str, Any]:
        while True:
            frame = json.loads(await asyncio.wait_for(ws.recv(), 10))
            if frame["op"] in ops:
                return frame

    ws = await hello(ada, project)
    joined = await get(ws, "subd")
    room = joined["topic"].removeprefix("room:")
    await ws.send(json.dumps({"op": "msg.send", "i": 1, "room": room, "nonce": "1", "text": "Hi"}))
    # The frame and the acknowledgement come in either order.
    came = {frame["op"]: frame for frame in [await get(ws, "ack", "msg.new") for _ in range(2)]}
    ack, new = came["ack"], came["msg.new"]
    assert new["id"] == ack["id"] and new["nonce"] == ack["nonce"] == "1"
    await ws.close()
    ws = await hello(ada, project)
    await get(ws, "subd")
    await ws.send(json.dumps({"op": "msg.edit", "i": 2, "id": ack["id"], "text": "Hello"}))
    assert (await get(ws, "ok"))["ver"] == 2
    asked = [{"topic": joined["topic"], "since": 0, "epoch": new.get("epoch", "")}]
    other = await hello(bo, project, topics=asked)
    resumed = await get(other, "subd")
    assert resumed["mode"] == "resume"
    texts = [event["text"] for event in resumed["ev"] if "text" in event]
    assert texts and set(texts) == {"Hello"}
    outsider = await hello(bo, secret)
    assert (await get(outsider, "err"))["code"] == "unknown_topic"
    for one in (ws, other, outsider):
        await one.close()
    assert await in_thread(lambda: rooms.room_of(secret)) is None
    assert await in_thread(lambda: RoomMember.objects.filter(person=ada).count()) == 1
