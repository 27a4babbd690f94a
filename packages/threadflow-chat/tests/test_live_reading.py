"""How far people have read, as their open pages tell."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

pytest.importorskip("channels", reason="live frames need Channels")

from django.db import connection
from django.test.utils import CaptureQueriesContext

from threadflow_chat import frames, rosters
from threadflow_chat.models import RoomMember
from threadflow_chat.services import membership, reads
from threadflow_chat.swaps import get_room_model
from threadflow_core.realtime.kinds import user_topic
from threadflow_core.realtime.threads import in_thread
from threadflow_core.testing.queries import statements

from .live_client import do

pytestmark = pytest.mark.django_db(transaction=True)


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


def test_unused_names_are_used(ada: Any, room: Any) -> None:
    """The row of a list and the pointer agree with the room."""
    membership.join(person=ada, room=room)
    (row,) = rosters.of(ada)
    assert row.id == room.pk == get_room_model().objects.get().pk
    assert reads.state_of(ada, room).unread == row.unread == 0
    assert frames.room(room)["room"] == str(room.pk)
