"""Who may do what, each question once. HTML, API, sockets and admin all ask here.

That a room or message is visible at all is decided by the querysets; these functions take it
for granted.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from threadflow_core import people
from threadflow_core.lookups import one
from threadflow_core.policies import Verdict
from threadflow_core.policies import require as _require

from . import bindings, gates, message_kinds
from .abstract_models import MessageState, RoomKind, RoomState
from .adapter import adapter
from .app_settings import app_settings
from .exceptions import Barred, PremiumRequired
from .models import RoomMember

__all__ = ["Here", "require"]


class Here:
    """What a person is in a room: the row of the pair, and whether they moderate there.

    Each answer is asked for once, so make a new one when something has changed.
    """

    def __init__(self, person: Any, room: Any, member: RoomMember | None = None) -> None:
        self.person = person
        self.room = room
        self.member: RoomMember = member or RoomMember.objects.of(person, room)

    @cached_property
    def is_moderator(self) -> bool:
        """By role here, by the object's own moderators, or as staff. At most one query."""
        if not _knows(self.person):
            return False
        if self.member.is_moderating or (self.person.is_staff and not self.room.is_direct):
            return True
        binding = self.room.binding
        if binding is None:
            return False
        rows = binding.moderated_by(self.person)
        return bool(rows.filter(pk=self.room.target_key).exists())

    @cached_property
    def gate(self) -> Verdict:
        """What a site sells for reading."""
        return gates.reading(self.person, self.room.kind)

    @cached_property
    def reading(self) -> Verdict:
        """What `may_read` says."""
        return _may_read(self)

    @cached_property
    def writing(self) -> Verdict:
        """What `may_write` says."""
        return _may_write(self)


def require(verdict: Verdict) -> None:
    """Raise the refusal as the exception that says it best; nothing for a yes."""
    if verdict.allowed:
        return
    if isinstance(verdict, gates.Refusal):
        if verdict.feature:
            raise PremiumRequired(
                verdict.message, feature=verdict.feature, upgrade_url=verdict.upgrade_url
            )
        raise Barred(verdict.message, code=verdict.code, until=verdict.until)
    _require(verdict)


def may_read(person: Any, room: Any, here: Here | None = None) -> Verdict:
    """May `person` read what is said in this visible room?"""
    return (here or Here(person, room)).reading


def _may_read(here: Here) -> Verdict:
    if here.member.is_banned():
        return _banned(here.member)
    return here.gate if here.gate or not here.is_moderator else Verdict.yes()


def may_write(person: Any, room: Any, here: Here | None = None) -> Verdict:
    """May `person` send messages here? Slow mode and limits are looked at apart."""
    if not _knows(person):
        return Verdict.sign_in()
    return (here or Here(person, room)).writing


def _may_write(here: Here) -> Verdict:
    verdict = _standing(here)
    if not verdict:
        return verdict
    state = here.room.effective_state
    if state == RoomState.ARCHIVED:
        return Verdict.no("closed", _("This room is archived. It can be read, not changed."))
    if state == RoomState.READ_ONLY and not here.is_moderator:
        return Verdict.no("closed", _("This room is read-only at the moment."))
    return Verdict.yes()


def _standing(here: Here) -> Verdict:
    """Whether the person may take part in the room at all."""
    person, room = here.person, here.room
    if not person.is_active:
        return Verdict.no("inactive", _("This account is closed."))
    if here.member.is_banned():
        return _banned(here.member)
    if here.member.is_muted():
        return _muted(here.member)
    if (room.is_direct or room.is_private) and not (here.member.is_inside or here.is_moderator):
        return Verdict.no("not_member", _("Only members write here."))
    gate = here.gate and gates.writing_besides(person, room.kind)
    if not gate and not here.is_moderator:
        return gate
    beyond = _beyond(person, room)
    return adapter().may_take_part(person=person) if beyond else beyond


def _beyond(person: Any, room: Any) -> Verdict:
    """What the object of the room, or the other person of a direct one, says to writing."""
    if room.is_direct:
        return _not_blocked(person, other_of(person, room))
    binding = room.binding
    if binding is None:
        return Verdict.yes()
    if room.target is None:
        return Verdict.no("closed", _("What this room belonged to is gone."))
    return binding.may_write(person, room.target)


