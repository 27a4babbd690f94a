"""Who is in a room: joining, leaving, inviting, and what moderators do about people."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from threadflow_core import people as cards
from threadflow_core import realtime
from threadflow_core.exceptions import Conflict, Invalid, NotAllowed, NotFound
from threadflow_core.limits import Limit

from .. import policies, rosters, signals
from ..abstract_models import AbstractRoom
from ..app_settings import app_settings
from ..models import Level, Role, RoomAction, RoomMember
from . import announce
from .locks import lock_member, lock_room

JOIN_LIMIT = Limit.parse("chat.join", "60/10m")
MODERATION_LIMIT = Limit.parse("chat.moderate", "300/10m")


@transaction.atomic
def join(*, person: Any, room: AbstractRoom) -> RoomMember:
    """Become a member of a public room. Joining twice changes nothing."""
    locked = lock_room(room.pk)
    if not getattr(person, "is_authenticated", False):
        policies.require(policies.may_join(person, locked))
    member = lock_member(person, locked)
    policies.require(policies.may_join(person, locked, policies.Here(person, locked, member)))
    if not member.is_inside:
        let_in(locked, member)
        announce.member_changed(locked, person)
    return member


def let_in(room: Any, member: RoomMember, *, role: str = Role.MEMBER, save: bool = True) -> None:
    """Make a guest a member, in the caller's transaction with room and member locked.

    With `save` False the caller stores both.
    """
    member.role = role
    room.member_count += 1
    if save:
        member.last_read_mno = max(member.last_read_mno, room.last_mno)
        member.joined_at = timezone.now()
        member.save(update_fields=["role", "last_read_mno", "joined_at"])
        room.save(update_fields=["member_count"])
    rosters.expire(member.person)
    transaction.on_commit(
        lambda: signals.member_joined.send_robust(RoomMember, member=member, room=room)
    )


@transaction.atomic
def leave(*, person: Any, room: AbstractRoom) -> RoomMember:
    """Leave a room. The last owner of a group hands it to the member of the longest standing."""
    locked = lock_room(room.pk)
    if locked.is_direct:
        raise Conflict(_("A direct conversation can be muted, not left."), code="direct")
    member = lock_member(person, locked)
    if member.is_inside:
        was_owner = member.role == Role.OWNER
        _put_out(locked, member, person)
        if was_owner:
            _hand_over(locked)
        announce.member_changed(locked, person)
    return member


def _put_out(room: Any, member: RoomMember, person: Any) -> None:
    """Make a member a guest again; what they may no longer follow ends within moments."""
    member.role = Role.GUEST
    member.mention_count = 0
    member.save(update_fields=["role", "mention_count"])
    type(room).objects.filter(pk=room.pk).update(member_count=F("member_count") - 1)
    rosters.expire(person)
    realtime.control(person.pk, "recheck")
    transaction.on_commit(
        lambda: signals.member_left.send_robust(RoomMember, person=person, room=room)
    )


def _hand_over(room: Any) -> None:
    rows = RoomMember.objects.inside().filter(room_id=room.pk)
    if rows.filter(role=Role.OWNER).exists():
        return
    heir = rows.order_by("-role", "joined_at", "pk").first()
    if heir is not None:
        RoomMember.objects.filter(pk=heir.pk).update(role=Role.OWNER)


@transaction.atomic
def invite(*, person: Any, room: AbstractRoom, people: Iterable[Any]) -> list[RoomMember]:
    """Let others in. Those who are in already stay as they are; returns the new members.

    Raises NotAllowed; Invalid for people that one of both blocked, or that are banned here.
    """
    locked = lock_room(room.pk)
    policies.require(policies.may_invite(person, locked))
    others = {other.pk: other for other in people}
    if locked.member_count + len(others) > app_settings.GROUP_MAX_PEOPLE and locked.is_private:
        most = app_settings.GROUP_MAX_PEOPLE
        raise Invalid(fields={"people": [_("At most %(most)s people, please.") % {"most": most}]})
    if others and not others.keys().isdisjoint(cards.blocked_ids(person)):
        raise Invalid(fields={"people": [_("You can't invite one of these people.")]})
    made = []
    for pk in sorted(others, key=str):
        member = lock_member(others[pk], locked)
        if member.is_banned():
            raise Invalid(fields={"people": [_("One of these people is banned here.")]})
        if not member.is_inside:
            let_in(locked, member)
            announce.to_person(others[pk], "room.new", locked)
            announce.member_changed(locked, others[pk])
            made.append(member)
    return made


@transaction.atomic
def mute(
    *, moderator: Any, room: AbstractRoom, person: Any, until: datetime, reason: str = ""
) -> RoomMember:
    """Keep a person from writing until a moment; they go on reading."""
    locked, member = _locked_for(moderator, room, person)
    member.muted_until = until
    member.save(update_fields=["muted_until"])
    announce.write_log(
        locked,
        actor=moderator,
        action=RoomAction.MUTE,
        reason=reason,
        person=person,
        until=until.isoformat(),
    )
    announce.to_person(person, "muted", locked, until=until)
    announce.member_changed(locked, person)
    return member


@transaction.atomic
def unmute(*, moderator: Any, room: AbstractRoom, person: Any) -> RoomMember:
    """Let a muted person write again."""
    locked, member = _locked_for(moderator, room, person)
    if member.muted_until is not None:
        member.muted_until = None
        member.save(update_fields=["muted_until"])
        announce.write_log(locked, actor=moderator, action=RoomAction.UNMUTE, person=person)
        announce.to_person(person, "muted", locked, until=None)
        announce.member_changed(locked, person)
    return member


@transaction.atomic
def kick(*, moderator: Any, room: AbstractRoom, person: Any, reason: str = "") -> RoomMember:
    """Send a member out; into a public room they may come back."""
    locked, member = _locked_for(moderator, room, person)
    if member.is_inside:
        _put_out(locked, member, person)
        announce.write_log(
            locked, actor=moderator, action=RoomAction.KICK, reason=reason, person=person
        )
        announce.to_person(person, "kicked", locked, code="kicked")
        announce.member_changed(locked, person)
    return member


@transaction.atomic
def ban(
    *,
    moderator: Any,
    room: AbstractRoom,
    person: Any,
    reason: str = "",
    until: datetime | None = None,
) -> RoomMember:
    """Keep a person from reading and writing here, until a moment or without end."""
    locked, member = _locked_for(moderator, room, person)
    if member.is_inside:
        _put_out(locked, member, person)
    member.banned_at, member.banned_until = timezone.now(), until
    member.ban_reason = reason[:300]
    member.save(update_fields=["banned_at", "banned_until", "ban_reason"])
    announce.write_log(
        locked,
        actor=moderator,
        action=RoomAction.BAN,
        reason=reason,
        person=person,
        until=until.isoformat() if until else None,
    )
    rosters.expire(person)
    realtime.control(person.pk, "recheck")
    announce.to_person(person, "kicked", locked, code="banned", until=until)
    announce.member_changed(locked, person)
    return member


@transaction.atomic
def unban(*, moderator: Any, room: AbstractRoom, person: Any) -> RoomMember:
    """Lift a ban before its end. The person joins again by themselves."""
    locked, member = _locked_for(moderator, room, person)
    if member.banned_at is not None:
        member.banned_at = member.banned_until = None
        member.ban_reason = ""
        member.save(update_fields=["banned_at", "banned_until", "ban_reason"])
        announce.write_log(locked, actor=moderator, action=RoomAction.UNBAN, person=person)
        announce.member_changed(locked, person)
    return member


@transaction.atomic
def set_role(*, moderator: Any, room: AbstractRoom, person: Any, role: str) -> RoomMember:
    """Make a member a moderator, an owner, or a member again. Only owners change owners."""
    locked, member = _locked_for(moderator, room, person, protect=False)
    if role not in (Role.MEMBER, Role.MODERATOR, Role.OWNER):
        raise Invalid(fields={"role": [_("This is not one of the choices.")]})
    if not member.is_inside:
        raise NotFound(_("This person is not in this room."))
    if Role.OWNER in (role, member.role) and not _owns(moderator, locked):
        raise NotAllowed(_("Only owners do that."), code="owners_only")
    if member.role != role:
        before, member.role = member.role, role
        member.save(update_fields=["role"])
        announce.write_log(
            locked,
            actor=moderator,
            action=RoomAction.CHANGE_ROLE,
            person=person,
            before=before,
            after=role,
        )
        announce.member_changed(locked, person)
    return member


def _owns(person: Any, room: Any) -> bool:
    return person.is_staff or RoomMember.objects.of(person, room).role == Role.OWNER


@transaction.atomic
def set_level(*, person: Any, room: AbstractRoom, level: str) -> RoomMember:
    """What a member wants to be told of: `all`, `mentions` or `none`."""
    if level not in Level.values:
        raise Invalid(fields={"level": [_("This is not one of the choices.")]})
    member = lock_member(person, room)
    if not member.is_inside:
        raise NotAllowed(_("Join this room first."), code="not_member")
    member.level = level
    member.save(update_fields=["level"])
    unread = max(0, room.last_mno - member.last_read_mno)
    announce.to_person(person, "read", room, level=level, n=unread, mentions=member.mention_count)
    return member


def _locked_for(
    moderator: Any, room: Any, person: Any, *, protect: bool = True
) -> tuple[Any, RoomMember]:
    """Room and member, locked, after asking whether `moderator` may act on `person`."""
    locked = lock_room(room.pk)
    policies.require(policies.may_moderate(moderator, locked))
    if locked.is_direct:
        raise Conflict(_("These messages stay between two people."), code="direct")
    member = lock_member(person, locked)
    if protect and policies.Here(person, locked, member).is_moderator:
        raise NotAllowed(_("Moderators and staff are protected here."), code="protected")
    return locked, member
