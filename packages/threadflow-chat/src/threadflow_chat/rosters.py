"""Each person's list of rooms: which rooms, cached for moments; how much is unread, always fresh."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from threadflow_core import people
from threadflow_core.caching import Blocks

from .abstract_models import RoomKind
from .app_settings import app_settings
from .models import Level, RoomMember
from .swaps import get_room_model

#: Rooms on a person's list.
MOST = 200


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the list. `unread` counts messages, `mentions` those that name the person."""

    id: UUID
    kind: str
    title: str
    url: str
    target_kind: str
    visibility: str
    state: str
    role: str
    level: str
    unread: int
    mentions: int
    last_read_mno: int
    last_mno: int
    last_message_at: datetime | None
    #: Of a direct room, the other person; else None.
    other: people.PersonCard | None

    @property
    def shown_unread(self) -> int:
        """`unread` as far as the person wants to be told of it."""
        return self.unread if self.level == Level.ALL else 0

    @property
    def shown_mentions(self) -> int:
        return self.mentions if self.level != Level.NONE else 0


_blocks: dict[str | None, Blocks] = {}


def _cache() -> Blocks:
    alias = app_settings.CACHE_ALIAS
    if alias not in _blocks:
        _blocks[alias] = Blocks(alias, "tf-chat")
    return _blocks[alias]


def expire(person: Any) -> None:
    """After the commit, the list of `person` is read anew: they joined, left or were let in."""
    _cache().expire(f"person-{person.pk}")


def expire_all() -> None:
    """After the commit, every list is read anew: a room's name or visibility changed."""
    _cache().expire("rooms")


def of(person: Any) -> list[Row]:
    """The rooms that `person` has joined and may read, newest message first.

    Two queries at most; one when the cache knows which rooms.
    """
    if not getattr(person, "is_authenticated", False):
        return []
    rooms = _cache().fetch(
        f"list-{person.pk}",
        lambda: _rooms(person),
        seconds=app_settings.CACHE_SECONDS,
        tags=(f"person-{person.pk}", "rooms"),
    )
    counts = _counts(person, [room["id"] for room in rooms])
    rows = [_row(room, counts[room["id"]]) for room in rooms if room["id"] in counts]
    return sorted(rows, key=lambda row: (row.last_message_at is None, -_stamp(row)))


def totals(person: Any) -> dict[str, int]:
    """`unread` rooms and `mentions` over all rooms, for the badge in a site's bar."""
    rows = of(person)
    return {
        "unread": sum(1 for row in rows if row.shown_unread),
        "mentions": sum(row.shown_mentions for row in rows),
    }


def _rooms(person: Any) -> list[dict[str, Any]]:
    rooms = get_room_model().objects.readable_by(person).of_member(person)
    found = list(rooms.order_by("-last_message_at", "-id")[:MOST])
    others = _others(person, [room for room in found if room.kind == RoomKind.DIRECT])
    return [
        {
            "id": room.pk,
            "kind": room.kind,
            "title": str(others[room.pk].name) if room.pk in others else room.title,
            "url": room.get_absolute_url(),
            "target_kind": room.target_kind,
            "visibility": room.visibility,
            "state": room.state,
            "other": others.get(room.pk),
        }
        for room in found
    ]


def _others(person: Any, rooms: list[Any]) -> dict[UUID, people.PersonCard]:
    """The other person of each direct room, by room. One query, none for no rooms."""
    if not rooms:
        return {}
    rows = RoomMember.objects.filter(room_id__in=[room.pk for room in rooms])
    rows = rows.exclude(person_id=person.pk).select_related("person")
    members = list(rows)
    cards = people.cards(member.person for member in members)
    found = {member.room_id: cards[member.person_id] for member in members}
    return {room.pk: found.get(room.pk, people.GONE) for room in rooms}


def _counts(person: Any, ids: list[UUID]) -> dict[UUID, dict[str, Any]]:
    if not ids:
        return {}
    rows = RoomMember.objects.inside().filter(person_id=person.pk, room_id__in=ids)
    fields = ("room_id", "role", "level", "last_read_mno", "mention_count")
    more = ("room__last_mno", "room__last_message_at")
    return {row["room_id"]: row for row in rows.values(*fields, *more)}


def _row(room: dict[str, Any], counts: dict[str, Any]) -> Row:
    last = counts["room__last_mno"]
    return Row(
        **room,
        role=counts["role"],
        level=counts["level"],
        unread=max(0, last - counts["last_read_mno"]),
        mentions=counts["mention_count"],
        last_read_mno=counts["last_read_mno"],
        last_mno=last,
        last_message_at=counts["room__last_message_at"],
    )


def _stamp(row: Row) -> float:
    return row.last_message_at.timestamp() if row.last_message_at else 0.0
