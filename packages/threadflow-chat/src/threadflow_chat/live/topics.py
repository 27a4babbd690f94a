"""What followers of a room are sent, and who may follow."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Count

from threadflow_core import people
from threadflow_core.exceptions import NotFound
from threadflow_core.policies import Verdict
from threadflow_core.realtime import LiveEventData, TopicKind
from threadflow_core.realtime.kinds import HIDDEN, Frame

from .. import frames, policies
from ..models import Pin, Reaction, Role, RoomMember
from ..services import history, standing
from ..swaps import get_message_model, get_room_model
from . import presence

#: Bytes of messages that a client gets that starts anew.
PAGE_BYTES = 90_000
PAGE_SIZE = 50
#: One event for all that an erased person said in a room; its ids name them as frames do.
GONE = "person.gone"


class RoomTopic(TopicKind):
    """`room:<uuid>`: every change of a room's log, in one order for everybody."""

    prefix = "room"

    def may_subscribe(self, person: Any, key: str) -> Verdict:
        room = _visible(key, person)
        return HIDDEN if room is None else policies.may_read(person, room)

    def may_subscribe_each(self, people: list[Any], key: str) -> list[Verdict]:
        """Where strangers see the room: four queries for a crowd, and what each may use."""
        room = _visible(key, AnonymousUser())
        if room is None or not (room.binding is None or room.binding.strangers_see_least()):
            return super().may_subscribe_each(people, key)
        found = RoomMember.objects.filter(room_id=room.pk, person__in=people)
        members = {member.person_id: member for member in found}
        return [
            policies.may_read(one, room, policies.Here(one, room, _member(members, one, room)))
            for one in people
        ]

    def mine(self, key: str, person: Any) -> Frame | None:
        room = _room(key)
        return None if room is None else standing.of(person, room)

    def page(self, key: str, person: Any) -> Frame | None:
        """The newest messages, as many as fit into PAGE_BYTES."""
        room = _room(key)
        if room is None:
            return None
        found = history.stretch(room, limit=PAGE_SIZE)
        shown = _newest_within(frames.messages(found.messages, person), PAGE_BYTES)
        more = found.more_before or len(shown) < len(found.messages)
        return {**frames.room(room), "messages": shown, "more": more}

    def render(
        self, key: str, events: list[LiveEventData], instance: object | None = None
    ) -> list[Frame | None]:
        """Frames from the rows as they are: what was taken back shows no text."""
        drawn = _Drawn(key, events, instance)
        return [drawn.frame(event) for event in events]

    def entered(self, key: str, socket: Any) -> None:
        presence.keeper().enter(key, socket)

    def left(self, key: str, socket: Any) -> None:
        presence.keeper().leave(key, socket)


