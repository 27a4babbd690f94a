"""What sockets ask the database: of the room's own kind alone, and no more than it takes."""

from __future__ import annotations

import re
import uuid
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("channels", reason="live frames need Channels")

from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.test.utils import CaptureQueriesContext

from threadflow_chat import bindings
from threadflow_chat.live import ops
from threadflow_chat.live.topics import RoomTopic
from threadflow_chat.services import membership, messages
from threadflow_chat.swaps import get_message_model, get_room_model
from threadflow_core.exceptions import NotFound
from threadflow_core.ports import Decision
from threadflow_core.testing.queries import assert_queries, statements

from . import entitled
from .conftest import WITH_FORUM
from .test_one_room import everywhere, seen  # noqa: F401

pytestmark = pytest.mark.django_db

#: Statements of one message into a followed room where nothing is asked of what it belongs to:
#: room, nonce, member, the message, room and member again, number and event of the topic, job,
#: index.
SENDING = 10
#: More where it belongs to something: of a project itself; of a thread or sub and who is banned
#: there; of a direct room the other person and who blocked whom.
BEYOND = {"group": 0, "project": 1, "thread": 2, "sub": 2, "direct": 2}


def kind(room: Any) -> str:
    return str(room.target_kind or room.kind)


def socket(person: Any, *rooms: Any) -> Any:
    """What ops need of a socket, which follows `rooms`."""
    topics = {room.live_topic for room in rooms}
    return SimpleNamespace(person=person, topics=topics, address="10.0.0.1")


def ask(op: Any, room: Any, sock: Any, frame: dict[str, Any], *, costs: int) -> None:
    """It is done with so many statements, and none of them asks what other kinds ask."""
    with assert_queries(costs) as found:
        answer = op(sock, frame)
    assert answer["op"] != "err", answer
    of_own_kind(" ".join(statements(found)), room)


def of_own_kind(sql: str, room: Any) -> None:
    for binding in bindings.all_bindings():
        if binding.code not in (room.target_kind, "sub"):  # a thread is seen with its sub
            assert f'"{binding.model()._meta.db_table}"' not in sql, (kind(room), binding.code)


@pytest.fixture
def rooms_of_ada(everywhere: Any, ada: Any, say: Any) -> list[Any]:  # noqa: F811
    """Rooms of every kind that ada sees, with a message of hers."""
    found = [room for room in everywhere if seen(ada, room)]
    for room in found:
        say(room)
    return found


def test_a_message_by_socket_costs_what_its_room_asks(rooms_of_ada, ada):
    for room in rooms_of_ada:
        count = SENDING + BEYOND[kind(room)]
        frame = {"room": str(room.pk), "text": f"Hello {uuid.uuid4()}"}
        ask(ops.send, room, socket(ada, room), frame | {"nonce": "n-1"}, costs=count)
        frame["text"] += " again"
        # Who does not follow the room is asked for it: of what kind it is, and whether they see it.
        ask(ops.send, room, socket(ada), frame | {"nonce": "n-2"}, costs=count + 2)


def test_an_edit_by_socket_costs_what_its_room_asks(rooms_of_ada, ada, say):
    for room in rooms_of_ada:
        message = say(room)
        # Two to find it; then room, message, member, the text, topic and event, job, index.
        count = 10 + BEYOND[kind(room)]
        frame = {"id": str(message.pk), "text": "Another text"}
        ask(ops.edit, room, socket(ada, room), frame, costs=count)


def test_to_follow_a_room_costs_three_queries(rooms_of_ada, ada):
    for room in rooms_of_ada:
        with assert_queries(3) as found:  # its kind, whether one sees it, who one is there
            assert RoomTopic().may_subscribe(ada, str(room.pk))
        of_own_kind(" ".join(statements(found)), room)