def other_of(person: Any, room: Any) -> Any:
    """The other person of a direct room; None when they are gone."""
    rows = RoomMember.objects.filter(room_id=room.pk).exclude(person_id=person.pk)
    found = one(rows.select_related("person"))
    return found.person if found is not None else None


def _not_blocked(person: Any, other: Any) -> Verdict:
    if other is None or not other.is_active:
        return Verdict.no("closed", _("Nobody is there to read it any more."))
    if other.pk in people.blocked_ids(person):
        return Verdict.no("blocked", _("You can't write to this person."))
    return adapter().may_message(person=person, other=other)


def may_begin(person: Any) -> Verdict:
    """May `person` begin conversations, as far as a site sells them? Asked before they say whom."""
    return gates.writing(person, RoomKind.DIRECT) or gates.writing(person, RoomKind.GROUP)


def may_start_direct(person: Any, other: Any) -> Verdict:
    if not _knows(person):
        return Verdict.sign_in()
    if person.pk == other.pk:
        return Verdict.no("yourself", _("That would be a talk with yourself."))
    gate = gates.writing(person, RoomKind.DIRECT)
    if not gate:
        return gate
    verdict = adapter().may_take_part(person=person)
    return _not_blocked(person, other) if verdict else verdict


def may_open_group(person: Any, visibility: str) -> Verdict:
    if not _knows(person):
        return Verdict.sign_in()
    gate = gates.writing(person, RoomKind.GROUP)
    if not gate:
        return gate
    verdict = adapter().may_take_part(person=person)
    return adapter().may_open_group(person=person, visibility=visibility) if verdict else verdict


def may_open(person: Any, target: Any) -> Verdict:
    """May `person`, who sees `target`, open its room where there is none yet?"""
    if not _knows(person):
        return Verdict.sign_in()
    gate = gates.reading(person, RoomKind.BOUND)
    if not gate and not person.is_staff:
        return gate
    binding = bindings.binding_of(target)
    by_moderators = app_settings.ROOM_OPENING == "moderators" and not person.is_staff
    if by_moderators and not binding.moderated_by(person).filter(pk=target.pk).exists():
        return Verdict.no("moderators_only", _("Only moderators open rooms here."))
    verdict = adapter().may_take_part(person=person)
    return binding.may_open(person, target) if verdict else verdict


def may_join(person: Any, room: Any, here: Here | None = None) -> Verdict:
    if not _knows(person):
        return Verdict.sign_in()
    here = here or Here(person, room)
    if room.is_direct or (room.is_private and not here.is_moderator and not here.member.is_inside):
        return Verdict.no("not_member", _("One is invited to this room."))
    return may_read(person, room, here)


def may_invite(person: Any, room: Any, here: Here | None = None) -> Verdict:
    """Members of a group invite; into the private room of an object its moderators do."""
    if not _knows(person):
        return Verdict.sign_in()
    here = here or Here(person, room)
    if room.is_direct:
        return Verdict.no("direct", _("These messages stay between two people."))
    if room.kind == RoomKind.BOUND and not here.is_moderator:
        return Verdict.no("moderators_only", _("Only moderators of this room can do that."))
    if not (here.member.is_inside or here.is_moderator):
        return Verdict.no("not_member", _("Only members invite others."))
    return may_write(person, room, here)


def may_moderate(person: Any, room: Any, here: Here | None = None) -> Verdict:
    if not _knows(person):
        return Verdict.sign_in()
    here = here or Here(person, room)
    if here.is_moderator and not here.member.is_banned():
        return Verdict.yes()
    return Verdict.no("moderators_only", _("Only moderators of this room can do that."))


def may_edit(person: Any, message: Any, room: Any, here: Here | None = None) -> Verdict:
    if not _knows(person):
        return Verdict.sign_in()
    if message.author_id != person.pk or not message_kinds.kind_named(message.kind).by_person:
        return Verdict.no("not_yours", _("Only the author can change this message."))
    if message.state != MessageState.VISIBLE:
        return Verdict.no("not_visible", _("This message is gone and can't be changed."))
    seconds = app_settings.EDIT_SECONDS
    if seconds and (timezone.now() - message.created_at).total_seconds() > seconds:
        return Verdict.no("too_late", _("The time to change this message is over."))
    return may_write(person, room, here)


