"""Reads. `visible_to` and `readable_by` are the doors through which everything reads."""

from __future__ import annotations

from typing import Any, Self

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from threadflow_core.exceptions import NotFound

from . import bindings, gates

# Codes are spelt out here because models import this module, not the other way round.
_INSIDE = ("member", "moderator", "owner")
_MODERATING = ("moderator", "owner")
_SHOWN = ("visible", "streaming")


def _members() -> Any:
    from .models import RoomMember

    return RoomMember.objects


def _signed_in(person: Any) -> bool:
    return bool(getattr(person, "is_authenticated", False))


def _is_staff(person: Any) -> bool:
    return bool(getattr(person, "is_staff", False) and getattr(person, "is_active", False))


def _mine(person: Any, roles: tuple[str, ...]) -> Q:
    """Rooms in which `person` has one of `roles`."""
    if not _signed_in(person):
        return Q(pk__in=[])
    rows = _members().filter(room_id=OuterRef("pk"), person_id=person.pk, role__in=roles)
    return Q(Exists(rows))


def banned_now() -> Q:
    """Members whose ban holds at this moment."""
    return Q(banned_at__isnull=False) & (
        Q(banned_until__isnull=True) | Q(banned_until__gt=timezone.now())
    )


class RoomQuerySet(QuerySet[Any]):
    def visible_to(self, person: Any) -> Self:
        """Rooms whose existence `person` may know; what is said there needs `readable_by`.

        Direct rooms are for the two alone, also among staff. A bound room is seen with its
        object, if it is not private.
        """
        rows = self._with_keys()
        inside, staff = _mine(person, _INSIDE), _is_staff(person)
        public = Q(visibility="public")
        seen = (Q(kind="direct") & inside) | (Q(kind="group") & (Q() if staff else public | inside))
        for binding in bindings.all_bindings():
            of_kind = Q(kind="bound", target_kind=binding.code)
            open_to = Q() if staff else public | inside | self._moderated(binding, person)
            seen |= of_kind & self._targets(binding, binding.visible_to(person)) & open_to
        return rows.filter(seen)

    def readable_by(self, person: Any) -> Self:
        """Rooms whose messages `person` may read now: visible, not banned, with what they pay."""
        rows = self.visible_to(person)
        if _signed_in(person):
            banned = _members().filter(banned_now(), room_id=OuterRef("pk"), person_id=person.pk)
            rows = rows.exclude(Exists(banned))
        closed = () if _is_staff(person) else gates.closed_kinds(person)
        if closed:
            exempt = _mine(person, _MODERATING)
            for binding in bindings.all_bindings():
                of_kind = Q(kind="bound", target_kind=binding.code)
                exempt |= of_kind & self._moderated(binding, person)
            rows = rows.filter(~Q(kind__in=closed) | exempt)
        return rows

    def bound_to(self, target: Any) -> Self:
        """The room of `target`, if there is one."""
        code = bindings.binding_of(target).code
        return self.filter(kind="bound", target_kind=code, target_key=bindings.key_of(target))

    def of_member(self, person: Any) -> Self:
        """Rooms that `person` has joined."""
        rows = _members().filter(person_id=person.pk, role__in=_INSIDE)
        return self.filter(pk__in=rows.values("room_id"))

    def get_room(self, key: Any) -> Any:
        """The room with this key; raises NotFound, also for what is no key."""
        return _one(self, key)

    def _with_keys(self) -> Self:
        return self.alias(**{_alias(b): b.key_expression() for b in bindings.all_bindings()})

    def _targets(self, binding: bindings.Binding, targets: QuerySet[Any]) -> Q:
        return Q(Exists(targets.order_by().filter(pk=OuterRef(_alias(binding)))))

    def _moderated(self, binding: bindings.Binding, person: Any) -> Q:
        if not _signed_in(person):
            return Q(pk__in=[])
        return self._targets(binding, binding.moderated_by(person))


def _alias(binding: bindings.Binding) -> str:
    return f"key_{binding.code}"


class MessageQuerySet(QuerySet[Any]):
    def readable_by(self, person: Any) -> Self:
        """The log as `person` may read it: with the places of deleted messages, not their text."""
        from .swaps import get_room_model

        rooms = get_room_model().objects.readable_by(person).filter(pk=OuterRef("room_id"))
        return self.filter(Exists(rooms))

    def visible_to(self, person: Any) -> Self:
        """Messages whose text and files `person` may see."""
        return self.readable_by(person).shown()

    def shown(self) -> Self:
        return self.filter(state__in=_SHOWN)

    def with_people(self) -> Self:
        """With what a frame shows of other rows: the author and the answered message."""
        return self.select_related("author", "reply_to__author")

    def get_message(self, key: Any) -> Any:
        """The message with this key; raises NotFound, also for what is no key."""
        return _one(self, key)


class RoomMemberQuerySet(QuerySet[Any]):
    def of(self, person: Any, room: Any) -> Any:
        """What ties `person` to `room`, an unsaved guest when there is nothing."""
        key = getattr(person, "pk", None)
        found = self.filter(person_id=key, room_id=room.pk).first() if key else None
        return found or self.model(person_id=key, room_id=room.pk, role="guest")

    def inside(self) -> Self:
        return self.filter(role__in=_INSIDE)


def _one(rows: Any, key: Any) -> Any:
    from django.core.exceptions import ValidationError

    try:
        found = rows.filter(pk=key).first()
    except (ValidationError, ValueError, TypeError):
        found = None
    if found is None:
        raise NotFound()
    return found
