"""Who is named by a message. Rows follow the text by a job, so that sending stays short."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from threadflow_core import jobs, markup, people

from ..app_settings import app_settings
from ..models import Level, Mention, RoomMember
from ..swaps import get_message_model, get_room_model
from . import announce, reads, texts
from .locks import lock_message


@transaction.atomic
def follow_text(message_id: str) -> list[Any]:
    """Make the mentions of a message those of its current text; returns who is newly named.

    Only people who may read the room are named. Doing it twice changes nothing.
    """
    if not get_message_model().objects.filter(pk=message_id).exists():
        return []
    message = lock_message(message_id)
    room = message.room
    wanted = _named(message, room)
    rows = Mention.objects.filter(message=message)
    had = set(rows.values_list("person_id", flat=True))
    gone, new = had - wanted.keys(), [wanted[pk] for pk in wanted.keys() - had]
    if gone:
        rows.filter(person_id__in=gone).delete()
    Mention.objects.bulk_create(
        (Mention(message=message, room=room, person=p, mno=message.mno) for p in new),
        ignore_conflicts=True,
    )
    changed = [*gone, *(person.pk for person in new)]
    if changed:
        reads.recount_mentions(room, changed)
    if new:
        jobs.emit(
            "chat.mentioned",
            message_id=str(message.pk),
            room_id=str(room.pk),
            person_ids=[str(person.pk) for person in new],
        )
    return new


def _named(message: Any, room: Any) -> dict[Any, Any]:
    """People by key that the text of a visible message names."""
    if not message.is_visible or "@" not in message.source:
        return {}
    names = markup.mentioned(message.source)
    found = {person.pk: person for person in people.by_names(names).values()}
    rooms: Any = get_room_model().objects
    found = {pk: person for pk, person in found.items() if rooms.is_readable(room, person)}
    if any(name.lower() in texts.EVERYBODY for name in names):
        found |= _everybody(message, room)
    blocked = people.blocked_ids(message.author) if message.author_id else frozenset()
    return {
        pk: person for pk, person in found.items() if pk != message.author_id and pk not in blocked
    }


def _everybody(message: Any, room: Any) -> dict[Any, Any]:
    """All members that want to hear of anything. `@here` by a room this large was allowed."""
    rows = RoomMember.objects.inside().filter(room_id=room.pk).exclude(level=Level.NONE)
    return {row.person_id: row.person for row in rows.select_related("person")}


def push_unread(message_id: str) -> int:
    """Tell the tabs of the room's members how much they have not read; returns how many people.

    In a room with more than UNREAD_PUSH_MEMBERS members only those that the message names hear
    of it; the others see it when they look.
    """
    rows = get_message_model().objects.select_related("room")
    message: Any = rows.filter(pk=message_id).first()
    if message is None or not message.is_visible:
        return 0
    room: Any = message.room
    members = RoomMember.objects.inside().filter(room_id=room.pk).exclude(level=Level.NONE)
    members = members.exclude(person_id=message.author_id)
    if room.member_count > app_settings.UNREAD_PUSH_MEMBERS:
        named = Mention.objects.filter(message=message).values("person_id")
        members = members.filter(person_id__in=named)
    told = 0
    for member in members.select_related("person"):
        if member.level == Level.MENTIONS and not member.mention_count:
            continue
        announce.to_person(
            member.person,
            "unread",
            room,
            n=max(0, room.last_mno - member.last_read_mno),
            mentions=member.mention_count,
        )
        told += 1
    return told
