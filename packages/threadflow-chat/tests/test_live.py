"""What followers of a room are sent, and what never: frames, rights, ops, presence, typing."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio

pytest.importorskip("channels", reason="live frames need Channels")

from django.contrib.sessions.backends.db import SessionStore
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from threadflow_chat import frames, rosters
from threadflow_chat.live import leases, presence, typing
from threadflow_chat.models import Reaction, RoomMember
from threadflow_chat.services import (
    bots,
    membership,
    messages,
    pins,
    reactions,
    reads,
    rooms,
)
from threadflow_chat.swaps import get_message_model, get_room_model
from threadflow_core import ports, privacy
from threadflow_core.exceptions import NotAllowed, ThreadflowError
from threadflow_core.realtime import log
from threadflow_core.realtime.hub import current_hub
from threadflow_core.realtime.kinds import kind_of, user_topic
from threadflow_core.realtime.threads import in_thread
from threadflow_core.testing.queries import statements

from . import entitled
from .live_client import LocalSocket, Reader

pytestmark = pytest.mark.django_db(transaction=True)


@pytest_asyncio.fixture
async def sockets() -> AsyncIterator[Callable[..., Awaitable[LocalSocket]]]:
    made: list[LocalSocket] = []

    def session_of(user: Any) -> SessionStore:
        client = Client()
        client.force_login(user)
        return SessionStore(client.session.session_key)

    await in_thread(
        reverse, "threadflow_chat:index"
    )  # the site's URLs are loaded before anybody waits

    async def make(user: Any = None) -> LocalSocket:
        session = None if user is None else await in_thread(session_of, user)
        made.append(LocalSocket(user, session))
        return made[-1]

    yield make
    for socket in made:
        await socket.leave()
    await presence.keeper().stop()
    await current_hub().stop()


def do(function: Any, **given: Any) -> Any:
    """Call a service beside the event loop."""
    return in_thread(lambda: function(**given))


# ---------------------------------------------------------------------- frames


async def test_what_happens_in_a_room_reaches_its_followers(
    sockets: Any, room: Any, ada: Any, bo: Any, lead: Any
) -> None:
    socket = await sockets(bo)
    (answer,) = await socket.follow(room.live_topic)
    assert (answer["mode"], answer["ev"]) == ("resume", [])
    assert answer["me"]["can"][:2] == ["read", "write"] and answer["me"]["unread"] == 0
    top = await do(messages.send_message, author=ada, room=room, text="Hello *you*", nonce="n-1")
    await do(messages.send_message, author=lead, room=room, text="And?", reply_to=top)
    await do(reactions.react, person=lead, message=top, emoji="👍", on=True)
    await do(pins.set_pinned, person=lead, message=top, on=True)
    await do(messages.edit_message, editor=ada, message=top, text="Hello **all**")
    await do(messages.delete_message, person=lead, message=top)
    await do(messages.restore_message, person=lead, message=top)
    await do(rooms.edit_room, editor=lead, room=room, slow_seconds=9)
    found = [f for f in await socket.all() if f["op"] != "member"]
    assert [frame["op"] for frame in found] == [
        *("msg.new", "msg.new", "react", "pin", "msg.edit", "msg.del", "msg.restore"),
        "room.update",
    ]
    new, answered, react, pin, edited, gone, restored, update = found
    assert [frame["seq"] for frame in found] == [2, *range(4, 11)]  # 1 and 3: both joined
    assert all(frame["room"] == str(room.pk) for frame in found)
    assert (new["id"], new["mno"], new["nonce"]) == (str(top.pk), 1, "n-1")
    assert "Hello <em>you</em>" in new["html"] and new["author"]["handle"] == "ada"
    assert answered["reply_to"]["id"] == str(top.pk)
    assert answered["reply_to"]["excerpt"] == "Hello you"
    assert (react["emoji"], react["on"], react["count"]) == ("👍", True, 1)
    assert react["user"]["handle"] == "lead" and pin["on"] is True
    assert "<strong>all</strong>" in edited["html"] and edited["ver"] == 2
    assert gone["gone"] == "removed" and "html" not in gone and "text" not in gone
    assert "<strong>all</strong>" in restored["html"]
    assert update["slow_seconds"] == 9
    assert "csrf" not in str(found) and "<button" not in str(found)


async def test_frames_are_the_same_bytes_for_everybody(
    sockets: Any, group: Any, ada: Any, bo: Any
) -> None:
    first, second = await sockets(ada), await sockets(bo)
    for socket in (first, second):
        await socket.follow(group.live_topic)
    await do(messages.send_message, author=ada, room=group, text="Hello @bo")
    assert [await first.get("msg.new")] == [await second.get("msg.new")]


async def test_who_comes_back_gets_no_text_of_what_is_gone_by_now(
    sockets: Any, room: Any, ada: Any, lead: Any
) -> None:
    first = await sockets()
    (answer,) = await first.follow(room.live_topic)

    def write() -> list[Any]:
        send = messages.send_message
        secret = send(author=ada, room=room, text="My secret number")
        return [
            secret,
            send(author=lead, room=room, text="Why tell?", reply_to=secret),
            send(author=ada, room=room, text="Before the edit"),
        ]

    secret, _quoting, edited = await in_thread(write)
    assert "secret number" in str(await first.all())  # so it is in the hub's memory
    await do(messages.delete_message, person=ada, message=secret)
    await do(messages.edit_message, editor=ada, message=edited, text="After the edit")
    later = await sockets()
    (resumed,) = await later.follow(
        {"topic": room.live_topic, "since": 0, "epoch": answer["epoch"]}
    )
    assert resumed["mode"] == "resume"
    events = [event["op"] for event in resumed["ev"]]
    assert (events.count("msg.new"), events.count("member"), len(events)) == (3, 2, 7)
    text = json.dumps(resumed)
    assert "secret number" not in text and "Before" not in text and "After the edit" in text
    assert "Why tell?" in text


async def test_erased_people_leave_no_words_in_memory(
    sockets: Any, room: Any, ada: Any, lead: Any
) -> None:
    first = await sockets()
    (answer,) = await first.follow(room.live_topic)
    sent = await do(messages.send_message, author=ada, room=room, text="My address")
    await do(messages.send_message, author=lead, room=room, text="Thanks", reply_to=sent)
    await do(reactions.react, person=ada, message=sent, emoji="👍", on=True)
    assert "My address" in str(await first.all())
    await in_thread(privacy.erase, ada)
    (told,) = await first.all()
    key = user_topic(ada).removeprefix("user:")
    assert (told["op"], told["user"]) == ("person.gone", {"id": key}) and told["seq"] == 6
    later = await sockets()
    (resumed,) = await later.follow(
        {"topic": room.live_topic, "since": 0, "epoch": answer["epoch"]}
    )
    assert "My address" not in str(resumed) and "'ada'" not in str(resumed)
    assert "Thanks" in str(resumed)


@pytest.mark.parametrize("size", ["few", "long"])
async def test_f6_who_was_away_too_long_starts_anew_with_a_small_page(
    sockets: Any, room: Any, ada: Any, size: str, plant: Any
) -> None:
    text = "x" * 3_900 if size == "long" else "short"

    def fill() -> None:
        messages.send_message(author=ada, room=room, text="The first")
        plant(room, ada, 59, text="{} " + text)
        from threadflow_core.realtime.models import Topic

        Topic.objects.filter(name=room.live_topic).update(seq=10_060)

    await in_thread(fill)
    socket = await sockets()
    (answer,) = await socket.follow({"topic": room.live_topic, "since": 60, "epoch": "x"})
    assert answer["mode"] == "reset" and answer["seq"] == 10_060
    shown = answer["page"]["messages"]
    assert 1 <= len(shown) <= 50 and answer["page"]["more"] is True
    assert [one["mno"] for one in shown] == list(range(61 - len(shown), 61))
    assert len(json.dumps(answer["page"], ensure_ascii=False).encode()) < 100_000
    older = await socket.ask("hist", room=str(room.pk), before=shown[0]["mno"], n=100)
    assert [one["mno"] for one in older["messages"]] == list(range(1, shown[0]["mno"]))


def test_f6_a_fresh_page_takes_two_queries(room: Any, ada: Any, say: Any) -> None:
    for _ in range(5):
        say(room)
    kind, key = kind_of(room.live_topic) or pytest.fail("no such kind")
    with CaptureQueriesContext(connection) as captured:
        page = kind.page(key, ada)
    own = [sql for sql in statements(captured) if "hosted_project" not in sql]
    assert len(own) == 2 and page is not None and len(page["messages"]) == 5


# ---------------------------------------------------------------------- ops


async def test_f5_a_resend_is_acknowledged_like_the_first_time(
    sockets: Any, room: Any, ada: Any, bo: Any
) -> None:
    socket, other = await sockets(ada), await sockets(bo)
    for one in (socket, other):
        await one.follow(room.live_topic)
    ack = await socket.ask("msg.send", room=str(room.pk), nonce="n-1", text="Once")
    assert (ack["op"], ack["nonce"], ack["mno"]) == ("ack", "n-1", 1)
    again = await socket.ask("msg.send", topic=room.live_topic, nonce="n-1", text="Once")
    assert {k: again[k] for k in ("id", "mno", "at")} == {k: ack[k] for k in ("id", "mno", "at")}
    used = await socket.ask("msg.send", room=str(room.pk), nonce="n-1", text="Twice")
    assert (used["op"], used["code"], used["nonce"]) == ("err", "nonce_used", "n-1")
    theirs = await other.ask("msg.send", room=str(room.pk), nonce="n-1", text="Once")
    assert theirs["mno"] == 2


async def test_everything_that_a_client_does(sockets: Any, group: Any, ada: Any, bo: Any) -> None:
    room = str(group.pk)
    socket, other = await sockets(ada), await sockets(bo)
    await socket.follow(group.live_topic, user_topic(ada))
    await other.follow(group.live_topic, user_topic(bo))
    sent = await socket.ask("msg.send", room=room, nonce="1", text="Hello @bo")
    badge = await other.get("unread")
    assert (badge["room"], badge["n"], badge["mentions"]) == (room, 1, 1)
    reply = await other.ask("msg.send", room=room, nonce="1", text="Hi", reply_to=sent["id"])
    assert (await socket.ask("msg.edit", id=sent["id"], text="Hey", ver=1))["ver"] == 2
    stale = await socket.ask("msg.edit", id=sent["id"], text="Ho", ver=1)
    assert (stale["code"], stale["ver"]) == ("conflict", 2)
    assert (await other.ask("msg.edit", id=sent["id"], text="Mine"))["code"] == "not_yours"
    assert (await other.ask("react", id=sent["id"], emoji="🎉", on=True))["op"] == "ok"
    assert (await socket.ask("pin", id=reply["id"], on=True))["op"] == "ok"
    state = await other.ask("read", room=room, mno=2)
    assert (state["mno"], state["n"], state["mentions"]) == (2, 0, 0)
    told = await other.get("read")
    assert (told["room"], told["mno"], told["n"]) == (room, 2, 0)
    assert (await other.ask("msg.del", id=reply["id"]))["op"] == "ok"
    assert (await other.ask("msg.restore", id=reply["id"]))["op"] == "ok"
    page = await other.ask("hist", room=room, after=0)
    assert [one["mno"] for one in page["messages"]] == [1, 2]
    assert page["messages"][0]["reactions"][0]["mine"] is True


@pytest.mark.parametrize(
    ("op", "fields", "code"),
    [
        ("msg.send", {"room": "HERE", "text": "   "}, "empty"),
        ("msg.send", {"room": "HERE", "text": "\x00\x01"}, "empty"),
        ("msg.send", {"room": "HERE", "text": "x" * 4_001}, "too_long"),
        ("msg.send", {"room": "HERE"}, "bad_request"),
        ("msg.send", {"room": "HERE", "text": 7}, "bad_request"),
        ("msg.send", {"room": "HERE", "text": "a", "att": "x"}, "bad_request"),
        ("msg.send", {"room": "HERE", "text": "a", "att": [1]}, "bad_request"),
        ("msg.send", {"room": "HERE", "text": "a", "reply_to": "x"}, "unknown_message"),
        ("msg.send", {"room": "HERE", "text": "a", "reply_to": "SECRET"}, "unknown_message"),
        ("msg.send", {"room": "HERE", "text": "a", "reply_to": [1]}, "unknown_message"),
        ("msg.send", {"room": "HERE", "text": "a", "nonce": ["n"]}, "bad_request"),
        ("msg.send", {"room": "GROUP", "text": "a"}, "unknown_room"),
        ("msg.send", {"room": "nowhere", "text": "a"}, "unknown_room"),
        ("msg.send", {"text": "a"}, "unknown_room"),
        ("msg.edit", {"id": "x", "text": "a"}, "unknown_message"),
        ("msg.edit", {"id": "SECRET", "text": "a"}, "unknown_message"),
        ("msg.del", {"id": None}, "unknown_message"),
        ("react", {"id": "SECRET", "emoji": "👍"}, "unknown_message"),
        ("pin", {"id": {"a": 1}}, "unknown_message"),
        ("hist", {"room": "GROUP"}, "unknown_room"),
        ("read", {"room": "HERE", "mno": "x"}, "bad_request"),
        ("read", {"room": "GROUP", "mno": 1}, "unknown_room"),
        ("who", {"room": "GROUP"}, "unknown_room"),
        ("bot.stop", {"id": "SECRET"}, "unknown_message"),
        ("dance", {}, "bad_request"),
    ],
)
async def test_f15_bad_frames_are_answered_and_tell_nothing(
    sockets: Any, room: Any, group: Any, person: Any, ada: Any, op: str, fields: Any, code: str
) -> None:
    secret = await do(messages.send_message, author=ada, room=group, text="Among us")
    names = {"HERE": str(room.pk), "GROUP": str(group.pk), "SECRET": str(secret.pk)}
    given = {k: names.get(v, v) if isinstance(v, str) else v for k, v in fields.items()}
    socket = await sockets(await in_thread(person, "cy"))
    await socket.follow(room.live_topic)
    answer = await socket.ask(op, **given)
    assert (answer["op"], answer["code"]) == ("err", code)
    assert "Traceback" not in str(answer) and "Among us" not in str(answer)
    assert socket.code is None


async def test_f15_a_private_room_is_refused_as_if_it_were_not_there(
    sockets: Any, group: Any, person: Any
) -> None:
    nowhere = "room:01a1fee5-6013-7139-aa96-8346f7f4b7c6"
    for user in (None, await in_thread(person, "cy")):
        socket = await sockets(user)
        answers = await socket.follow(group.live_topic, nowhere, "room:x", "room:0")
        assert {(one["op"], one["code"]) for one in answers} == {("err", "unknown_topic")}
        assert len({one["msg"] for one in answers}) == 1


async def test_strangers_read_and_do_not_write(sockets: Any, room: Any) -> None:
    socket = await sockets()
    await socket.follow(room.live_topic)
    assert (await socket.ask("hist", room=str(room.pk)))["op"] == "hist"
    for op in ("msg.send", "read"):
        answer = await socket.ask(op, room=str(room.pk), text="a", mno=1)
        assert answer["code"] == "forbidden"


async def test_f18_slow_mode_and_limits_say_how_long(
    sockets: Any, room: Any, ada: Any, lead: Any, settings: Any
) -> None:
    await do(rooms.edit_room, editor=lead, room=room, slow_seconds=30)
    socket = await sockets(ada)
    await socket.follow(room.live_topic)
    await socket.ask("msg.send", room=str(room.pk), nonce="1", text="One")
    slow = await socket.ask("msg.send", room=str(room.pk), nonce="2", text="Two")
    assert slow["code"] == "slow_mode" and 25_000 <= slow["retry_ms"] <= 30_000
    settings.THREADFLOW_CORE = {**settings.THREADFLOW_CORE, "LIMITS": {"chat.message": "1/m"}}
    for n in (3, 4):
        answer = await socket.ask("msg.send", room=str(room.pk), nonce=str(n), text=f"{n}")
    assert answer["code"] == "rate" and answer["retry_ms"] >= 1_000


# ---------------------------------------------------------------------- rights


@pytest.mark.parametrize(
    "how", ["banned", "left", "private", "object gone", "object hidden", "not paid", "room gone"]
)
async def test_f11_f12_who_may_no_longer_read_is_sent_away_at_once(
    sockets: Any, how: str, secret: Any, group: Any, ada: Any, lead: Any, bo: Any, settings: Any
) -> None:
    if how == "not paid":
        everything = {"chat.live", "chat.write"}
        entitled.GRANTS.update(ada=everything)
        sold = {**settings.THREADFLOW_CORE, "ENTITLEMENTS": "tests.entitled.Sold"}
        settings.THREADFLOW_CORE = sold
    bound = await do(rooms.open_for, person=ada, target=secret)
    await check_leaving(sockets, how, bound, secret, group, ada, lead, bo)


async def check_leaving(
    sockets: Any, how: str, bound: Any, secret: Any, group: Any, ada: Any, lead: Any, bo: Any
) -> None:
    inside = how == "left"
    room = group if inside else bound
    stays = ada if inside else lead
    leaver, stayer = await sockets(bo if inside else ada), await sockets(stays)
    other = await do(rooms.open_group, person=bo if inside else ada, title="Other")
    await leaver.follow(room.live_topic, other.live_topic)
    (answer,) = await stayer.follow(room.live_topic)
    topic, key = room.live_topic, str(room.pk)
    await end_reading(how, room, secret, ada, bo, lead)
    kicked = await leaver.get("kicked")
    expected = {"banned": "banned", "not paid": "premium_required"}
    assert kicked["topic"] == topic
    assert kicked["code"] == expected.get(how, "unknown_topic")
    if how in ("banned", "left", "private", "object hidden", "not paid"):
        await do(messages.send_message, author=stays, room=room, text="Among ourselves")
        assert "Among ourselves" in str(await stayer.all())
    assert "Among ourselves" not in str(await leaver.all())
    refused = await leaver.ask("msg.send", room=key, nonce="1", text="In flight")
    assert refused["op"] == "err"
    leaver.send(op="sub", topic=topic, since=0, epoch=answer["epoch"])
    assert (await leaver.get("subd", "err"))["op"] == "err"
    if how != "not paid":
        sent = await leaver.ask("msg.send", room=str(other.pk), nonce="1", text="Elsewhere")
        assert sent["op"] == "ack"


async def end_reading(how: str, room: Any, secret: Any, ada: Any, bo: Any, lead: Any) -> None:
    if how == "banned":
        await do(membership.ban, moderator=lead, room=room, person=ada)
    elif how == "left":
        await do(membership.leave, person=bo, room=room)
    elif how == "private":
        await do(rooms.edit_room, editor=lead, room=room, visibility="private")
    elif how == "not paid":
        entitled.GRANTS.clear()
        await in_thread(ports.announce_entitlements, ada)
    else:
        await in_thread(_end_object, how, room, secret, ada)


def _end_object(how: str, room: Any, secret: Any, ada: Any) -> None:
    from threadflow_core import realtime

    topic = room.live_topic
    if how == "object hidden":
        secret.team.remove(ada)
    elif how == "object gone":
        secret.delete()
    else:
        room.delete()
    realtime.recheck(topic)


async def test_f11_a_muted_person_reads_on_and_does_not_write(
    sockets: Any, room: Any, ada: Any, bo: Any, lead: Any
) -> None:
    socket = await sockets(bo)
    await socket.follow(room.live_topic, user_topic(bo))
    until = timezone.now() + dt.timedelta(hours=1)
    await do(membership.mute, moderator=lead, room=room, person=bo, until=until)
    assert (await socket.get("muted"))["room"] == str(room.pk)
    answer = await socket.ask("msg.send", room=str(room.pk), nonce="1", text="Hm")
    assert (answer["code"], answer["until"]) == ("muted", until.isoformat())
    await do(messages.send_message, author=ada, room=room, text="Quiet here")
    assert (await socket.get("msg.new"))["text"] == "Quiet here"


async def test_f10_signing_out_and_closed_accounts_end_sockets(
    sockets: Any, room: Any, ada: Any, bo: Any
) -> None:
    first, second = await sockets(ada), await sockets(bo)
    for socket in (first, second):
        await socket.follow(room.live_topic)

    def close() -> None:
        bo.is_active = False
        bo.save()

    await in_thread(close)
    async with asyncio.timeout(2):
        while second.code is None:
            await asyncio.sleep(0.01)
    assert second.code == 4503 and first.code is None
    session = first.scope["session"].session_key

    def sign_out() -> None:
        client = Client()
        client.cookies["sessionid"] = session
        client.logout()

    await in_thread(sign_out)
    async with asyncio.timeout(2):
        while first.code is None:
            await asyncio.sleep(0.01)
    assert first.code == 4505


# ---------------------------------------------------------------------- presence, typing


@pytest.fixture
def quick(monkeypatch: Any) -> None:
    """Gathered within moments, so that nobody waits."""
    monkeypatch.setattr(presence, "SETTLE", 0.01)
    monkeypatch.setattr(presence, "AWAY", 0.05)
    monkeypatch.setattr(typing, "GATHER", 0.01)
    leases._local.clear()


async def test_people_come_and_go_and_tabs_count_once(
    quick: None, sockets: Any, room: Any, ada: Any, bo: Any
) -> None:
    first = await sockets(ada)
    await first.follow(room.live_topic)
    greeted = await first.get("pres")
    while "here" not in greeted:
        greeted = await first.get("pres")
    assert [one["handle"] for one in greeted["here"]] == ["ada"] and greeted["n"] == 1
    tabs = [await sockets(bo), await sockets(bo)]
    for tab in tabs:
        await tab.follow(room.live_topic)
    come = await first.get("pres")
    while not come.get("join") or come["join"][0]["handle"] != "bo":
        come = await first.get("pres")
    assert come["n"] == 2
    await tabs[0].leave()
    await asyncio.sleep(0.1)
    who = await first.ask("who", room=str(room.pk))
    assert (who["n"], [one["handle"] for one in who["users"]]) == (2, ["ada", "bo"])
    await tabs[1].leave()
    gone = await first.get("pres")
    while not gone.get("leave"):
        gone = await first.get("pres")
    assert gone["n"] == 1 and len(gone["leave"]) == 1


async def test_f2_people_of_a_killed_process_vanish_when_their_lease_ends(
    quick: None, sockets: Any, room: Any, ada: Any, bo: Any, monkeypatch: Any
) -> None:
    socket = await sockets(ada)
    await socket.follow(room.live_topic)
    while "here" not in await socket.get("pres"):
        continue
    keeper = presence.keeper()
    lost = leases.Lease(str(bo.pk), "killed")
    await leases.LocalLeases().apply(str(room.pk), [lost], [])
    assert (await socket.ask("who", room=str(room.pk)))["n"] == 2
    later = leases.clock() + 60
    monkeypatch.setattr(leases, "clock", lambda: later)
    await keeper.renew()
    gone = await socket.get("pres")
    while not gone.get("leave"):
        gone = await socket.get("pres")
    assert (await socket.ask("who", room=str(room.pk)))["n"] == 1


async def test_large_rooms_show_a_number_and_no_names(
    quick: None, sockets: Any, room: Any, ada: Any, bo: Any, settings: Any
) -> None:
    settings.THREADFLOW_CHAT = {"PRESENCE_NAMES_MAX": 1}
    others = [leases.Lease(str(n), "elsewhere") for n in range(10_000, 10_005)]
    await leases.LocalLeases().apply(str(room.pk), others, [])
    socket = await sockets(ada)
    await socket.follow(room.live_topic)
    frame = await socket.get("pres")
    assert frame["n"] == 6 and not {"here", "join", "leave"} & frame.keys()


async def test_strangers_and_the_invisible_are_not_shown(
    quick: None, sockets: Any, room: Any, ada: Any, settings: Any
) -> None:
    settings.THREADFLOW_CHAT = {"ADAPTER": "tests.test_live.Hiding"}
    for user in (None, ada):
        socket = await sockets(user)
        await socket.follow(room.live_topic)
    await asyncio.sleep(0.05)
    assert (await socket.ask("who", room=str(room.pk)))["n"] == 0


async def test_the_invisible_see_who_is_here(
    quick: None, sockets: Any, room: Any, ada: Any, bo: Any, settings: Any
) -> None:
    first = await sockets(bo)
    await first.follow(room.live_topic)
    while "here" not in await first.get("pres"):
        continue
    settings.THREADFLOW_CHAT = {"ADAPTER": "tests.test_live.Hiding"}
    socket = await sockets(ada)
    await socket.follow(room.live_topic)
    greeted = await socket.get("pres")
    assert [one["handle"] for one in greeted["here"]] == ["bo"] and greeted["n"] == 1


async def test_the_face_of_who_is_gone_for_good_is_taken_away(
    quick: None, sockets: Any, room: Any, ada: Any, bo: Any
) -> None:
    first, second = await sockets(ada), await sockets(bo)
    for socket in (first, second):
        await socket.follow(room.live_topic)
    key = user_topic(bo).removeprefix("user:")
    while key not in str(await first.get("pres")):
        continue
    await in_thread(type(bo).objects.filter(pk=bo.pk).delete)
    await second.leave()
    gone = await first.get("pres")
    while not gone.get("leave"):
        gone = await first.get("pres")
    assert (gone["leave"], gone["n"]) == ([key], 1)


async def test_members_that_never_spoke_are_erased_from_open_pages(
    sockets: Any, room: Any, ada: Any, bo: Any, member: Any
) -> None:
    await in_thread(member, room, bo)
    socket = await sockets(ada)
    await socket.follow(room.live_topic)
    await in_thread(privacy.erase, bo)
    told = await socket.get("person.gone")
    assert told["user"] == {"id": user_topic(bo).removeprefix("user:")}


async def test_other_tabs_learn_of_another_level(
    sockets: Any, room: Any, ada: Any, bo: Any, say: Any, member: Any
) -> None:
    await in_thread(member, room, bo)
    await in_thread(say, room)
    socket = await sockets(bo)
    await socket.follow(user_topic(bo))
    await do(membership.set_level, person=bo, room=await in_thread(room_now, room), level="none")
    told = await socket.get("read")
    assert (told["room"], told["level"], told["n"]) == (str(room.pk), "none", 1)


def room_now(room: Any) -> Any:
    return type(room).objects.get(pk=room.pk)


class Hiding:
    """Nobody is shown as present."""

    def __getattr__(self, name: str) -> Any:
        from threadflow_chat.adapter import ChatAdapter

        return getattr(ChatAdapter(), name)

    def shows_presence(self, **given: Any) -> bool:
        return False


async def test_idle_is_when_all_tabs_are(
    quick: None, sockets: Any, room: Any, ada: Any, bo: Any
) -> None:
    first = await sockets(ada)
    await first.follow(room.live_topic)
    tabs = [await sockets(bo), await sockets(bo)]
    for tab in tabs:
        await tab.follow(room.live_topic)
    found = []
    for tab in tabs:
        tab.send(op="here", state="idle")
        await tab.all()
        await asyncio.sleep(0.05)
        users = (await first.ask("who", room=str(room.pk)))["users"]
        found.append({one["handle"]: one["idle"] for one in users})
    assert found == [{"ada": False, "bo": False}, {"ada": False, "bo": True}]


async def test_typing_is_gathered_and_only_of_those_who_may_write(
    quick: None, sockets: Any, room: Any, ada: Any, bo: Any, lead: Any
) -> None:
    await do(
        membership.mute,
        moderator=lead,
        room=room,
        person=bo,
        until=timezone.now() + dt.timedelta(1),
    )
    reader, writer, muted = await sockets(), await sockets(ada), await sockets(bo)
    for socket in (reader, writer, muted):
        await socket.follow(room.live_topic)
    muted.send(op="typing", room=str(room.pk), on=True)
    await muted.all()
    for _ in range(3):
        writer.send(op="typing", room=str(room.pk), on=True)
    frame = await reader.get("typing")
    assert [one["handle"] for one in frame["users"]] == ["ada"] and frame["n"] == 1
    writer.send(op="typing", room=str(room.pk), on=True)
    writer.send(op="typing", room=str(room.pk), on=False)
    frame = await reader.get("typing")
    while not frame["off"]:
        frame = await reader.get("typing")
    assert frame["users"] == []


async def test_in_a_crowd_nobody_is_told_who_is_writing(
    quick: None, sockets: Any, room: Any, ada: Any, bo: Any, settings: Any
) -> None:
    settings.THREADFLOW_CHAT = {"TYPING_MAX_PEOPLE": 2}
    reader, writer = await sockets(bo), await sockets(ada)
    for socket in (reader, writer):
        await socket.follow(room.live_topic)
    while (await reader.ask("who", room=str(room.pk)))["n"] < 2:
        await asyncio.sleep(0.01)
    writer.send(op="typing", room=str(room.pk), on=True)
    assert (await reader.get("typing"))["n"] == 1
    others = [leases.Lease(str(n), "elsewhere") for n in range(10_000, 10_005)]
    await leases.LocalLeases().apply(str(room.pk), others, [])
    typing.keeper()._crowded.clear()  # as if a while had passed
    await reader.all()
    for _ in range(3):
        writer.send(op="typing", room=str(room.pk), on=True)
    await writer.all()
    await asyncio.sleep(0.1)
    assert "typing" not in {frame["op"] for frame in await reader.all()}


# ---------------------------------------------------------------------- pointers


@pytest.fixture
def crowd_of_readers(group: Any, ada: Any, person: Any, plant: Any) -> list[Any]:
    """Ten people inside a group with twenty messages."""
    people = [person(f"reader{n}") for n in range(10)]
    membership.invite(person=ada, room=group, people=people)
    plant(group, ada, 20)
    return people


async def test_pointers_that_move_together_are_one_write(
    sockets: Any, group: Any, crowd_of_readers: Any, settings: Any, monkeypatch: Any
) -> None:
    settings.THREADFLOW_CHAT = {"READ_GATHER_SECONDS": 2.0}
    calls: list[Any] = []
    real = reads.move_pointers

    def counted(room: Any, moves: Any) -> Any:
        with CaptureQueriesContext(connection) as captured:
            found = real(room, moves)
        calls.append((len(moves), len(statements(captured))))
        return found

    monkeypatch.setattr(reads, "move_pointers", counted)
    singly: list[Any] = []
    mark_read = reads.mark_read
    monkeypatch.setattr(
        reads, "mark_read", lambda **given: singly.append(given) or mark_read(**given)
    )
    some = [await sockets(one) for one in crowd_of_readers]
    for socket, one in zip(some, crowd_of_readers, strict=True):
        await socket.follow(group.live_topic, user_topic(one))
        socket.send(op="read", room=str(group.pk), mno=1)
        assert (await socket.get("read"))["mno"] == 1  # the first is written at once
    for mno in (*range(2, 12), 5, 20):
        for socket in some:
            socket.send(op="read", room=str(group.pk), mno=mno)
    for socket in some:
        while (told := await socket.get("read"))["mno"] < 20:
            continue
        assert (told["n"], told["mentions"]) == (0, 0)
    async with asyncio.timeout(10):  # they are told a moment before the call returns
        while not calls:
            await asyncio.sleep(0.01)
    assert len(singly) == 10 and any(moves >= 2 for moves, _statements in calls), calls
    assert sum(moves for moves, _statements in calls) <= 60, calls  # of 120
    # Pointers, the room, one statement for all who move alike, and what to tell them.
    assert all(statements <= 4 for moves, statements in calls if moves == 10), calls
    pointers = RoomMember.objects.filter(room=group, person__in=crowd_of_readers)
    found = await in_thread(lambda: set(pointers.values_list("last_read_mno", flat=True)))
    assert found == {20}


async def test_who_makes_a_message_unread_is_not_overruled_by_what_was_gathered(
    sockets: Any, group: Any, bo: Any, ada: Any, plant: Any, settings: Any
) -> None:
    settings.THREADFLOW_CHAT = {"READ_GATHER_SECONDS": 0.1}
    await in_thread(plant, group, ada, 10)
    socket = await sockets(bo)
    await socket.follow(group.live_topic, user_topic(bo))
    socket.send(op="read", room=str(group.pk), mno=5)
    assert (await socket.get("read"))["mno"] == 5
    socket.send(op="read", room=str(group.pk), mno=6)
    await do(reads.mark_unread, person=bo, room=group, mno=3)  # in another tab
    assert (await socket.get("read"))["mno"] == 2
    await asyncio.sleep(0.3)
    assert await socket.all(without=("pres", "typing")) == []
    socket.send(op="read", room=str(group.pk), mno=7)  # and then they read on
    assert (await socket.get("read"))["mno"] == 7
    for bad in ({"mno": "x"}, {"mno": -1}, {}):
        socket.send(op="read", room=str(group.pk), **bad)
        assert (await socket.get("err"))["code"] == "bad_request"


# ---------------------------------------------------------------------- bots


async def test_f13_a_bot_streams_parts_and_ends_with_one_edit(
    sockets: Any, room: Any, ada: Any, bo: Any
) -> None:
    socket = await sockets(ada)
    await socket.follow(room.live_topic)

    def talk() -> Any:
        question = messages.send_message(author=ada, room=room, text="How?")
        with bots.answer(bot=bo, room=room, reply_to=question) as stream:
            for n in range(600):
                assert stream.write(f"w{n} ")
        return stream.message

    message = await in_thread(talk)
    found = await socket.all()
    parts = [frame for frame in found if frame["op"] == "bot.part"]
    assert 1 <= len(parts) <= 6 and parts[0]["text"].startswith("w0")
    begun = next(f for f in found if f["op"] == "msg.new" and f["id"] == str(message.pk))
    assert begun["bot"] is True and begun["streaming"] is True and begun["text"] == ""
    (ended,) = [frame for frame in found if frame["op"] == "msg.edit"]
    assert ended["streaming"] is False and ended["text"].startswith("w0 w1")
    assert [f["seq"] for f in found if "seq" in f] == sorted(f["seq"] for f in found if "seq" in f)


def test_bots_stop_when_told_and_do_not_talk_to_each_other_for_ever(
    room: Any, ada: Any, bo: Any, lead: Any, person: Any, say: Any, monkeypatch: Any, fresh: Any
) -> None:
    monkeypatch.setattr(bots, "LOOK_EVERY", 0.0)
    question = say(room)
    with bots.answer(bot=bo, room=room, reply_to=question) as stream:
        assert stream.write("One ")
        with pytest.raises(NotAllowed):
            bots.stop(person=person("cy"), message=stream.message)
        bots.stop(person=ada, message=stream.message)
        assert not stream.write("two ")
    answer = fresh(stream.message)
    assert (answer.source, answer.state, answer.metadata["cut"]) == ("One two", "visible", True)
    second = bots.send(bot=person("other"), room=room, text="Indeed", reply_to=answer)
    with pytest.raises(NotAllowed) as refused:
        bots.begin(bot=bo, room=room, reply_to=second)
    assert refused.value.code == "bot_depth"


def test_a_bot_that_breaks_leaves_what_it_said(room: Any, bo: Any, fresh: Any) -> None:
    with pytest.raises(ZeroDivisionError), bots.answer(bot=bo, room=room) as stream:
        stream.write("Half of ")
        _ = 1 / 0
    assert fresh(stream.message).source == "Half of"
    left = bots.begin(bot=bo, room=room)
    assert bots.close_unfinished(str(left.pk)) and not bots.close_unfinished(str(left.pk))
    assert fresh(left).metadata["cut"] is True
    assert bots.finish(message=left, text="Too late").source == ""


def test_bots_obey_slow_mode(room: Any, bo: Any, lead: Any) -> None:
    rooms.edit_room(editor=lead, room=room, slow_seconds=30)
    bots.send(bot=bo, room=room, text="One")
    with pytest.raises(ThreadflowError) as refused:
        bots.begin(bot=bo, room=room)
    assert refused.value.code == "slow_mode"


# ---------------------------------------------------------------------- apply = fresh

STEPS = st.lists(
    st.tuples(st.sampled_from("wwweedurrpt"), st.integers(0, 9), st.booleans()), max_size=30
)


@hypothesis_settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=STEPS)
@pytest.mark.django_db(transaction=False)
def test_f7_events_applied_to_an_old_state_give_the_fresh_one(
    project: Any, lead: Any, bo: Any, steps: list[tuple[str, int, bool]]
) -> None:
    """Writing, editing, deleting, undoing, reacting, pinning; the reader is away at random."""
    room = rooms.open_group(person=lead, title="Anything", people=[bo])
    reader, written = Reader(room.live_topic), []
    for what, number, away in [*steps, ("-", 0, False)]:
        target = written[number % len(written)] if written else None
        if what == "w":
            text = f"text {len(written)} {number}"
            written.append(messages.send_message(author=bo, room=room, text=text))
        elif target is not None and what != "-":
            _act(what, number, target, room, bo, lead)
        if not away:
            for text in log.missed(room.live_topic, reader.seq, 1_000).frames:
                reader.take(json.loads(text))
    fresh = get_message_model().objects.filter(room=room, state="visible")
    assert reader.messages == {
        str(one.pk): {"text": one.source, "ver": one.version} for one in fresh
    }
    marks: dict[str, dict[str, int]] = {}
    for mark in Reaction.objects.filter(message__in=fresh):
        counts = marks.setdefault(str(mark.message_id), {})
        counts[mark.emoji] = counts.get(mark.emoji, 0) + 1
    shown = {k: v for k, v in reader.reactions.items() if v and k in reader.messages}
    assert shown == marks
    assert reader.pinned == {
        str(pk) for pk in fresh.filter(pin__isnull=False).values_list("pk", flat=True)
    }
    assert reader.events == list(range(1, reader.seq + 1))


def _act(what: str, number: int, target: Any, room: Any, bo: Any, lead: Any) -> None:
    acts: dict[str, Any] = {
        "e": lambda: messages.edit_message(editor=bo, message=target, text=f"new {number}"),
        "d": lambda: messages.delete_message(person=(bo, lead)[number % 2], message=target),
        "u": lambda: messages.restore_message(person=(bo, lead)[number % 2], message=target),
        "r": lambda: reactions.react(
            person=(bo, lead)[number % 2], message=target, emoji="👍🎉"[number % 2], on=number < 6
        ),
        "p": lambda: pins.set_pinned(person=lead, message=target, on=number % 2 == 0),
        "t": lambda: rooms.edit_room(editor=lead, room=room, topic=f"about {number}"),
    }
    try:
        with transaction.atomic():
            acts[what]()
    except ThreadflowError:
        return  # the state forbids it, which is not what this is about


def test_unused_names_are_used(ada: Any, room: Any) -> None:
    """The row of a list and the pointer agree with the room."""
    membership.join(person=ada, room=room)
    (row,) = rosters.of(ada)
    assert row.id == room.pk == get_room_model().objects.get().pk
    assert reads.state_of(ada, room).unread == row.unread == 0
    assert frames.room(room)["room"] == str(room.pk)
