"""Faults with real servers, by number: who may no longer, who never might, who comes too often.

F9 to F12, F15 and F18; two servers where it must end in all of them.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from typing import Any

import pytest

pytest.importorskip("channels", reason="live frames need Channels")
pytest.importorskip("uvicorn", reason="drills need a server")
pytest.importorskip("websockets", reason="readers need a client")

from django.conf import settings as django_settings
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from websockets.exceptions import InvalidStatus

from threadflow_chat.services import membership, messages, rooms
from threadflow_chat.swaps import get_message_model
from threadflow_core import ports, realtime
from threadflow_core.realtime import user_topic
from threadflow_core.realtime.threads import in_thread

from .drilling import Line, Talk, lines, slow, ticket, up

pytestmark = [
    pytest.mark.drill,
    pytest.mark.redis,
    pytest.mark.usefixtures("threads"),
    pytest.mark.django_db(transaction=True),
]


@pytest.mark.slow
async def test_f9_a_ticket_runs_out_while_connected(start: Any, room: Any, ada: Any) -> None:
    server = start()
    await up(server)
    await Talk(room, ada).say(1)
    topics = [{"topic": room.live_topic}]
    async with lines(
        Line(server, ticket=await ticket(ada, 15), topics=topics),
        Line(server, ticket=await ticket(ada, 15), topics=topics),
    ) as (kept, lost):
        for line in (kept, lost):
            await line.get("subd")
        renewed = await kept.ask("auth", ticket=await ticket(ada, 600))
        assert renewed["op"] == "ok"
        assert await lost.code() == 4401
        sent = await in_thread(
            lambda: messages.send_message(author=ada, room=room, text="Still here?")
        )
        assert (await kept.get("msg.new"))["id"] == str(sent.pk)


@pytest.mark.parametrize("redis", ["there", slow("away", id="redis away")])
@pytest.mark.parametrize(
    ("how", "code"),
    [
        ("signed out", 4505),
        slow("password changed", 4505, id="password"),
        slow("closed", 4503, id="closed"),
    ],
)
async def test_f10_who_signs_out_or_is_closed_is_gone_from_every_server(
    start: Any, core: Any, proxy: Any, room: Any, bo: Any, how: str, code: int, redis: str
) -> None:
    if redis == "away":
        core["REALTIME_RECHECK_SECONDS"] = 2.0
    some = [start(), start()]
    await up(*some)
    browser = await in_thread(signed_in, bo)
    cookie = f"{django_settings.SESSION_COOKIE_NAME}={browser.cookies['sessionid'].value}"
    topics = [{"topic": room.live_topic}]
    async with lines(
        *(
            Line(one, origin=one.origin, additional_headers={"Cookie": cookie}, topics=topics)
            for one in some
        )
    ) as sockets:
        for line in sockets:
            assert (await line.get("welcome"))["user"]
            await line.get("subd")
        if redis == "away":
            proxy.mode = "cut"
        await in_thread(end_identity, how, browser, bo)
        assert [await line.code() for line in sockets] == [code, code]


def signed_in(person: Any) -> Client:
    client = Client()
    client.force_login(person)
    return client


def end_identity(how: str, browser: Client, person: Any) -> None:
    if how == "signed out":
        browser.logout()
        return
    if how == "closed":
        person.is_active = False
    else:
        person.set_password("another")
    person.save()


@pytest.mark.parametrize(
    ("how", "code"),
    [
        ("banned", "banned"),
        slow("kicked", "unknown_topic", id="kicked"),
        slow("not paid", "premium_required", id="not paid"),
        slow("private", "unknown_topic", id="private"),
        slow("object gone", "unknown_topic", id="object gone"),
    ],
)
async def test_f11_f12_a_right_that_ends_ends_in_every_server(
    start: Any, core: Any, settings: Any, room: Any, group: Any, project: Any, ada: Any, bo: Any,
    lead: Any, how: str, code: str,
) -> None:  # fmt: skip
    """`kicked`, then no frame of that room, `sub` refused, what is on its way refused; other
    rooms go on."""
    await in_thread(grant, ada, bo, lead)
    core["ENTITLEMENTS"] = "tests.entitled.SoldToGroups"
    settings.THREADFLOW_CORE = dict(core)
    target, other, moderator = (group, room, ada) if how == "kicked" else (room, group, lead)
    some = [start(), start()]
    await up(*some)
    topics = [{"topic": target.live_topic}, {"topic": other.live_topic}]
    async with lines(
        *[Line(one, ticket=await ticket(bo), topics=topics) for one in some],
        *[Line(one, ticket=await ticket(moderator), topics=topics[:1]) for one in some],
    ) as (one, two, *stayers):
        for line in (one, two):
            assert {(await line.get("subd"))["topic"] for _ in topics} == {
                asked["topic"] for asked in topics
            }
        for line in stayers:
            await line.get("subd")
        await in_thread(end_right, how, target, project, bo, moderator)
        for line in (one, two):
            kicked = await line.get("kicked", topic=target.live_topic)
            assert kicked["code"] == code
        await nothing_more(how, target, other, moderator, one, two, stayers)


def grant(*people: Any) -> None:
    for feature in ("chat.live", "chat.write"):
        group, _made = Group.objects.get_or_create(name=feature)
        group.user_set.add(*people)


def end_right(how: str, room: Any, project: Any, person: Any, moderator: Any) -> None:
    if how == "banned":
        membership.ban(moderator=moderator, room=room, person=person)
    elif how == "kicked":
        membership.kick(moderator=moderator, room=room, person=person)
    elif how == "not paid":
        person.groups.clear()
        ports.announce_entitlements(person)
    elif how == "private":
        rooms.edit_room(editor=moderator, room=room, visibility="private")
    else:
        project.delete()
        realtime.recheck(room.live_topic)


async def nothing_more(
    how: str, room: Any, other: Any, writer: Any, one: Line, two: Line, stayers: list[Line]
) -> None:
    if how != "object gone":
        say = messages.send_message
        await in_thread(lambda: say(author=writer, room=room, text="Among ourselves"))
        for line in stayers:
            await line.get("msg.new", text="Among ourselves")
    for line in (one, two):
        refused = await line.ask("msg.send", room=str(room.pk), nonce="1", text="On its way")
        assert refused["op"] == "err"
        assert (await line.ask("sub", topic=room.live_topic))["op"] == "err"
    if how == "not paid":  # which ended all of them
        return
    elsewhere = await one.ask("msg.send", room=str(other.pk), nonce="2", text="Elsewhere")
    assert elsewhere["op"] == "ack"
    while (frame := await two.get())["op"] != "msg.new":
        assert frame.get("room") != str(room.pk)
    assert frame["id"] == elsewhere["id"]


@pytest.mark.slow
async def test_f11_a_muted_person_reads_on_in_every_server(
    start: Any, room: Any, ada: Any, bo: Any, lead: Any
) -> None:
    some = [start(), start()]
    await up(*some)
    topics = [{"topic": room.live_topic}, {"topic": user_topic(bo)}]
    async with lines(
        *[Line(one, ticket=await ticket(bo), topics=topics) for one in some]
    ) as sockets:
        for line in sockets:
            await line.get("subd")
            await line.get("subd")
        until_ = timezone.now() + dt.timedelta(hours=1)
        mute = membership.mute
        await in_thread(lambda: mute(moderator=lead, room=room, person=bo, until=until_))
        for line in sockets:
            assert (await line.get("muted"))["room"] == str(room.pk)
            refused = await line.ask("msg.send", room=str(room.pk), nonce="1", text="Hm")
            assert refused["code"] == "muted"
        say = messages.send_message
        await in_thread(lambda: say(author=ada, room=room, text="Quiet here"))
        for line in sockets:
            await line.get("msg.new", text="Quiet here")


# ---------------------------------------------------------------------- F15


async def test_f15_bad_handshakes_are_refused_and_leave_no_trace(
    start: Any, room: Any, group: Any, ada: Any
) -> None:
    server = start()
    await up(server)
    with pytest.raises(InvalidStatus) as refused:
        async with Line(server, origin="http://evil.example"):
            pytest.fail("a page of another site got in")
    assert refused.value.response.status_code == 403
    secret = [{"topic": group.live_topic}, {"topic": "room:01a1fee5-6013-7139-aa96-8346f7f4b7c6"}]
    async with Line(server, topics=secret) as line:  # no cookie, no ticket
        assert (await line.get("welcome"))["user"] is None
        answers = [await line.get("err", "subd") for _ in secret]
        assert {(one["op"], one["code"]) for one in answers} == {("err", "unknown_topic")}
        assert len({one["msg"] for one in answers}) == 1  # there or not: it cannot be told
        sent = await line.ask("msg.send", room=str(room.pk), nonce="1", text="I?")
        assert sent["code"] == "forbidden"
    used = await ticket(ada)
    async with Line(server, ticket=used) as line:
        await line.get("welcome")
    for bad in (used, await ticket(ada, -10), "forged", used[:-2] + "xx", 7, None, {"a": 1}):
        async with Line(server, ticket=bad) as line:
            assert await line.code() in (4500, 4401)
    assert "Traceback" not in server.log


async def raw(line: Line, payload: bytes, opcode: int) -> None:
    """Put a frame on the wire that no client library would send."""
    mask = b"\x00\x00\x00\x00"
    size = len(payload)
    assert size < 126
    line.ws.transport.write(bytes([0x80 | opcode, 0x80 | size]) + mask + payload)


#: What is sent how often after the hello, and the code that the socket is closed with.
BAD_FRAMES: list[tuple[str | bytes, int, int]] = [
    ("x" * 1024 * 1024, 1, 1009),
    (json.dumps({"op": "msg.send", "text": "x" * 17 * 1024}), 1, 1009),
    ("{not json", 3, 4501),  # two mistakes are answered
    ("[1]", 3, 4501),
    ("[" * 8_000, 3, 4501),
    ('"op"', 3, 4501),
    (b"\x00\x01", 1, 4501),
]
BAD_HELLOS: list[tuple[dict[str, Any], int]] = [
    ({"op": "ping"}, 4501),
    ({"op": "hello", "v": 99}, 4502),
    ({"op": "hello", "v": "x" * 100}, 4502),
]


async def test_f15_bad_frames_end_the_socket_with_their_code(start: Any, room: Any) -> None:
    server = start()
    await up(server)
    for sent, times, code in BAD_FRAMES:
        async with Line(server) as line:
            for _ in range(times):
                await line.ws.send(sent)
            assert await line.code() == code, sent[:20]
    for hello, code in BAD_HELLOS:
        async with Line(server, hello=hello) as line:
            assert await line.code() == code, hello
    assert "Traceback" not in server.log
    async with Line(server) as line:
        await raw(line, b'{"op": "\xff\xfe"}', 1)
        assert await line.code() == 1007  # by the server itself, which logs it in its own way
    async with Line(server, topics=[{"topic": room.live_topic}]) as line:
        await line.get("subd")  # it serves on


@pytest.mark.slow
async def test_f15_unknown_ops_and_the_fifty_first_room_are_answered(
    start: Any, room: Any, ada: Any, person: Any
) -> None:
    server = start()
    await up(server)

    def many() -> list[str]:
        topics = []
        for n in range(51):
            opened = rooms.open_group(person=ada, title=f"Room {n}", people=[])
            topics.append(opened.live_topic)
        return topics

    topics = await in_thread(many)
    async with Line(
        server, ticket=await ticket(ada), topics=[{"topic": one} for one in topics]
    ) as line:
        answers = [await line.get("subd", "err") for _ in topics]
        assert [one["op"] for one in answers].count("subd") == 50
        assert answers[-1]["code"] == "too_many_topics"
        unknown = await line.ask("dance", room=str(room.pk))
        assert (unknown["op"], unknown["code"]) == ("err", "bad_request")
        assert (await line.ask("ping"))["op"] == "pong"
    assert "Traceback" not in server.log


# ---------------------------------------------------------------------- F18


@pytest.mark.parametrize("how", ["slow mode", slow("limit", id="limit")])
async def test_f18_of_two_tabs_and_a_form_at_once_one_wins(
    start: Any, core: Any, settings: Any, room: Any, ada: Any, lead: Any, how: str
) -> None:
    if how == "limit":
        core["LIMITS"] = {"*": None, "chat.message": "1/h", "chat.message_newcomer": "1/h"}
        settings.THREADFLOW_CORE = dict(core)
    else:
        await in_thread(lambda: rooms.edit_room(editor=lead, room=room, slow_seconds=60))
    one, two = start(), start()
    await up(one, two)
    browser = await in_thread(signed_in, ada)
    url = reverse("threadflow_chat:say", args=[room.pk])

    async def tab(line: Line, name: str) -> bool:
        answer = await line.ask("msg.send", room=str(room.pk), nonce=name, text=f"By {name}")
        assert answer["op"] == "ack" or answer["code"] in ("slow_mode", "rate"), answer
        return answer["op"] == "ack"

    def form() -> bool:
        answer = browser.post(url, {"text": "By form", "nonce": "form"})
        assert answer.status_code in (303, 429), answer.status_code
        return answer.status_code == 303

    async with lines(
        Line(one, ticket=await ticket(ada)), Line(two, ticket=await ticket(ada))
    ) as sockets:
        for line in sockets:
            await line.get("welcome")
        sent = await asyncio.gather(tab(sockets[0], "one"), tab(sockets[1], "two"), in_thread(form))
    assert sent.count(True) == 1
    assert await in_thread(lambda: get_message_model().objects.count()) == 1
