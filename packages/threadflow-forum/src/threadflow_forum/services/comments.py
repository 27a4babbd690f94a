"""Writing, changing and taking back comments."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import Case, F, IntegerField, When
from django.utils import timezone
from django.utils.translation import gettext as _

from threadflow_core import jobs, realtime
from threadflow_core.exceptions import Gone, PreconditionFailed
from threadflow_core.limits import Limit
from threadflow_core.lookups import one

from .. import paths, policies, signals
from ..abstract_models import AbstractComment, AbstractThread, State
from ..adapter import adapter
from ..app_settings import app_settings
from ..swaps import get_comment_model
from . import states, texts
from .locks import lock_comment, lock_thread, used_elsewhere, writing_once

COMMENT_LIMIT = Limit.parse("forum.comment", "30/10m")
EDIT_LIMIT = Limit.parse("forum.edit", "60/10m")


def add_comment(
    *,
    author: Any,
    thread: AbstractThread,
    body: str,
    parent: AbstractComment | None = None,
    nonce: str | None = None,
) -> AbstractComment:
    """Post a comment in `thread`, below `parent` or at the top.

    The same `nonce` of the same author again returns the first comment. Raises NotAllowed,
    Invalid, TooLarge, Gone when the parent was taken down, Conflict when the nonce was used
    for another text.
    """
    text = texts.body(body)
    with writing_once(nonce):
        locked = lock_thread(thread.pk)
        earlier = _earlier(author, nonce, locked, text.source)
        if earlier is not None:
            return earlier
        policies.require(policies.may_comment(author, locked))
        comment = _place(locked, _parent(locked, parent))
        comment.author = author
        comment.nonce = nonce or None
        comment.body, comment.body_html = text.source, text.html
        comment.state = adapter().initial_state(author=author, sub=locked.sub, body=text.source)
        comment.rank()
        comment.save(force_insert=True)
        _count(locked, comment)
        if comment.is_visible:
            _announce(locked, comment)
    return comment


def _earlier(author: Any, nonce: str | None, thread: Any, source: str) -> AbstractComment | None:
    if not nonce or not author.is_authenticated:
        return None
    found = one(get_comment_model().objects.filter(author=author, nonce=nonce))
    if found is not None and (found.thread_id != thread.pk or found.body != source):
        raise used_elsewhere()
    return found


def _parent(thread: Any, parent: Any) -> Any:
    """The parent as it is now; the thread's lock keeps it so."""
    if parent is None:
        return None
    fresh = one(get_comment_model().objects.filter(pk=parent.pk, thread=thread))
    if fresh is None or not fresh.is_visible:
        raise Gone(_("The comment that you answer was taken down."), code="parent_gone")
    return fresh


def _place(thread: Any, parent: Any) -> Any:
    """A new comment with its number, parent and path, not yet saved."""
    model = get_comment_model()
    number = thread.last_number + 1
    comment = model(thread=thread, number=number)
    if parent is None:
        comment.path = paths.child(b"", number)
        return comment
    if parent.depth >= app_settings.COMMENT_MAX_DEPTH:
        # Too deep: it hangs beside the one it answers, and says whom it answers.
        comment.answers = parent
        above = paths.numbers(parent.path)[app_settings.COMMENT_MAX_DEPTH - 1]
        parent = model.objects.get(thread=thread, number=above)
    comment.parent = parent
    comment.parent_number = parent.number
    comment.root_id = parent.root_id or parent.pk
    comment.depth = parent.depth + 1
    comment.path = paths.child(parent.path, number)
    return comment


def _count(thread: Any, comment: Any) -> None:
    now = comment.created_at
    thread.last_number = comment.number
    fields = ["last_number"]
    if comment.is_visible:
        shift_counts(comment, 1)
        thread.comment_count += 1
        thread.active_at = max(now, thread.active_at)
        fields += ["comment_count", "active_at"]
    states.touch(thread, *fields)


def shift_counts(comment: Any, by: int) -> None:
    """Add `by` to the reply counts of everything above `comment`, in one statement."""
    above = paths.numbers(comment.path)[:-1]
    if above:
        get_comment_model().objects.filter(thread_id=comment.thread_id, number__in=above).update(
            descendant_count=F("descendant_count") + by,
            child_count=Case(
                When(pk=comment.parent_id, then=F("child_count") + by),
                default=F("child_count"),
                output_field=IntegerField(),
            ),
        )


def _announce(thread: Any, comment: Any) -> None:
    comment.thread = thread
    realtime.publish(
        thread.topic,
        "comment.new",
        ids={"comment": comment.public_id, "number": comment.number},
        instance=comment,
    )
    jobs.emit("forum.comment_posted", comment_id=comment.pk, thread_id=thread.pk)
    transaction.on_commit(
        lambda: signals.comment_posted.send_robust(type(comment), comment=comment, thread=thread)
    )


def edit_comment(
    *, editor: Any, comment: AbstractComment, body: str, version: int | None = None
) -> AbstractComment:
    """Replace the text. Raises PreconditionFailed when `version` is no longer the current one."""
    text = texts.body(body)
    with transaction.atomic():
        thread = lock_thread(comment.thread_id)
        locked = lock_comment(comment.pk)
        policies.require(policies.may_edit(editor, locked, thread))
        if not texts.same_version(locked, version):
            raise PreconditionFailed(current=locked)
        if locked.body == text.source:
            return locked
        locked.body, locked.body_html = text.source, text.html
        locked.edited_at = timezone.now()
        locked.version += 1
        locked.save(update_fields=["body", "body_html", "edited_at", "version"])
        states.touch(thread)
        states.announce_change(thread, locked, "comment.edited")
        jobs.emit("forum.comment_edited", comment_id=locked.pk, thread_id=thread.pk)
        transaction.on_commit(
            lambda: signals.comment_edited.send_robust(type(locked), comment=locked, thread=thread)
        )
    return locked


@transaction.atomic
def delete_comment(*, author: Any, comment: AbstractComment) -> AbstractComment:
    """Take back one's own comment. Replies stay below a stub; it can be undone for a while."""
    thread = lock_thread(comment.thread_id)
    locked = lock_comment(comment.pk)
    if locked.author_id == author.pk and locked.state == State.DELETED:
        return locked
    policies.require(policies.may_delete(author, locked))
    return states.set_comment_state(thread, locked, State.DELETED)


@transaction.atomic
def undelete_comment(*, author: Any, comment: AbstractComment) -> AbstractComment:
    """Undo an own deletion within UNDO_SECONDS."""
    thread = lock_thread(comment.thread_id)
    locked = lock_comment(comment.pk)
    if locked.author_id == author.pk and locked.state == State.VISIBLE:
        return locked
    policies.require(policies.may_undelete(author, locked, app_settings.UNDO_SECONDS))
    return states.set_comment_state(thread, locked, State.VISIBLE)
