"""What clients send over the socket, and what they are answered."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("channels", reason="live frames need Channels")


from threadflow_chat.services import messages, rooms
from threadflow_core.realtime.kinds import user_topic
from threadflow_core.realtime.threads import in_thread

from .live_client import do

pytestmark = pytest.mark.django_db(transaction=True)


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
    assert not socket.closed.done()


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
