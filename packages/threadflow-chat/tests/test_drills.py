"""Faults with real servers, real sockets and real Redis, by number: nothing is lost, nothing twice.

F1 to F8 and F21, which runs some of them on other servers. Short versions here; long ones are
marked `slow`. F9 to F12, F15 and F18 are in `test_drills_rights`, the others in
`test_drills_crowds`.
"""

from __future__ import annotations

import asyncio
import json
import random
import signal
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("channels", reason="live frames need Channels")
pytest.importorskip("uvicorn", reason="drills need a server")
pytest.importorskip("websockets", reason="readers need a client")

import psutil

from threadflow_chat.models import Reaction
from threadflow_chat.services import messages, pins, reactions
from threadflow_chat.swaps import get_message_model
from threadflow_core import realtime
from threadflow_core.exceptions import ThreadflowError
from threadflow_core.realtime.models import Topic
from threadflow_core.realtime.threads import in_thread
from threadflow_core.testing.proxy import FaultProxy

from .drill_hooks import Gate
from .drilling import (
    Line,
    Server,
    Talk,
    crowd,
    follow,
    lines,
    slow,
    stop,
    ticket,
    until,
    up,
)
from .live_client import Reader

pytestmark = [
    pytest.mark.drill,
    pytest.mark.redis,
    pytest.mark.usefixtures("threads"),
    pytest.mark.django_db(transaction=True),
]


