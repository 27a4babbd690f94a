"""Who may do what, each question once. HTML, API, sockets and admin all ask here."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from threadflow_core.policies import Verdict, require

from .abstract_models import State
from .adapter import adapter
from .models import Membership

__all__ = [
    "may_comment",
    "may_delete",
    "may_edit",
    "may_edit_sub",
    "may_moderate",
    "may_open_sub",
    "may_post",
    "may_read_text",
    "may_undelete",
    "may_vote",
    "require",
]


def standing(person: Any, sub: Any, membership: Membership | None = None) -> Verdict:
    """Whether `person` may take part in `sub` at all: signed in, not banned, let in."""
    if not person.is_authenticated:
        return Verdict.sign_in()
    if not person.is_active:
        return Verdict.no("inactive", _("This account is closed."))
    here = membership or Membership.objects.of(person, sub)
    if here.is_banned():
        return Verdict.no("banned", ban_text(here))
    if sub.archived_at is not None:
        return Verdict.no("sub_archived", _("This sub is archived. It can be read, not changed."))
    if sub.is_private and not here.is_inside and not person.is_staff:
        return Verdict.no("members_only", _("Only members take part here."))
    return adapter().may_take_part(person=person)


def ban_text(membership: Membership) -> str:
    """What a banned person is told: until when, and why."""
    if membership.banned_until is None:
        text = _("You are banned from this sub.")
    else:
        until = date_format(timezone.localtime(membership.banned_until), "DATETIME_FORMAT")
        # Dates may end in a full stop of their own ("2:16 p.m.").
        text = _("You are banned from this sub until %(until)s.") % {"until": until.rstrip(".")}
    return f"{text} {membership.ban_reason}".strip()


def may_open_sub(person: Any) -> Verdict:
    if not person.is_authenticated:
        return Verdict.sign_in()
    taking_part = adapter().may_take_part(person=person)
    return adapter().may_open_sub(person=person) if taking_part else taking_part


def may_post(person: Any, sub: Any, membership: Membership | None = None) -> Verdict:
    if not person.is_authenticated:
        return Verdict.sign_in()
    here = membership or Membership.objects.of(person, sub)
    verdict = standing(person, sub, here)
    if not verdict:
        return verdict
    if sub.is_restricted and not (here.is_approved or here.is_moderating or person.is_staff):
        return Verdict.no("approval_needed", _("In this sub only approved members post threads."))
    return Verdict.yes()


def may_comment(person: Any, thread: Any, membership: Membership | None = None) -> Verdict:
    if not person.is_authenticated:
        return Verdict.sign_in()
    here = membership or Membership.objects.of(person, thread.sub)
    if thread.state != State.VISIBLE:
        return Verdict.no("thread_closed", _("This thread was taken down. It takes no comments."))
    if thread.is_locked and not (here.is_moderating or person.is_staff):
        return Verdict.no("thread_locked", _("This thread is locked. It takes no new comments."))
    return standing(person, thread.sub, here)


def may_vote(person: Any, thing: Any, thread: Any) -> Verdict:
    """`thing` is the thread itself or a comment in it."""
    if not person.is_authenticated:
        return Verdict.sign_in()
    if thing.author_id == person.pk:
        return Verdict.no("own_text", _("You can't vote on what you wrote yourself."))
    if thing.state != State.VISIBLE or thread.state != State.VISIBLE:
        return Verdict.no("not_visible", _("This was taken down. It takes no votes."))
    if thread.is_locked:
        return Verdict.no("thread_locked", _("This thread is locked. It takes no votes."))
    return standing(person, thread.sub)


def may_edit(person: Any, thing: Any, thread: Any) -> Verdict:
    if not person.is_authenticated:
        return Verdict.sign_in()
    if thing.author_id != person.pk:
        return Verdict.no("not_yours", _("Only the author can change this text."))
    if thing.state != State.VISIBLE:
        return Verdict.no("not_visible", _("This was taken down and can't be changed."))
    if thread.is_locked:
        return Verdict.no("thread_locked", _("This thread is locked. Nothing in it can change."))
    return standing(person, thread.sub)


def may_delete(person: Any, thing: Any) -> Verdict:
    """Taking back one's own words needs no standing: a banned author may, too."""
    if not person.is_authenticated:
        return Verdict.sign_in()
    if thing.author_id != person.pk:
        return Verdict.no("not_yours", _("Only the author can delete this."))
    if thing.state not in (State.VISIBLE, State.PENDING):
        return Verdict.no("not_visible", _("This was taken down already."))
    return Verdict.yes()


def may_undelete(person: Any, thing: Any, seconds: int) -> Verdict:
    if not person.is_authenticated:
        return Verdict.sign_in()
    if thing.author_id != person.pk or thing.state != State.DELETED:
        return Verdict.no("not_yours", _("Only the author can bring this back."))
    age = (timezone.now() - thing.deleted_at).total_seconds() if thing.deleted_at else 0
    if age > seconds:
        return Verdict.no("too_late", _("The time to undo this is over."))
    return Verdict.yes()


def may_moderate(person: Any, sub: Any, membership: Membership | None = None) -> Verdict:
    if not person.is_authenticated:
        return Verdict.sign_in()
    if person.is_staff:
        return Verdict.yes()
    here = membership or Membership.objects.of(person, sub)
    if here.is_moderating and not here.is_banned():
        return Verdict.yes()
    return Verdict.no("moderators_only", _("Only moderators of this sub can do that."))


def may_edit_sub(person: Any, sub: Any) -> Verdict:
    return may_moderate(person, sub)


def may_read_text(person: Any, thing: Any, *, moderating: bool) -> bool:
    """Whether the text of a thread or comment is shown, or only its stub."""
    if thing.state == State.VISIBLE:
        return True
    own = person.is_authenticated and thing.author_id == person.pk
    if thing.state == State.DELETED:
        return False
    return moderating or own
