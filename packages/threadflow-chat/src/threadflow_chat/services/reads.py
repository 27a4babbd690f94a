"""How far somebody has read: one pointer per person and room, which only grows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Count, OuterRef, Subquery
from django.db.models.functions import Coalesce

from threadflow_core import realtime
from threadflow_core.limits import Limit
from threadflow_core.realtime.kinds import user_key

from ..abstract_models import AbstractRoom
from ..models import Mention, RoomMember
from ..swaps import get_room_model
from . import announce

READ_LIMIT = Limit.parse("chat.read", "120/m")


@dataclass(frozen=True, slots=True)
class ReadState:
    """`unread` is the number of messages after `last_read_mno`, `mentions` of those that name
    the person."""

    last_read_mno: int
    unread: int
    mentions: int


@dataclass(frozen=True, slots=True)
class Move:
    """A pointer that was at `since` or later goes to `mno`."""

    since: int
    mno: int


@transaction.atomic
def mark_read(*, person: Any, room: AbstractRoom, mno: int) -> ReadState:
    """Move the pointer of `person` to message `mno`, never back and never past the newest."""
    mno = min(max(mno, 0), _last(room))
    rows = RoomMember.objects.filter(person_id=person.pk, room_id=room.pk)
    moved = rows.filter(last_read_mno__lt=mno).update(
        last_read_mno=mno, mention_count=_mentions_after(mno)
    )
    return _told(person, room, tell=bool(moved))


@transaction.atomic
def mark_unread(*, person: Any, room: AbstractRoom, mno: int) -> ReadState:
    """Make message `mno` the first unread one: the only way back."""
    before = min(max(mno - 1, 0), _last(room))
    rows = RoomMember.objects.filter(person_id=person.pk, room_id=room.pk)
    moved = rows.update(last_read_mno=before, mention_count=_mentions_after(before))
    return _told(person, room, tell=bool(moved))


@transaction.atomic
def move_pointers(room_id: Any, moves: Mapping[Any, Move]) -> dict[Any, int]:
    """Move the pointers of many people, by key; returns where those stand that could be asked.

    One statement for all that move alike. A pointer before `since` was set back by its owner
    and stays; one that somebody else is writing at this moment is left for the next time.
    """
    rows = RoomMember.objects.filter(room_id=room_id, person_id__in=list(moves))
    # Somebody has two tabs in two processes: who waits for nobody cannot end in a deadlock.
    rows = rows.select_for_update(skip_locked=True)
    free = list(rows.values_list("person_id", "last_read_mno"))
    last = get_room_model().objects.filter(pk=room_id).values_list("last_mno", flat=True).first()
    alike: dict[int, list[Any]] = {}
    for pk, stands in free:
        mno = min(moves[pk].mno, last or 0)
        if moves[pk].since <= stands < mno:
            alike.setdefault(mno, []).append(pk)
    for mno, people_ids in alike.items():
        RoomMember.objects.filter(room_id=room_id, person_id__in=people_ids).update(
            last_read_mno=mno, mention_count=_mentions_after(mno)
        )
    moved = {pk: mno for mno, people_ids in alike.items() for pk in people_ids}
    _tell_all(room_id, moved, last or 0)
    return {pk: moved.get(pk, stands) for pk, stands in free}


def _tell_all(room_id: Any, moved: dict[Any, int], last: int) -> None:
    rows = RoomMember.objects.filter(room_id=room_id, person_id__in=list(moved))
    for pk, mentions in rows.values_list("person_id", "mention_count") if moved else ():
        unread = max(0, last - moved[pk])
        fields = {"mno": moved[pk], "n": unread, "mentions": mentions}
        realtime.hint(f"user:{user_key(pk)}", "read", room=str(room_id), **fields)


def state_of(person: Any, room: AbstractRoom) -> ReadState:
    """Where `person` is in `room`; all of it unread for who was never there. Two queries."""
    member = RoomMember.objects.of(person, room)
    last = _last(room)
    return ReadState(
        member.last_read_mno, max(0, last - member.last_read_mno), member.mention_count
    )


def _told(person: Any, room: Any, *, tell: bool) -> ReadState:
    state = state_of(person, room)
    if tell:
        announce.to_person(
            person,
            "read",
            room,
            mno=state.last_read_mno,
            n=state.unread,
            mentions=state.mentions,
        )
    return state


def _last(room: Any) -> int:
    rows = get_room_model().objects.filter(pk=room.pk)
    return rows.values_list("last_mno", flat=True).first() or 0


def _mentions_after(mno: int) -> Any:
    rows = Mention.objects.filter(
        room_id=OuterRef("room_id"), person_id=OuterRef("person_id"), mno__gt=mno
    )
    counted = rows.order_by().values("room_id").annotate(n=Count("pk")).values("n")
    return Coalesce(Subquery(counted), 0)


def recount_mentions(room: Any, people_ids: list[Any]) -> None:
    """Write the mention counters of these people anew from the rows. One statement."""
    rows = Mention.objects.filter(
        room_id=OuterRef("room_id"),
        person_id=OuterRef("person_id"),
        mno__gt=OuterRef("last_read_mno"),
    )
    counted = rows.order_by().values("room_id").annotate(n=Count("pk")).values("n")
    RoomMember.objects.filter(room_id=room.pk, person_id__in=people_ids).update(
        mention_count=Coalesce(Subquery(counted), 0)
    )
