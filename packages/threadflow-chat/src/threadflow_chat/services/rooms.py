"""Opening rooms and changing them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from threadflow_core import jobs, people, realtime
from threadflow_core.exceptions import Conflict, Invalid
from threadflow_core.limits import Limit

from .. import bindings, policies, rosters, signals
from ..abstract_models import AbstractRoom, RoomKind, RoomState, RoomVisibility
from ..app_settings import app_settings
from ..models import Role, RoomAction, RoomMember
from ..swaps import get_room_model
from . import announce, texts
from .locks import lock_room

OPEN_LIMIT = Limit.parse("chat.open_room", "20/h")
ROOM_LIMIT = Limit.parse("chat.edit_room", "60/10m")

SLOWEST = 6 * 3600


def room_of(target: Any) -> AbstractRoom | None:
    """The room of `target`, None where nobody has opened one. Who may see it is asked elsewhere."""
    return get_room_model().objects.bound_to(target).first()


def open_for(*, person: Any, target: Any) -> AbstractRoom:
    """The room of `target`, opened by `person` where there is none yet.

    `target` was found through its own `visible_to`. Raises SignInRequired, NotAllowed,
    PremiumRequired; LookupError for a model without binding.
    """
    found = room_of(target)
    if found is not None:
        return found
    policies.require(policies.may_open(person, target))
    binding = bindings.binding_of(target)
    room = get_room_model()(
        kind=RoomKind.BOUND,
        target_kind=binding.code,
        target_key=bindings.key_of(target),
        title=binding.title(target)[:300],
        visibility=RoomVisibility.PUBLIC,
        created_by=person,
    )
    return _insert(room, [])


def direct(*, person: Any, other: Any) -> AbstractRoom:
    """The room of these two people, opened where there is none. Raises NotAllowed when blocked."""
    policies.require(policies.may_start_direct(person, other))
    room = get_room_model()(
        kind=RoomKind.DIRECT,
        target_kind="direct",
        target_key=pair_key(person, other),
        visibility=RoomVisibility.PRIVATE,
        created_by=person,
    )
    found = _twin(room)
    return found or _insert(room, [(person, Role.MEMBER), (other, Role.MEMBER)])


def pair_key(one: Any, other: Any) -> str:
    """The key of two people, whoever begins."""
    return ":".join(sorted((bindings.key_of(one), bindings.key_of(other))))


def open_group(
    *,
    person: Any,
    title: str,
    people: Iterable[Any] = (),
    visibility: str = RoomVisibility.PRIVATE,
    topic: str = "",
) -> AbstractRoom:
    """Open a group of `person`, who owns it, and `people`. Raises Invalid, NotAllowed."""
    policies.require(policies.may_open_group(person, visibility))
    clean = texts.line(title, most=100, field="title")
    if not clean:
        raise Invalid(fields={"title": [_("A group needs a name.")]})
    others = {other.pk: other for other in people if other.pk != person.pk}
    if len(others) >= app_settings.GROUP_MAX_PEOPLE:
        most = app_settings.GROUP_MAX_PEOPLE
        raise Invalid(fields={"people": [_("At most %(most)s people, please.") % {"most": most}]})
    _refuse_blocked(person, others)
    room = get_room_model()(
        kind=RoomKind.GROUP,
        title=clean,
        topic=texts.line(topic, most=300, field="topic"),
        visibility=_choice(RoomVisibility, visibility, "visibility"),
        created_by=person,
    )
    inside = [(other, Role.MEMBER) for other in others.values()]
    return _insert(room, [(person, Role.OWNER), *inside])


def _refuse_blocked(person: Any, others: dict[Any, Any]) -> None:
    if others and not others.keys().isdisjoint(people.blocked_ids(person)):
        raise Invalid(fields={"people": [_("You can't invite one of these people.")]})


def _twin(room: Any) -> Any:
    """The room that has this target already."""
    rows = get_room_model().objects.filter(target_kind=room.target_kind)
    return rows.filter(target_key=room.target_key).first()


def _insert(room: Any, inside: list[tuple[Any, str]]) -> Any:
    """Store a new room with its people; of two at the same moment both get the first."""
    try:
        with transaction.atomic():
            room.member_count = len(inside)
            room.save(force_insert=True)
            RoomMember.objects.bulk_create(
                RoomMember(room=room, person=someone, role=role) for someone, role in inside
            )
            for someone, _role in inside:
                rosters.expire(someone)
                announce.to_person(someone, "room.new", room)
            jobs.emit("chat.room_opened", room_id=str(room.pk))
            transaction.on_commit(lambda: signals.room_opened.send_robust(type(room), room=room))
    except IntegrityError:
        found = _twin(room) if room.target_key else None
        if found is None:
            raise
        return found
    return room


@transaction.atomic
def edit_room(
    *,
    editor: Any,
    room: AbstractRoom,
    title: str | None = None,
    topic: str | None = None,
    visibility: str | None = None,
    slow_seconds: int | None = None,
    state: str | None = None,
) -> AbstractRoom:
    """Change what is given; None leaves it. Raises NotAllowed, Invalid, Conflict.

    Title and visibility of a direct room, and the title of a bound one, are not its own.
    """
    locked = lock_room(room.pk)
    policies.require(policies.may_moderate(editor, locked))
    wanted = _wanted(
        locked,
        title=title,
        topic=topic,
        visibility=visibility,
        slow_seconds=slow_seconds,
        state=state,
    )
    changed = {name: value for name, value in wanted.items() if getattr(locked, name) != value}
    if not changed:
        return locked
    narrowed = changed.get("visibility") == RoomVisibility.PRIVATE
    for name, value in changed.items():
        setattr(locked, name, value)
    locked.save(update_fields=list(changed))
    announce.write_log(locked, actor=editor, action=RoomAction.EDIT_ROOM, changed=sorted(changed))
    rosters.expire_all()
    if narrowed:
        realtime.recheck(locked.live_topic)
    announce.room_changed(locked)
    return locked


def _wanted(room: Any, **given: Any) -> dict[str, Any]:
    """The checked values of what was given."""
    wanted = {name: value for name, value in given.items() if value is not None}
    if "title" in wanted:
        wanted["title"] = texts.line(wanted["title"], most=100, field="title")
        if room.kind != RoomKind.GROUP:
            raise Conflict(_("This room has the name of what it belongs to."), code="not_own")
        if not wanted["title"]:
            raise Invalid(fields={"title": [_("A group needs a name.")]})
    if "topic" in wanted:
        wanted["topic"] = texts.line(wanted["topic"], most=300, field="topic")
    if "visibility" in wanted:
        wanted["visibility"] = _choice(RoomVisibility, wanted["visibility"], "visibility")
        if room.is_direct:
            raise Conflict(_("These messages stay between two people."), code="not_own")
    if "state" in wanted:
        wanted["state"] = _choice(RoomState, wanted["state"], "state")
    slow = wanted.get("slow_seconds")
    if slow is not None and not 0 <= slow <= SLOWEST:
        raise Invalid(fields={"slow_seconds": [_("From 0 seconds to 6 hours.")]})
    return wanted


def _choice(choices: Any, value: str, field: str) -> Any:
    if value not in choices.values:
        raise Invalid(fields={field: [_("This is not one of the choices.")]})
    return choices(value)


@transaction.atomic
def target_changed(target: Any) -> AbstractRoom | None:
    """The object of a room was renamed, closed or hidden: its followers see it at once.

    For hosts and integrations, in the transaction of the change or after it. Rights are asked of
    the object anyway; this tells those who are connected.
    """
    found = room_of(target)
    if found is None:
        return None
    room = lock_room(found.pk)
    title = bindings.binding_of(target).title(target)[:300]
    if room.title != title:
        room.title = title
        room.save(update_fields=["title"])
    rosters.expire_all()
    realtime.recheck(room.live_topic)
    announce.room_changed(room)
    return room
