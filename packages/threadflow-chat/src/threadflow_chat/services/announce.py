"""What every change of a room tells: its live event, hints on people's own topics, the log."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from threadflow_core import realtime
from threadflow_core.realtime import user_topic
from threadflow_core.realtime.kinds import user_key

from .. import signals
from ..models import RoomLogEntry


def message_changed(room: Any, message: Any, kind: str) -> int:
    """Publish `kind` about `message`; returns its number in the room's topic. Call it last."""
    message.room = room
    return realtime.publish(room.live_topic, kind, ids=_ids(message), instance=message)


def forget_frames(room: Any, message: Any) -> None:
    """Let no cached frame show `message` as it was: its text, quotes of it, its pin."""
    for name in ("message", "parent", "pinned"):
        realtime.drop_cached(room.live_topic, ids={name: str(message.pk)})


def _ids(message: Any) -> dict[str, str | int]:
    ids: dict[str, str | int] = {"message": str(message.pk), "mno": message.mno}
    if message.author_id is not None:
        ids["author"] = user_key(message.author_id)
    if message.reply_to_id is not None:
        ids["parent"] = str(message.reply_to_id)
    return ids


def reaction_changed(room: Any, message: Any, person: Any, emoji: str) -> int:
    ids = {"reacted": str(message.pk), "person": str(person.pk), "emoji": emoji}
    return realtime.publish(room.live_topic, "react", ids={**ids})


def pin_changed(room: Any, message: Any) -> int:
    return realtime.publish(room.live_topic, "pin", ids={"pinned": str(message.pk)})


def room_changed(room: Any) -> int:
    room.__dict__.pop("target", None)
    seq = realtime.publish(room.live_topic, "room.update", ids={"room": str(room.pk)})
    transaction.on_commit(lambda: signals.room_changed.send_robust(type(room), room=room))
    return seq


def member_changed(room: Any, person: Any) -> int:
    """Somebody joined, left, or may do more or less than before."""
    return realtime.publish(room.live_topic, "member", ids={"person": str(person.pk)})


def to_person(person: Any, kind: str, room: Any, **fields: Any) -> None:
    """A hint on the person's own topic, for all their tabs. May be lost."""
    realtime.hint(user_topic(person), kind, room=str(room.pk), **fields)


def write_log(
    room: Any,
    *,
    actor: Any,
    action: str,
    reason: str = "",
    person: Any = None,
    message: Any = None,
    **details: Any,
) -> RoomLogEntry:
    """One line in the room's log, in the transaction of the act."""
    entry = RoomLogEntry.objects.create(
        room=room,
        actor=actor,
        action=action,
        reason=reason[:300],
        person=person,
        message=message,
        details=details,
    )
    transaction.on_commit(lambda: signals.moderated.send_robust(RoomLogEntry, entry=entry))
    return entry
