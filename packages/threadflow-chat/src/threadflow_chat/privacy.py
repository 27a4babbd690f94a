"""What the chat keeps about people, how it is handed out and how it is forgotten."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from threadflow_core import jobs, privacy, realtime, search
from threadflow_core.realtime.kinds import user_key

from .models import INSIDE, Mention, MessageRevision, Pin, Reaction, RoomLogEntry, RoomMember
from .swaps import get_message_model, get_room_model


def register() -> None:
    """One entry per model that points at a person."""
    rooms, messages = get_room_model(), get_message_model()
    privacy.register(
        messages._meta.label,
        export=_rows(messages, "author", "room_id", "mno", "source", "created_at", "state"),
        erase=erase_messages,
    )
    privacy.register(
        rooms._meta.label,
        export=_rows(rooms, "created_by", "id", "title", "created_at"),
        erase=lambda person: rooms.objects.filter(created_by=person).update(created_by=None),
    )
    privacy.register(
        RoomMember._meta.label,
        export=_rows(
            RoomMember,
            "person",
            *("room_id", "role", "level", "last_read_mno", "joined_at"),
            *("muted_until", "banned_until", "ban_reason"),
        ),
        erase=_erase_memberships,
    )
    privacy.register(
        Reaction._meta.label,
        export=_rows(Reaction, "person", "message_id", "emoji", "created_at"),
        erase=_erase_reactions,
    )
    privacy.register(
        Mention._meta.label,
        export=_rows(Mention, "person", "message_id", "mno"),
        erase=lambda person: Mention.objects.filter(person=person).delete(),
    )
    privacy.register(
        Pin._meta.label,
        export=_rows(Pin, "person", "message_id", "created_at"),
        erase=lambda person: Pin.objects.filter(person=person).update(person=None),
    )
    privacy.register(
        RoomLogEntry._meta.label,
        export=_rows(RoomLogEntry, "person", "action", "reason", "created_at"),
        erase=_leave_log,
    )


def _rows(model: Any, by: str, *fields: str) -> Callable[[Any], Iterable[dict[str, Any]]]:
    return lambda person: model._default_manager.filter(**{by: person}).values(*fields).iterator()


@transaction.atomic
def erase_messages(person: Any) -> None:
    """Blank what a person said; the places stay, so that the numbers of a room have no holes.

    Frames of it that are still in memory are dropped in every process with the commit; a job
    tells the followers of each room, whose pages hide it.
    """
    model = get_message_model()
    mine = model.objects.filter(author=person)
    _tell_followers(person, mine)
    keys = list(mine.values_list("pk", flat=True))
    for start in range(0, len(keys), 500):
        for pk in keys[start : start + 500]:
            search.remove("chat_message", pk)
    MessageRevision.objects.filter(message__author=person).delete()
    Pin.objects.filter(message__author=person).delete()
    Mention.objects.filter(message__author=person).delete()
    realtime.drop_cached(None, ids={"author": user_key(person.pk)})
    realtime.drop_cached(None, ids={"person": str(person.pk)})
    quoted = model.objects.filter(reply_to__author=person).order_by()
    for pk in quoted.values_list("reply_to_id", flat=True).distinct():
        realtime.drop_cached(None, ids={"parent": str(pk)})  # answers show whom they answer
    mine.update(
        author=None,
        nonce=None,
        source="",
        html="",
        previews=[],
        metadata={},
        state="deleted",
        deleted_at=timezone.now(),
        attachment_count=0,
        version=F("version") + 1,
    )


def _tell_followers(person: Any, mine: Any) -> None:
    """Rooms in which they said something, or stand among the members."""
    said_in = mine.order_by().values_list("room_id", flat=True).distinct()
    inside = RoomMember.objects.filter(person=person, role__in=INSIDE)
    found = {str(pk) for pk in said_in}
    found |= {str(pk) for pk in inside.values_list("room_id", flat=True)}
    rooms, author = sorted(found), user_key(person.pk)
    for start in range(0, len(rooms), 100):
        jobs.emit("chat.person_erased", rooms=rooms[start : start + 100], author=author)


def _erase_memberships(person: Any) -> None:
    rows = RoomMember.objects.filter(person=person)
    inside = rows.filter(role__in=INSIDE).values_list("room_id", flat=True)
    get_room_model().objects.filter(pk__in=list(inside)).update(member_count=F("member_count") - 1)
    rows.delete()


def _erase_reactions(person: Any) -> None:
    rows = Reaction.objects.filter(person=person)
    messages = get_message_model().objects
    for pk in list(rows.values_list("message_id", flat=True)):
        messages.filter(pk=pk, reaction_count__gt=0).update(reaction_count=F("reaction_count") - 1)
    rows.delete()


def _leave_log(person: Any) -> None:
    RoomLogEntry.objects.filter(person=person).update(person=None)
    RoomLogEntry.objects.filter(actor=person).update(actor=None)
