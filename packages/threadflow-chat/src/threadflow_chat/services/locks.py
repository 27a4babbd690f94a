"""Row locks, always in this order: room, message, person-in-room, topic.

A lock keeps other writers of the row out, not those who only refer to it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.db import IntegrityError, connections, transaction
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from threadflow_core.exceptions import Conflict, NotFound
from threadflow_core.lookups import one

from ..models import Role, RoomMember
from ..swaps import get_message_model, get_room_model


def _locked(rows: QuerySet[Any]) -> QuerySet[Any]:
    weak = connections[rows.db].features.has_select_for_no_key_update
    return rows.select_for_update(of=("self",), no_key=weak)


def lock_room(pk: Any) -> Any:
    """The room with its row locked until the transaction ends; raises NotFound."""
    room = one(_locked(get_room_model().objects.filter(pk=pk)))
    if room is None:
        raise NotFound()
    return room


def lock_message(pk: Any) -> Any:
    """The message, locked, with its room and author (not locked); raises NotFound."""
    rows = get_message_model().objects.select_related("room", "author", "reply_to__author")
    message = one(_locked(rows.filter(pk=pk)))
    if message is None:
        raise NotFound()
    return message


def lock_member(person: Any, room: Any) -> RoomMember:
    """What ties `person` to `room`, locked; made first, as a guest, when there is nothing yet.

    Carries `now`, the database's clock: what is compared between processes is compared there.
    """
    rows = RoomMember.objects.filter(person_id=person.pk, room_id=room.pk).annotate(now=Now())
    found = one(_locked(rows))
    if found is None:
        guest = RoomMember(
            person_id=person.pk, room_id=room.pk, role=Role.GUEST, last_read_mno=room.last_mno
        )
        RoomMember.objects.bulk_create([guest], ignore_conflicts=True)
        found = _locked(rows).get()
    return found


def now_of(member: RoomMember) -> datetime:
    """The moment at which `lock_member` read the row, by the database's clock."""
    moment: datetime = member.now  # type: ignore[attr-defined]
    return moment


@contextmanager
def writing_once(nonce: str | None) -> Iterator[None]:
    """A transaction that writes a message with a one-time key. Raises Conflict for a key in use."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        if not nonce:
            raise
        raise used_elsewhere() from error


def used_elsewhere() -> Conflict:
    return Conflict(_("This message was already sent with another text."), code="nonce_used")