@pytest.mark.skipif(not WITH_FORUM, reason="this site has no forum")
def test_a_message_reads_no_text_of_the_thread(rooms_of_ada, ada):
    (room,) = (one for one in rooms_of_ada if kind(one) == "thread" and one.title == "Loaf")
    frame = {"room": str(room.pk), "text": "A message"}
    with CaptureQueriesContext(connection) as captured:
        assert ops.send(socket(ada, room), frame)["op"] == "ack"
    sql = " ".join(statements(captured))
    assert "threadflow_forum_thread" in sql and "locked_at" in sql
    assert not re.search(r"body|sidebar|rules", sql)


def test_what_a_room_is_to_somebody_asks_each_thing_once(rooms_of_ada, ada, settings, monkeypatch):
    """Reading and writing are sold apart, so there are two questions to the till."""
    asked: list[str] = []

    def check(self: Any, person: Any, feature: str) -> Decision:
        asked.append(feature)
        return Decision(True)

    monkeypatch.setattr(entitled.Sold, "check", check)
    settings.THREADFLOW_CORE = {
        **settings.THREADFLOW_CORE, "ENTITLEMENTS": "tests.entitled.Sold",
    }  # fmt: skip
    for room in rooms_of_ada:
        del asked[:]
        mine = RoomTopic().mine(str(room.pk), ada)
        assert mine is not None and {"read", "write", "react"} <= set(mine["can"])
        assert sorted(asked) == ["chat.live", "chat.write"], kind(room)


def test_history_by_socket_asks_of_no_other_kind(rooms_of_ada, ada):
    for room in rooms_of_ada:
        ask(ops.hist, room, socket(ada, room), {"room": str(room.pk)}, costs=4)


# ---------------------------------------------------------------------- the same answers


def found(message: Any, person: Any) -> bool:
    try:
        return bool(get_message_model().objects.find_readable(message.pk, person) == message)
    except NotFound:
        return False


@pytest.mark.parametrize("sold", [False, True])
def test_one_message_is_answered_as_all_messages_are(
    everywhere, person, ada, bo, lead, staff, settings, monkeypatch, sold  # noqa: F811
):  # fmt: skip
    outsider, banned, gone = person("outsider"), person("banned"), person("gone", is_active=False)
    lines = [messages.write_system_line(room=room, text="Hello") for room in everywhere]
    for room in everywhere:
        if room.kind == "group":
            membership.invite(person=ada, room=room, people=[banned])
            membership.ban(moderator=ada, room=room, person=banned)
        if room.kind == "bound":
            membership.ban(moderator=lead, room=room, person=banned)
    if sold:
        settings.THREADFLOW_CORE = {
            **settings.THREADFLOW_CORE, "ENTITLEMENTS": "tests.entitled.Sold",
        }  # fmt: skip
        settings.THREADFLOW_CHAT = {"GATED_KINDS": ("bound", "direct")}
        monkeypatch.setitem(entitled.GRANTS, "bo", {"chat.live"})
    answers = {}
    for who in (AnonymousUser(), ada, bo, lead, staff, gone, outsider, banned):
        rows = get_message_model().objects.readable_by(who)
        wanted = set(rows.values_list("pk", flat=True))
        answers[str(who)] = [line.pk in wanted for line in lines]
        assert [found(line, who) for line in lines] == answers[str(who)], who
        readable = [get_room_model().objects.is_readable(room, who) for room in everywhere]
        assert readable == answers[str(who)], who
    assert len({tuple(answer) for answer in answers.values()}) > 4  # they do differ


def test_one_message_takes_two_queries(rooms_of_ada, ada, say):
    for room in rooms_of_ada:
        message = say(room)
        with assert_queries(2):
            assert found(message, ada)


@pytest.mark.parametrize("key", [uuid.uuid4(), "x", None, 7, "a\0b", {"a": 1}])
def test_what_is_no_message_is_not_found(room, ada, key):
    with assert_queries(at_most=1), pytest.raises(NotFound):
        get_message_model().objects.find_readable(key, ada)
