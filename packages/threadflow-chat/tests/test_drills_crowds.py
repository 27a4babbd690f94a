"""Faults with real servers, by number: many at once, long times, and what comes back otherwise.

F13, F14, F16, F17, F19 and F20; and a plain client on the socket of an object.
"""

from __future__ import annotations

import asyncio
import signal
from typing import Any

import pytest

pytest.importorskip("channels", reason="live frames need Channels")
pytest.importorskip("uvicorn", reason="drills need a server")
pytest.importorskip("websockets", reason="readers need a client")

from django.conf import settings as django_settings
from django.contrib.auth.models import AnonymousUser
from django.db import connections
from django.test import Client

from threadflow_chat.models import RoomMember
from threadflow_chat.services import messages, rooms
from threadflow_chat.swaps import get_message_model
from threadflow_core.realtime import log
from threadflow_core.realtime.hub import current_hub
from threadflow_core.realtime.models import Topic
from threadflow_core.realtime.sockets import Socket
from threadflow_core.realtime.threads import in_thread
from threadflow_core.testing.proxy import FaultProxy

from .drilling import REDIS, Line, Talk, crowd, lines, slow, stop, ticket, until, up
from .live_client import Reader

pytestmark = [
    pytest.mark.drill,
    pytest.mark.redis,
    pytest.mark.usefixtures("threads"),
    pytest.mark.django_db(transaction=True),
]


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
    await until(lambda: all(wanted <= set(one.messages) for one in readers), 60)
    await stop(tasks)
    first = readers[0]
    assert len(wanted) == count
    assert all(one.seen == first.seen and one.events == first.events for one in readers)


@pytest.mark.parametrize("count", [60, slow(1_000)])
async def test_f14_many_come_back_at_once_and_the_log_is_read_once(
    room: Any, ada: Any, count: int
) -> None:
    """Within one process, where the reads can be counted. (That pages don't come back in the same
    moment is a test of the script.)"""
    await Talk(room, ada).say(30, 0.0)
    hub = current_hub()
    found: list[list[str]] = []

    async def come_back() -> None:
        async def send(message: dict[str, Any]) -> None:
            return None

        socket = Socket(send, person=AnonymousUser())
        position = await in_thread(log.positions, [room.live_topic])
        epoch = position[room.live_topic].epoch
        joined = await hub.join(room.live_topic, socket, since=5, epoch=epoch)
        found.append(joined.texts or [])

    await asyncio.gather(*(come_back() for _ in range(count)))
    assert hub.stats["log_reads"] == 1
    assert all(texts == found[0] for texts in found) and len(found[0]) >= 25
    await hub.stop()