@pytest.mark.parametrize(
    ("fault", "count"), [("cut", 40), slow("hang", 40, id="hang"), slow("cut", 1_200)]
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
        await until(lambda: all(talk.acked[-1] in one.messages for one in readers))
    finally:
        await stop(tasks)
    assert all(one.seen[-len(talk.acked) :] == talk.acked for one in readers)
    assert all(len(set(one.seen)) == len(one.seen) for one in readers)
    assert all(one.closed is None and one.resets == 0 for one in readers)
    assert talk.longest < 5  # a message does not wait for Redis, however long that is away


@pytest.mark.slow
async def test_f2_a_killed_server_and_clients_that_go_on_elsewhere(
    start: Any, room: Any, ada: Any, bo: Any, settings: Any
) -> None:
    """Resumed without a hole; and who was connected there is present no longer."""
    quick = json.dumps({"PRESENCE_LEASE_SECONDS": 2, "PRESENCE_RENEW_SECONDS": 1})
    first, second = start(THREADFLOW_CHAT=quick), start(THREADFLOW_CHAT=quick)
    await up(first, second)
    talk = Talk(room, ada)
    await talk.say(1)
    reader = Reader(room.live_topic)
    task = follow(reader, first, again=False)
    await asyncio.wait_for(reader.ready.wait(), 40)
    topics = [{"topic": room.live_topic}]
    async with lines(
        Line(first, ticket=await ticket(bo), topics=topics),
        Line(second, ticket=await ticket(ada), topics=topics),
    ) as (_lost, other):
        while (await other.ask("who", room=str(room.pk)))["n"] < 2:
            await asyncio.sleep(0.2)
        saying = asyncio.create_task(talk.say(60, 0.01))
        await until(lambda: len(reader.messages) > 10, what="the burst")
        first.process.send_signal(signal.SIGKILL)
        await asyncio.wait_for(task, 40)
        again = follow(reader, second)
        await saying
        await until(lambda: len(reader.messages) >= 61)
        await stop([again])
        async with asyncio.timeout(40):
            while (await other.ask("who", room=str(room.pk)))["n"] > 1:
                await asyncio.sleep(0.2)
    assert reader.events == list(range(reader.events[0], reader.seq + 1))
    assert set(reader.messages) >= set(talk.acked) and reader.resets == 0
    assert len(set(reader.seen)) == len(reader.seen)


async def test_f3_a_commit_that_nobody_was_told_of_arrives_all_the_same(
    start: Any, core: Any, room: Any, ada: Any, settings: Any
) -> None:
    server = start()
    await up(server)
    talk = Talk(room, ada)
    await talk.say(1)
    (reader,), tasks = await crowd(room, server, 1)
    # As if this process died between COMMIT and PUBLISH: its frames go nowhere.
    settings.THREADFLOW_CORE = {
        **core,
        "REALTIME_BACKEND": "threadflow_core.realtime.backends.inprocess.InProcessBackend",
    }
    await talk.say(1)
    await until(lambda: talk.acked[-1] in reader.messages)
    await stop(tasks)
    assert reader.closed is None and reader.resets == 0


@pytest.mark.parametrize("count", [slow(2_000, id="short"), slow(40_000)])
async def test_f4_a_client_that_stops_reading_is_let_go_and_slows_nobody(
    start: Any, room: Any, ada: Any, count: int
) -> None:
    server = start()
    await up(server)
    talk = Talk(room, ada)
    await talk.say(1)
    (quick,), tasks = await crowd(room, server, 1)
    size = 16_000_000 // count

    def flood(many: int) -> None:
        for n in range(many):
            realtime.hint(room.live_topic, "bot.part", n=n, text="x" * size)

    await in_thread(flood, count // 4)  # so that what is measured is the deaf one
    await talk.say(1)
    await until(lambda: talk.acked[-1] in quick.messages)
    memory = memory_of(server)
    asked = {"topic": room.live_topic, "since": quick.seq, "epoch": quick.epoch}
    async with Line(server, topics=[asked]) as deaf:
        await deaf.get("subd")
        deaf.ws.transport.pause_reading()
        await in_thread(flood, count)
        await talk.say(1)
        await until(lambda: talk.acked[-1] in quick.messages)
        assert memory_of(server) - memory < 6 * 1024 * 1024  # of 16 MB; its queue has 1 MiB
        assert quick.closed is None
        deaf.ws.transport.resume_reading()
        # 1006 where the server gave up on the handshake of closing, as the client never read it.
        assert await deaf.code() in (4408, 1006)
    again = Reader(room.live_topic)
    again.seq, again.epoch = quick.seq - 1, quick.epoch
    tasks.append(follow(again, server))
    await until(lambda: talk.acked[-1] in again.messages)
    await stop(tasks)


def memory_of(server: Server) -> int:
    process = psutil.Process(server.process.pid)
    # A server may serve from processes of its own.
    return sum(one.memory_info().rss for one in [process, *process.children(recursive=True)])


async def test_f5_a_resend_over_every_way_at_once_is_one_message(
    start: Any, room: Any, ada: Any, bo: Any
) -> None:
    one, two = start(), start()
    await up(one, two)
    given = {"room": str(room.pk), "nonce": "n-1", "text": "Once"}

    async def send(server: Server, who: Any = ada) -> dict[str, Any]:
        async with Line(server, ticket=await ticket(who)) as line:
            await line.get("welcome")
            return await line.ask("msg.send", **given)

    def over_http() -> Any:
        return messages.send_message(author=ada, room=room, text="Once", nonce="n-1")

    *acks, service = await asyncio.gather(send(one), send(two), send(one), in_thread(over_http))
    again = await send(two)  # the acknowledgement was lost, the client is back
    assert {ack["op"] for ack in [*acks, again]} == {"ack"}, acks
    assert {(ack["id"], ack["mno"]) for ack in [*acks, again]} == {(str(service.pk), 1)}
    assert (await send(one, bo))["mno"] == 2  # another author's nonce is another message
    assert await in_thread(lambda: get_message_model().objects.count()) == 2


@pytest.mark.slow
async def test_f6_ten_thousand_events_behind_is_a_small_page_and_older_ones_by_cursor(
    start: Any, room: Any, ada: Any, plant: Any
) -> None:
    """How many queries it takes is asked in `test_live`."""
    server = start()
    await up(server)
    await Talk(room, ada).say(1)

    def fill() -> None:
        plant(room, ada, 179)
        Topic.objects.filter(name=room.live_topic).update(seq=10_060)

    await in_thread(fill)
    epoch = await in_thread(lambda: Topic.objects.get(name=room.live_topic).epoch)
    asked = {"topic": room.live_topic, "since": 1, "epoch": epoch}
    async with Line(server, ticket=await ticket(ada), topics=[asked]) as line:
        subscribed = await line.get("subd")
        assert subscribed["mode"] == "reset" and subscribed["seq"] == 10_060
        assert len(json.dumps(subscribed)) < 100_000
        shown = [one["mno"] for one in subscribed["page"]["messages"]]
        assert len(shown) <= 50
        while shown[0] > 1:
            page = await line.ask("hist", room=str(room.pk), before=shown[0], n=50)
            shown = [one["mno"] for one in page["messages"]] + shown
    assert shown == list(range(1, 181))


@pytest.mark.parametrize("seed", [slow(1, id="one"), slow(2, id="other")])
async def test_f7_what_changed_while_one_was_away_is_there_after_the_resume(
    start: Any, room: Any, ada: Any, lead: Any, seed: int
) -> None:
    """Every order of it is tried in `test_live_replay`, without servers."""
    server = start()
    await up(server)
    await Talk(room, ada).say(12)
    (reader,), tasks = await crowd(room, server, 1)
    await stop(tasks)
    dice = random.Random(seed)
    kept: set[Any] = set()

    def act() -> None:
        rows = list(get_message_model().objects.filter(room=room).order_by("mno"))
        who, target = dice.choice([ada, lead]), dice.choice(rows)
        acts: list[Any] = [
            lambda: messages.edit_message(editor=ada, message=target, text=f"{dice.random()}"),
            # A pin that goes with its message is a matter of its own, below.
            lambda: target.pk in kept or messages.delete_message(person=who, message=target),
            lambda: messages.restore_message(person=who, message=target),
            lambda: reactions.react(person=who, message=target, emoji="👍", on=dice.random() > 0.3),
            lambda: (
                kept.add(target.pk)
                or pins.set_pinned(person=lead, message=target, on=dice.random() > 0.3)
            ),
        ]
        try:
            dice.choice(acts)()
        except ThreadflowError:
            return  # not in this state

    for _ in range(80):
        await in_thread(act)
    last = await in_thread(lambda: messages.send_message(author=lead, room=room, text="The end"))
    tasks = [follow(reader, server)]
    await until(lambda: str(last.pk) in reader.messages)
    await stop(tasks)
    assert reader.resets == 0
    shown, marks, pinned = await in_thread(state_of, room)
    assert reader.messages == shown
    assert {k: v for k, v in reader.reactions.items() if v and k in shown} == marks
    assert reader.pinned == pinned


@pytest.mark.slow
async def test_f7_a_pin_that_went_with_its_message_is_gone_though_the_message_is_back(
    start: Any, room: Any, ada: Any, lead: Any
) -> None:
    server = start()
    await up(server)
    await Talk(room, ada).say(1)
    (reader,), tasks = await crowd(room, server, 1)
    await stop(tasks)

    def act() -> None:
        message = messages.send_message(author=ada, room=room, text="Read this first")
        pins.set_pinned(person=lead, message=message, on=True)
        messages.delete_message(person=ada, message=message)
        messages.restore_message(person=ada, message=message)

    await in_thread(act)
    last = await in_thread(lambda: messages.send_message(author=lead, room=room, text="The end"))
    tasks = [follow(reader, server)]
    await until(lambda: str(last.pk) in reader.messages)
    await stop(tasks)
    shown, _marks, pinned = await in_thread(state_of, room)
    assert reader.messages == shown
    assert reader.pinned == pinned == set()


def state_of(room: Any) -> tuple[dict[str, Any], dict[str, Any], set[str]]:
    """What a fresh page shows: messages, reactions, pins."""
    rows = get_message_model().objects.filter(room=room, state="visible")
    marks: dict[str, dict[str, int]] = {}
    for mark in Reaction.objects.filter(message__in=rows):
        counts = marks.setdefault(str(mark.message_id), {})
        counts[mark.emoji] = counts.get(mark.emoji, 0) + 1
    pinned = rows.filter(pin__isnull=False).values_list("pk", flat=True)
    shown = {str(one.pk): {"text": one.source, "ver": one.version} for one in rows}
    return shown, marks, {str(pk) for pk in pinned}


@pytest.mark.parametrize(
    ("read", "where"),
    [
        ("positions", "before"),
        slow("positions", "after", id="position, after"),
        slow("missed", "before", id="log, before"),
        slow("missed", "after", id="log, after"),
    ],
)
async def test_f8_a_message_between_subscribing_and_reading_the_log_is_shown_once(
    start: Any, room: Any, ada: Any, gate: Gate, tmp_path: Path, read: str, where: str
) -> None:
    """The server waits before or after its read of the position, or of what was missed, while
    another process sends."""
    talk = Talk(room, ada)
    await talk.say(5)
    server = start(GATE=f"{read}:{where}:{tmp_path}")
    await up(server)
    reader = Reader(room.live_topic)
    if read == "missed":  # somebody who was away has something to read
        reader.seq = 1
        reader.epoch = await in_thread(lambda: Topic.objects.get(name=room.live_topic).epoch)
    tasks = [follow(reader, server)]
    await until(lambda: gate.is_reached, what="the read")
    await talk.say(2)
    gate.open()
    await talk.say(1)
    await until(lambda: talk.acked[-1] in reader.messages)
    await stop(tasks)
    wanted = talk.acked if read == "positions" else talk.acked[-7:]
    assert reader.seen[-len(wanted) :] == wanted
    assert len(set(reader.seen)) == len(reader.seen) and reader.resets == 0
    assert reader.events == list(range(reader.events[0], reader.seq + 1))


# ---------------------------------------------------------------------- other servers

others = pytest.mark.parametrize("served_by", ["granian", "daphne"])


@pytest.fixture
def other_server(request: Any, served_by: str) -> None:
    pytest.importorskip(served_by, reason=f"{served_by} is not installed")
    if "f4" in request.function.__name__:
        reasons = {
            "daphne": "daphne takes all that is sent and keeps it: no client is ever too slow",
            "granian": "granian takes a frame at a time: such a burst fills the queue of any client",
        }
        pytest.skip(reasons[served_by])


@pytest.mark.slow
@pytest.mark.usefixtures("other_server")
@others
class TestF21:
    """F1, F4, F5 and F8 on servers other than uvicorn; Python versions are cells of tox."""

    async def test_f21_f1(self, start: Any, proxy: Any, room: Any, ada: Any) -> None:
        await test_f1_redis_goes_away_and_every_message_arrives_once_in_order(
            start, proxy, room, ada, "cut", 40
        )

    async def test_f21_f4(self, start: Any, room: Any, ada: Any) -> None:
        await test_f4_a_client_that_stops_reading_is_let_go_and_slows_nobody(
            start, room, ada, 2_000
        )

    async def test_f21_f5(self, start: Any, room: Any, ada: Any, bo: Any) -> None:
        await test_f5_a_resend_over_every_way_at_once_is_one_message(start, room, ada, bo)

    @pytest.mark.parametrize("where", ["before", "after"])
    @pytest.mark.parametrize("read", ["positions", "missed"])
    async def test_f21_f8(
        self, start: Any, room: Any, ada: Any, gate: Gate, tmp_path: Path, read: str, where: str
    ) -> None:
        await test_f8_a_message_between_subscribing_and_reading_the_log_is_shown_once(
            start, room, ada, gate, tmp_path, read, where
        )
