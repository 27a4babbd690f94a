"""What followers of a room are sent, and what never."""

from __future__ import annotations

import json
from typing import Any

import pytest

pytest.importorskip("channels", reason="live frames need Channels")

from django.db import connection
from django.test.utils import CaptureQueriesContext

from threadflow_chat.services import messages, pins, reactions, rooms
from threadflow_core import privacy
from threadflow_core.realtime.kinds import kind_of, user_topic
from threadflow_core.realtime.threads import in_thread
from threadflow_core.testing.queries import statements

from .live_client import do

pytestmark = pytest.mark.django_db(transaction=True)


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
        *("msg.new", "msg.new", "react", "pin", "msg.edit", "msg.del", "pin", "msg.restore"),
        "room.update",
    ]
    new, answered, react, pin, edited, gone, unpinned, restored, update = found
    assert [frame["seq"] for frame in found] == [2, *range(4, 12)]  # 1 and 3: both joined
    assert all(frame["room"] == str(room.pk) for frame in found)
    assert (new["id"], new["mno"], new["nonce"]) == (str(top.pk), 1, "n-1")
    assert "Hello <em>you</em>" in new["html"] and new["author"]["handle"] == "ada"
    assert answered["reply_to"]["id"] == str(top.pk)
    assert answered["reply_to"]["excerpt"] == "Hello you"
    assert (react["emoji"], react["on"], react["count"]) == ("👍", True, 1)
    assert react["user"]["handle"] == "lead" and pin["on"] is True and unpinned["on"] is False
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