@pytest.mark.parametrize("count", [slow(18, id="few"), slow(150)])
async def test_f14_all_followers_of_a_server_that_is_replaced_go_on_at_another(
    start: Any, room: Any, ada: Any, person: Any, count: int
) -> None:
    first, second = start(), start()
    await up(first, second)
    talk = Talk(room, ada)
    await talk.say(3)
    # Ten sockets are the most that one person has, so it takes several.
    many = range(1 + count // 10)
    cookies = await in_thread(lambda: [cookie_of(person(f"p{n}")) for n in many])
    readers = [Reader(room.live_topic) for _ in range(count)]

    async def keep(number: int) -> None:
        one = readers[number]
        for server in (first, second):
            cookie = cookies[number % len(cookies)]
            await one.follow(server.url(), server.origin, cookie=cookie)

    tasks = [asyncio.get_running_loop().create_task(keep(n)) for n in range(count)]
    await asyncio.wait_for(asyncio.gather(*(one.ready.wait() for one in readers)), 60)
    first.process.send_signal(signal.SIGTERM)
    await talk.say(10, 0.01)
    await until(lambda: all(talk.acked[-1] in one.messages for one in readers), 60)
    await stop(tasks)
    assert all(one.resets == 0 for one in readers)
    assert all(one.events == list(range(one.events[0], one.seq + 1)) for one in readers)
    assert {one.closed for one in readers} == {1012}  # of the first server; then nothing ended
    assert "Traceback" not in second.log


def cookie_of(person: Any) -> str:
    client = Client()
    client.force_login(person)
    name = django_settings.SESSION_COOKIE_NAME
    return f"{name}={client.cookies[name].value}"


@pytest.mark.slow
async def test_f16_clocks_that_differ_do_not_change_the_order(
    start: Any, room: Any, ada: Any, bo: Any
) -> None:
    right, ahead = start(), start(CLOCK_AHEAD="5")
    await up(right, ahead)
    await Talk(room, ada).say(1)
    (one,), first = await crowd(room, right, 1)
    (two,), second = await crowd(room, ahead, 1)

    async def chat(line: Line, name: str) -> None:
        for n in range(15):
            given = {"room": str(room.pk), "nonce": f"{n}", "text": f"{name} {n}"}
            assert (await line.ask("msg.send", **given))["op"] == "ack"

    async with lines(
        Line(right, ticket=await ticket(ada)), Line(ahead, ticket=await ticket(bo))
    ) as sockets:
        for line in sockets:
            await line.get("welcome")
        await asyncio.gather(chat(sockets[0], "right"), chat(sockets[1], "ahead"))
    await until(lambda: len(one.messages) >= 31 and len(two.messages) >= 31)
    await stop(first + second)
    assert one.seen[-30:] == two.seen[-30:]

    def order() -> list[str]:
        rows = get_message_model().objects.filter(room=room).order_by("mno")
        return [str(pk) for pk in rows.values_list("pk", flat=True)]

    assert (await in_thread(order))[-30:] == one.seen[-30:]


@pytest.mark.slow
async def test_f17_idle_connections_live_through_proxies_that_cut_idle_ones(
    start: Any, proxy: FaultProxy, room: Any, ada: Any
) -> None:
    """A proxy in front of the server that cuts after 3 s, where the server's pings come each
    second: as 60 s and 20 s. The one before Redis cuts after 25 s, and redis-py 8 gives each
    socket 5 s unless told otherwise; so this waits in real time."""
    proxy.idle = 25.0
    server = start("--ws-ping-interval", "1", "--ws-ping-timeout", "30")
    await up(server)
    talk = Talk(room, ada)
    await talk.say(1)
    host, _colon, port = server.host.partition(":")
    with FaultProxy(host, int(port), idle=3.0) as front:
        through = f"ws://127.0.0.1:{front.port}/ws/v1/"
        reader = Reader(room.live_topic)
        origin = f"http://127.0.0.1:{front.port}"
        task = asyncio.get_running_loop().create_task(reader.follow(through, origin))
        await asyncio.wait_for(reader.ready.wait(), 40)
        made = proxy.connections
        await asyncio.sleep(32)
        assert reader.closed is None and front.connections == 1
        assert proxy.connections == made
        await talk.say(1)
        await until(lambda: talk.acked[-1] in reader.messages)
        await stop([task])
    assert reader.resets == 0


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
    await until(lambda: reader.resets == 1)
    await talk.say(2)
    await until(lambda: set(talk.acked) <= set(reader.messages))
    await stop(tasks)


@pytest.mark.slow
async def test_f19_numbers_that_went_back_are_noticed_without_being_told(
    start: Any, room: Any, ada: Any
) -> None:
    """A backup was restored and nobody changed the epochs."""
    server = start()
    await up(server)
    talk = Talk(room, ada)
    await talk.say(8)
    (reader,), tasks = await crowd(room, server, 1)
    before = reader.seq

    def restore() -> None:
        get_message_model().objects.filter(room=room, mno__gt=4).delete()
        topic = Topic.objects.get(name=room.live_topic)
        topic.events.filter(seq__gt=4).delete()
        Topic.objects.filter(pk=topic.pk).update(seq=4)

    await in_thread(restore)
    await until(lambda: reader.resets == 1)
    assert reader.seq < before and len(reader.messages) <= 4
    await talk.say(2)
    await until(lambda: set(talk.acked[-2:]) <= set(reader.messages))
    await stop(tasks)


async def test_f20_a_socket_that_is_a_day_old_still_receives(
    start: Any, room: Any, ada: Any
) -> None:
    """All clocks and timers of the server jump by 24 hours."""
    options = ("--loop", "asyncio", "--ws-ping-timeout", "120")
    server = start(*options, CLOCK_JUMP="86400")
    await up(server)
    talk = Talk(room, ada)
    await talk.say(1)
    (reader,), tasks = await crowd(room, server, 1)
    async with Line(server, topics=[{"topic": room.live_topic}]) as line:
        await line.get("subd")
        before = (await line.ask("ping"))["now"]
        server.process.send_signal(signal.SIGUSR1)
        while (await line.ask("ping"))["now"] - before < 86_400_000:
            await asyncio.sleep(0.2)
        for _ in range(3):
            await talk.say(1, 1.5)  # also after timers of then have come
            await until(lambda: talk.acked[-1] in reader.messages)
            assert (await line.get("msg.new"))["id"] == talk.acked[-1]
    await stop(tasks)
    assert reader.closed is None and reader.resets == 0


async def test_a_plain_client_talks_on_the_socket_of_an_object(
    start: Any, project: Any, secret: Any, ada: Any, bo: Any
) -> None:
    """`ws/chat/<id>/` with a ticket: joined at once, send, receive, edit, resume."""
    server = start()
    await up(server)
    here = f"ws/chat/{project.pk}/"
    async with Line(server, here, ticket=await ticket(ada)) as line:
        joined = await line.get("subd")
        room = joined["topic"].removeprefix("room:")
        await line.send(op="msg.send", i=1, room=room, nonce="1", text="Hi")
        # The frame and the acknowledgement come in either order.
        came = {frame["op"]: frame for frame in [await line.get("ack", "msg.new") for _ in "12"]}
    ack, new = came["ack"], came["msg.new"]
    assert new["id"] == ack["id"] and new["nonce"] == ack["nonce"] == "1"
    async with Line(server, here, ticket=await ticket(ada)) as line:
        await line.get("subd")
        assert (await line.ask("msg.edit", id=ack["id"], text="Hello"))["ver"] == 2
    asked = [{"topic": joined["topic"], "since": 0, "epoch": new.get("epoch", "")}]
    async with Line(server, here, ticket=await ticket(bo), topics=asked) as line:
        resumed = await line.get("subd")
    assert resumed["mode"] == "resume"
    texts = [event["text"] for event in resumed["ev"] if "text" in event]
    assert texts and set(texts) == {"Hello"}
    async with Line(server, f"ws/chat/{secret.pk}/", ticket=await ticket(bo)) as outsider:
        assert (await outsider.get("err"))["code"] == "unknown_topic"
    assert await in_thread(lambda: rooms.room_of(secret)) is None
    assert await in_thread(lambda: RoomMember.objects.filter(person=ada).count()) == 1
