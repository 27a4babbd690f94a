"""Who is in a room and who is writing, as its followers are told."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import Any

import pytest

pytest.importorskip("channels", reason="live frames need Channels")

from django.utils import timezone

from threadflow_chat.live import leases, presence, typing
from threadflow_chat.services import membership
from threadflow_core import privacy
from threadflow_core.realtime.kinds import user_topic
from threadflow_core.realtime.threads import in_thread

from .live_client import do

pytestmark = pytest.mark.django_db(transaction=True)


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
    settings.THREADFLOW_CHAT = {"ADAPTER": "tests.test_live_people.Hiding"}
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
    settings.THREADFLOW_CHAT = {"ADAPTER": "tests.test_live_people.Hiding"}
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