class _Drawn:
    """The rows behind a list of events, a constant number of queries for any number of them."""

    def __init__(self, key: str, events: list[LiveEventData], instance: object | None) -> None:
        self.key = key
        self.messages = self._messages(events, instance)
        self.reacted = [event.ids for event in events if "reacted" in event.ids]
        self.counts, self.on = self._reactions()
        pinned = {str(event.ids["pinned"]) for event in events if "pinned" in event.ids}
        self.pinned = self._pinned(pinned)
        people_ids = {event.ids["person"] for event in events if "person" in event.ids}
        self.cards = {str(pk): card for pk, card in people.cards_of(people_ids).items()}
        members = [event.ids["person"] for event in events if event.kind == "member"]
        self.members = self._members(members)
        wants_room = any("room" in event.ids or event.kind == "member" for event in events)
        self.room = _room(key) if wants_room else None

    def frame(self, event: LiveEventData) -> Frame | None:
        ids = event.ids
        if "message" in ids:
            gone = {"room": self.key, "id": ids["message"], "mno": ids["mno"], "gone": "deleted"}
            return self.messages.get(str(ids["message"]), gone)
        if "reacted" in ids:
            return self._reaction(ids)
        if "pinned" in ids:
            key = str(ids["pinned"])
            return {"room": self.key, "id": key, "on": key in self.pinned}
        if event.kind == "member":
            return self._member(str(ids["person"]))
        if event.kind == GONE:
            return {"room": self.key, "user": {"id": ids["author"]}}
        return frames.room(self.room) if self.room is not None else None

    def _messages(self, events: list[LiveEventData], instance: object | None) -> dict[str, Frame]:
        keys = {str(event.ids["message"]) for event in events if "message" in event.ids}
        if not keys:
            return {}
        model = get_message_model()
        rows: Iterable[Any] = [instance]
        if not isinstance(instance, model):
            rows = model.objects.with_people().filter(pk__in=keys)
        found = frames.messages(rows, reactions=False)
        return {frame["id"]: frame for frame in found}

    def _reactions(self) -> tuple[dict[tuple[str, str], int], set[tuple[str, str, str]]]:
        keys = {ids["reacted"] for ids in self.reacted}
        if not keys:
            return {}, set()
        rows = Reaction.objects.filter(message_id__in=keys)
        counted = rows.values_list("message_id", "emoji").annotate(n=Count("pk")).order_by()
        wanted = {ids["person"] for ids in self.reacted}
        own = rows.filter(person_id__in=wanted).values_list("message_id", "emoji", "person_id")
        return (
            {(str(pk), emoji): n for pk, emoji, n in counted},
            {(str(pk), emoji, str(person)) for pk, emoji, person in own},
        )

    def _reaction(self, ids: dict[str, Any]) -> Frame:
        message, emoji, person = str(ids["reacted"]), ids["emoji"], str(ids["person"])
        on = (message, emoji, person) in self.on
        card = frames.person(self.cards.get(person, people.GONE))
        return {
            "room": self.key,
            "id": message,
            "emoji": emoji,
            # Who took it off is named to their own tabs only, by a key that tells others nothing.
            "user": card if on else {"id": card["id"]},
            "on": on,
            "count": self.counts.get((message, emoji), 0),
        }

    def _pinned(self, keys: set[str]) -> set[str]:
        if not keys:
            return set()
        found = Pin.objects.filter(message_id__in=keys).values_list("message_id", flat=True)
        return {str(pk) for pk in found}

    def _members(self, keys: list[Any]) -> dict[str, RoomMember]:
        if not keys:
            return {}
        rows = RoomMember.objects.filter(room_id=self.key, person_id__in=keys)
        return {str(row.person_id): row for row in rows}

    def _member(self, person: str) -> Frame:
        member = self.members.get(person)
        inside = member is not None and member.is_inside
        # Without a row of the pair the person was erased: nothing names them any more.
        card = self.cards.get(person, people.GONE) if member is not None else people.GONE
        return {
            "room": self.key,
            "user": frames.person(card),
            "inside": inside,
            "role": member.role if member is not None and inside else "guest",
            "members": self.room.member_count if self.room is not None else 0,
        }


def _member(members: dict[Any, RoomMember], person: Any, room: Any) -> RoomMember:
    """What ties `person` to `room`, an unsaved guest when there is nothing."""
    guest = RoomMember(person_id=person.pk, room_id=room.pk, role=Role.GUEST)
    return members.get(person.pk) or guest


def _newest_within(found: list[Frame], most: int) -> list[Frame]:
    """The last frames that together stay below `most` bytes, at least one."""
    size = 0
    for count, frame in enumerate(reversed(found)):
        size += len(json.dumps(frame, cls=DjangoJSONEncoder, ensure_ascii=False).encode())
        if size > most and count:
            return found[-count:]
    return found


def _visible(key: str, person: Any) -> Any:
    """The room, None where `person` may not even know of it."""
    try:
        return get_room_model().objects.find_visible(key, person)
    except NotFound:
        return None


def _room(key: str) -> Any:
    try:
        return get_room_model().objects.get_room(key)
    except NotFound:
        return None
