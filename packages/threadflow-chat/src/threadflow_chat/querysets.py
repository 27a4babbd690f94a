"""Reads. `visible_to` and `readable_by` are the doors through which everything reads."""

from __future__ import annotations

from typing import Any, Self

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from threadflow_core.exceptions import NotFound
from threadflow_core.lookups import one

from . import bindings, gates

# Codes are spelt out here because models import this module, not the other way round.
_INSIDE = ("member", "moderator", "owner")
_MODERATING = ("moderator", "owner")
_SHOWN = ("visible", "streaming")
_KINDS = ("bound", "direct", "group")


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


class _OneKind(QuerySet[Any]):
    """Rooms, or what is in rooms, that may be known to be of one kind.

    Then the doors ask what that kind asks. Asking for every kind costs a multiple.
    """

    #: Kind and code of the binding that all the rooms have, where that is known.
    _alike: tuple[str, str] | None = None

    def _clone(self) -> Self:
        copy: Self = super()._clone()  # type: ignore[misc]
        copy._alike = self._alike
        return copy

    def _with_key(self, key: Any, alike: tuple[str, str]) -> Self:
        rows = self.filter(pk=key)
        rows._alike = alike
        return rows


class RoomQuerySet(_OneKind):
    def find_visible(self, key: Any, person: Any) -> Any:
        """The room with this key, if `person` may know of it; raises NotFound.

        Two queries: what kind of room it is, then what that kind asks. The answer is that of
        `visible_to`.
        """
        alike = _one(self.values_list("kind", "target_kind"), key)
        return _found(self._with_key(key, alike).visible_to(person))

    def is_readable(self, room: Any, person: Any) -> bool:
        """Whether `person` may read `room` now: one query, with the answer of `readable_by`."""
        rows = self._with_key(room.pk, (room.kind, room.target_kind))
        return bool(rows.readable_by(person).exists())

    def visible_to(self, person: Any) -> Self:
        """Rooms whose existence `person` may know; what is said there needs `readable_by`.

        Direct rooms are for the two alone, also among staff. A bound room is seen with its
        object, if it is not private.
        """
        kinds = self._bindings()
        inside, staff = _mine(person, _INSIDE), _is_staff(person)
        public, seen = Q(visibility="public"), Q(pk__in=[])
        if self._may_be("direct"):
            seen |= Q(kind="direct") & inside
        if self._may_be("group"):
            seen |= Q(kind="group") & (Q() if staff else public | inside)
        for binding in kinds:
            of_kind = Q(kind="bound", target_kind=binding.code)
            open_to = Q() if staff else public | inside | self._moderated(binding, person)
            seen |= of_kind & self._targets(binding, binding.visible_to(person)) & open_to
        return self._with_keys(kinds).filter(seen)

    def readable_by(self, person: Any) -> Self:
        """Rooms whose messages `person` may read now: visible, not banned, with what they pay."""
        rows = self.visible_to(person)
        if _signed_in(person):
            banned = _members().filter(banned_now(), room_id=OuterRef("pk"), person_id=person.pk)
            rows = rows.exclude(Exists(banned))
        kinds = _KINDS if self._alike is None else self._alike[:1]
        closed = () if _is_staff(person) else gates.closed_kinds(person, kinds)
        if closed:
            exempt = _mine(person, _MODERATING)
            for binding in self._bindings():
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

    def _may_be(self, kind: str) -> bool:
        return self._alike is None or self._alike[0] == kind

    def _bindings(self) -> list[bindings.Binding]:
        """Those that rooms of this queryset may have."""
        found = bindings.all_bindings() if self._may_be("bound") else []
        return [one for one in found if self._alike is None or one.code == self._alike[1]]

    def _with_keys(self, kinds: list[bindings.Binding]) -> Self:
        return self.alias(**{_alias(b): b.key_expression() for b in kinds})

    def _targets(self, binding: bindings.Binding, targets: QuerySet[Any]) -> Q:
        return Q(Exists(targets.order_by().filter(pk=OuterRef(_alias(binding)))))

    def _moderated(self, binding: bindings.Binding, person: Any) -> Q:
        if not _signed_in(person):
            return Q(pk__in=[])
        return self._targets(binding, binding.moderated_by(person))


def _alias(binding: bindings.Binding) -> str:
    return f"key_{binding.code}"


class MessageQuerySet(_OneKind):
    def find_readable(self, key: Any, person: Any) -> Any:
        """The message with this key, if `person` may read its room; raises NotFound.

        Two queries, as `RoomQuerySet.find_visible`; the answer is that of `readable_by`.
        """
        alike = _one(self.values_list("room__kind", "room__target_kind"), key)
        return _found(self._with_key(key, alike).readable_by(person))

    def readable_by(self, person: Any) -> Self:
        """The log as `person` may read it: with the places of deleted messages, not their text."""
        from .swaps import get_room_model

        rooms = get_room_model().objects.all()
        rooms._alike = self._alike
        return self.filter(Exists(rooms.readable_by(person).filter(pk=OuterRef("room_id"))))

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
        found = one(self.filter(person_id=key, room_id=room.pk)) if key else None
        return found or self.model(person_id=key, room_id=room.pk, role="guest")

    def inside(self) -> Self:
        return self.filter(role__in=_INSIDE)


def _one(rows: Any, key: Any) -> Any:
    from django.core.exceptions import ValidationError

    try:
        return _found(rows.filter(pk=key))
    except (ValidationError, ValueError, TypeError):
        raise NotFound() from None


def _found(rows: Any) -> Any:
    found = one(rows)
    if found is None:
        raise NotFound()
    return found