def may_delete(person: Any, message: Any, room: Any, here: Here | None = None) -> Verdict:
    """One's own words may be taken back also by who may not write any more."""
    if not _knows(person):
        return Verdict.sign_in()
    own = message.author_id == person.pk
    if own and message_kinds.kind_named(message.kind).by_person:
        return Verdict.yes()
    return may_moderate(person, room, here)


def may_restore(person: Any, message: Any, room: Any, here: Here | None = None) -> Verdict:
    """Authors undo their own deletion for a while, moderators what they removed."""
    if not _knows(person):
        return Verdict.sign_in()
    if message.state == MessageState.REMOVED:
        return may_moderate(person, room, here)
    if message.author_id != person.pk:
        return Verdict.no("not_yours", _("Only the author can bring this back."))
    age = (timezone.now() - message.deleted_at).total_seconds() if message.deleted_at else 0
    if age > app_settings.UNDO_SECONDS:
        return Verdict.no("too_late", _("The time to undo this is over."))
    return Verdict.yes()


def may_react(person: Any, message: Any, room: Any, here: Here | None = None) -> Verdict:
    if not message.is_visible:
        return Verdict.no("not_visible", _("This message is gone."))
    return may_write(person, room, here)


def may_pin(person: Any, message: Any, room: Any, here: Here | None = None) -> Verdict:
    """Both of a direct room pin, elsewhere moderators."""
    if not message.is_visible:
        return Verdict.no("not_visible", _("This message is gone."))
    if not _knows(person):
        return Verdict.sign_in()
    here = here or Here(person, room)
    verdict = may_write(person, room, here)
    return verdict if not verdict or room.is_direct else may_moderate(person, room, here)


def may_attach(person: Any) -> Verdict:
    """May `person` store a file for a message, whichever room it will be for?"""
    if not _knows(person):
        return Verdict.sign_in()
    gated = app_settings.GATED_KINDS
    open_kinds = [kind for kind in RoomKind.values if kind not in gated]
    gate = Verdict.yes() if open_kinds else gates.writing(person, RoomKind.BOUND)
    if not gate and not person.is_staff:
        return gate
    return adapter().may_take_part(person=person)


def may_flag(person: Any, message: Any) -> Verdict:
    if not _knows(person):
        return Verdict.sign_in()
    if message.author_id == person.pk:
        return Verdict.no("own_text", _("You can delete your own message instead."))
    return Verdict.yes()


def abilities(person: Any, room: Any, here: Here) -> list[str]:
    """What `person` may do here, for controls: `read write react join leave pin invite moderate`."""
    found = []
    if may_read(person, room, here):
        found.append("read")
    writes = bool(may_write(person, room, here))
    moderates = bool(may_moderate(person, room, here))
    if writes:
        found += ["write", "react"]
    if writes and (room.is_direct or moderates):
        found.append("pin")
    if here.member.is_inside and not room.is_direct:
        found.append("leave")
    elif not here.member.is_inside and may_join(person, room, here):
        found.append("join")
    if may_invite(person, room, here):
        found.append("invite")
    return [*found, "moderate"] if moderates else found


def _knows(person: Any) -> bool:
    return bool(getattr(person, "is_authenticated", False))


def _banned(member: RoomMember) -> Verdict:
    text = _("You are banned from this room.")
    if member.banned_until is not None:
        text = _("You are banned from this room until %(until)s.") % {
            "until": _when(member.banned_until)
        }
    return gates.Refusal(
        False, "banned", f"{text} {member.ban_reason}".strip(), until=member.banned_until
    )


def _muted(member: RoomMember) -> Verdict:
    text = _("You are muted in this room until %(until)s.") % {"until": _when(member.muted_until)}
    return gates.Refusal(False, "muted", text, until=member.muted_until)


def _when(moment: Any) -> str:
    # Dates may end in a full stop of their own ("2:16 p.m.").
    return date_format(timezone.localtime(moment), "DATETIME_FORMAT").rstrip(".")
