"""Reading the log of a room: pages by number, the first unread message, a date."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from ..abstract_models import AbstractMessage, AbstractRoom
from ..app_settings import app_settings
from ..models import MessageRevision, Pin
from ..swaps import get_message_model
from . import reads

MOST = 100


@dataclass(frozen=True, slots=True)
class Stretch:
    """Messages in the order of their numbers, and whether there are more on either side."""

    messages: list[AbstractMessage]
    more_before: bool
    more_after: bool

    @property
    def first(self) -> int | None:
        return self.messages[0].mno if self.messages else None

    @property
    def last(self) -> int | None:
        return self.messages[-1].mno if self.messages else None


def stretch(
    room: AbstractRoom,
    *,
    before: int | None = None,
    after: int | None = None,
    around: int | None = None,
    limit: int = 0,
) -> Stretch:
    """A page of the log of a room that the reader may read; the newest without a number.

    `before` and `after` leave their own number out, `around` shows it in the middle. One query,
    or two with `around`. Deleted messages keep their places.
    """
    size = min(max(limit or app_settings.HISTORY_PAGE_SIZE, 1), MOST)
    rows = get_message_model().objects.with_people().filter(room_id=room.pk)
    if around is not None:
        half = max(1, size // 2)
        older, more_before = _cut(rows.filter(mno__lt=around).order_by("-mno"), half)
        newer, more_after = _cut(rows.filter(mno__gte=around).order_by("mno"), size - half + 1)
        found = Stretch([*reversed(older), *newer], more_before, more_after)
    elif after is not None:
        newer, more_after = _cut(rows.filter(mno__gt=after).order_by("mno"), size)
        found = Stretch(newer, after > 0, more_after)
    elif before is not None:
        older, more_before = _cut(rows.filter(mno__lt=before).order_by("-mno"), size)
        found = Stretch(older[::-1], more_before, before <= room.last_mno)
    else:
        older, more_before = _cut(rows.order_by("-mno"), size)
        found = Stretch(older[::-1], more_before, False)
    for message in found.messages:
        message.room = room  # type: ignore[assignment]
    return found


def _cut(rows: Any, size: int) -> tuple[list[Any], bool]:
    found = list(rows[: size + 1])
    return found[:size], len(found) > size


def first_unread(person: Any, room: AbstractRoom) -> int | None:
    """Number of the first message that `person` has not read, None when there is none."""
    state = reads.state_of(person, room)
    return state.last_read_mno + 1 if state.unread else None


def at_date(room: AbstractRoom, moment: dt.datetime) -> int | None:
    """Number of the first message written at `moment` or later, None when all are older."""
    rows = get_message_model().objects.filter(room_id=room.pk, created_at__gte=moment)
    return rows.order_by("created_at", "mno").values_list("mno", flat=True).first()


def pinned(room: AbstractRoom) -> list[AbstractMessage]:
    """The pinned messages of a room that the reader may read, newest pin first. One query."""
    rows = Pin.objects.filter(room_id=room.pk).order_by("-created_at")
    rows = rows.select_related("message__author", "message__reply_to__author")
    found: list[Any] = [pin.message for pin in rows[:MOST]]
    for message in found:
        message.room = room
    return [message for message in found if message.is_visible]


def revisions(message: AbstractMessage) -> list[MessageRevision]:
    """Earlier texts of a message that the reader may see, newest first."""
    return list(MessageRevision.objects.filter(message_id=message.pk).order_by("-version")[:MOST])
