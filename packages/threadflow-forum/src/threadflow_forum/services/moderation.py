"""What moderators do. Each act: locks, policy, rows, one line of the log, in one transaction."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from threadflow_core import realtime
from threadflow_core.exceptions import Conflict, NotAllowed, NotFound
from threadflow_core.limits import Limit

from .. import policies
from ..abstract_models import AbstractComment, AbstractSub, AbstractThread, State
from ..models import Membership, ModAction, Role
from . import modlog, states
from .locks import lock_comment, lock_membership, lock_sub, lock_thread

MODERATION_LIMIT = Limit.parse("forum.moderate", "600/10m")


@transaction.atomic
def remove_thread(*, moderator: Any, thread: AbstractThread, reason: str = "") -> AbstractThread:
    """Hide a thread from everybody but its author and moderators. Raises NotAllowed, Conflict."""
    sub = lock_sub(thread.sub_id)
    locked = lock_thread(thread.pk)
    policies.require(policies.may_moderate(moderator, sub))
    if locked.state == State.REMOVED:
        return locked
    _not_deleted(locked)
    modlog.write(
        sub=sub, actor=moderator, action=ModAction.REMOVE_THREAD, reason=reason, thread=locked
    )
    return states.set_thread_state(sub, locked, State.REMOVED, reason[:300])


@transaction.atomic
def approve_thread(*, moderator: Any, thread: AbstractThread) -> AbstractThread:
    """Show a removed or waiting thread."""
    sub = lock_sub(thread.sub_id)
    locked = lock_thread(thread.pk)
    policies.require(policies.may_moderate(moderator, sub))
    if locked.state == State.VISIBLE:
        return locked
    _not_deleted(locked)
    undone = modlog.last(ModAction.REMOVE_THREAD, thread=locked)
    modlog.write(
        sub=sub,
        actor=moderator,
        action=ModAction.APPROVE_THREAD,
        thread=locked,
        reverts=undone if locked.state == State.REMOVED else None,
    )
    return states.set_thread_state(sub, locked, State.VISIBLE)


@transaction.atomic
def remove_comment(
    *, moderator: Any, comment: AbstractComment, reason: str = ""
) -> AbstractComment:
    """Hide a comment; what hangs below stays under a stub."""
    thread = lock_thread(comment.thread_id)
    locked = lock_comment(comment.pk)
    policies.require(policies.may_moderate(moderator, thread.sub))
    if locked.state == State.REMOVED:
        return locked
    _not_deleted(locked)
    modlog.write(
        sub=thread.sub,
        actor=moderator,
        action=ModAction.REMOVE_COMMENT,
        reason=reason,
        thread=thread,
        comment=locked,
    )
    return states.set_comment_state(thread, locked, State.REMOVED, reason[:300])


@transaction.atomic
def approve_comment(*, moderator: Any, comment: AbstractComment) -> AbstractComment:
    """Show a removed or waiting comment."""
    thread = lock_thread(comment.thread_id)
    locked = lock_comment(comment.pk)
    policies.require(policies.may_moderate(moderator, thread.sub))
    if locked.state == State.VISIBLE:
        return locked
    _not_deleted(locked)
    undone = modlog.last(ModAction.REMOVE_COMMENT, comment=locked)
    modlog.write(
        sub=thread.sub,
        actor=moderator,
        action=ModAction.APPROVE_COMMENT,
        thread=thread,
        comment=locked,
        reverts=undone if locked.state == State.REMOVED else None,
    )
    return states.set_comment_state(thread, locked, State.VISIBLE)


def _not_deleted(thing: Any) -> None:
    if thing.state == State.DELETED:
        raise Conflict(_("The author has deleted this already."), code="already_deleted")


@transaction.atomic
def set_locked(
    *, moderator: Any, thread: AbstractThread, locked: bool, reason: str = ""
) -> AbstractThread:
    """Close a thread for comments, votes and edits, or open it again."""
    row = lock_thread(thread.pk)
    policies.require(policies.may_moderate(moderator, row.sub))
    if row.is_locked == locked:
        return row
    row.locked_at = timezone.now() if locked else None
    states.touch(row, "locked_at")
    modlog.write(
        sub=row.sub,
        actor=moderator,
        action=ModAction.LOCK_THREAD if locked else ModAction.UNLOCK_THREAD,
        reason=reason,
        thread=row,
        reverts=None if locked else modlog.last(ModAction.LOCK_THREAD, thread=row),
    )
    states.announce_thread(row, "thread.locked" if locked else "thread.unlocked")
    return row


@transaction.atomic
def set_pinned(*, moderator: Any, thread: AbstractThread, pinned: bool) -> AbstractThread:
    """Keep a thread on top of its sub, or let it go."""
    row = lock_thread(thread.pk)
    policies.require(policies.may_moderate(moderator, row.sub))
    if (row.pinned_at is not None) == pinned:
        return row
    row.pinned_at = timezone.now() if pinned else None
    states.touch(row, "pinned_at")
    modlog.write(
        sub=row.sub,
        actor=moderator,
        action=ModAction.PIN_THREAD if pinned else ModAction.UNPIN_THREAD,
        thread=row,
    )
    return row


@transaction.atomic
def ban(
    *,
    moderator: Any,
    sub: AbstractSub,
    person: Any,
    reason: str = "",
    until: datetime | None = None,
) -> Membership:
    """Keep a person from taking part in a sub, until a moment or without end.

    Staff and moderators can't be banned from their sub; raises NotAllowed.
    """
    locked = lock_sub(sub.pk)
    policies.require(policies.may_moderate(moderator, locked))
    row = lock_membership(person, locked)
    if row.is_moderating or person.is_staff:
        raise NotAllowed(_("Moderators and staff can't be banned here."), code="protected")
    row.banned_at, row.banned_until = timezone.now(), until
    row.ban_reason = reason[:300]
    row.save()
    modlog.write(
        sub=locked,
        actor=moderator,
        action=ModAction.BAN,
        reason=reason,
        person=person,
        until=until.isoformat() if until else None,
    )
    realtime.control(person.pk, "recheck")
    return row


@transaction.atomic
def unban(*, moderator: Any, sub: AbstractSub, person: Any) -> Membership:
    """Lift a ban before its end."""
    locked = lock_sub(sub.pk)
    policies.require(policies.may_moderate(moderator, locked))
    row = lock_membership(person, locked)
    if row.banned_at is None:
        return row
    row.banned_at = row.banned_until = None
    row.ban_reason = ""
    row.save()
    modlog.write(
        sub=locked,
        actor=moderator,
        action=ModAction.UNBAN,
        person=person,
        reverts=modlog.last(ModAction.BAN, sub=locked, person=person),
    )
    return row


@transaction.atomic
def answer_request(*, moderator: Any, sub: AbstractSub, person: Any, let_in: bool) -> Membership:
    """Let somebody into a private sub, or decline; in a restricted one, let a member post."""
    locked = lock_sub(sub.pk)
    policies.require(policies.may_moderate(moderator, locked))
    if Membership.objects.of(person, locked).pk is None:
        raise NotFound()
    row = lock_membership(person, locked)
    joined = let_in and row.role == Role.REQUESTED
    if row.role == Role.REQUESTED:
        row.role = Role.MEMBER if let_in else Role.GUEST
    row.is_approved = let_in
    row.save()
    if joined:
        type(locked).objects.filter(pk=locked.pk).update(member_count=F("member_count") + 1)
    modlog.write(
        sub=locked,
        actor=moderator,
        action=ModAction.APPROVE_MEMBER if let_in else ModAction.DECLINE_MEMBER,
        person=person,
    )
    return row
