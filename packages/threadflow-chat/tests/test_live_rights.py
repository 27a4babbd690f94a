"""Who may no longer follow a room hears no more of it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

pytest.importorskip("channels", reason="live frames need Channels")

from django.test import Client
from django.utils import timezone

from threadflow_chat.services import membership, messages, rooms
from threadflow_core import ports
from threadflow_core.realtime.kinds import user_topic
from threadflow_core.realtime.threads import in_thread

from . import entitled
from .live_client import do

pytestmark = pytest.mark.django_db(transaction=True)


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
    assert await second.code(within=2) == 4503 and not first.closed.done()
    session = first.scope["session"].session_key

    def sign_out() -> None:
        client = Client()
        client.cookies["sessionid"] = session
        client.logout()

    await in_thread(sign_out)
    assert await first.code(within=2) == 4505
