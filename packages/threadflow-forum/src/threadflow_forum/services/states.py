"""Moving threads and comments between states, with all counters and announcements that follow.

The services of authors and of moderators both end here, inside their own transaction and with
the rows locked.
"""

from __future__ import annotations

from typing import Any

from django.db.models import F
from django.utils import timezone

from threadflow_core import jobs, realtime

from .. import blocks, signals
from ..abstract_models import State


def touch(thread: Any, *fields: str) -> None:
    """Save `fields` and make everything stale that a cache holds of the thread."""
    thread.block_version += 1
    thread.save(update_fields=[*fields, "block_version"])
    blocks.expire(thread)


def announce_change(thread: Any, comment: Any, kind: str) -> None:
    """Tell listeners of the thread that a comment changed, and let no old frame of it come back."""
    realtime.drop_cached(thread.topic, ids={"comment": comment.public_id})
    comment.thread = thread
    realtime.publish(
        thread.topic,
        kind,
        ids={"comment": comment.public_id, "number": comment.number},
        instance=comment,
    )


def set_comment_state(thread: Any, comment: Any, state: str, reason: str = "") -> Any:
    """Show or hide a locked comment of a locked thread and keep every counter true."""
    from .comments import shift_counts

    before = comment.is_visible
    _set(comment, state, reason)
    after = comment.is_visible
    if before != after:
        by = 1 if after else -1
        shift_counts(comment, by)
        thread.comment_count += by
    touch(thread, "comment_count")
    if before and not after:
        signals.content_hidden.send(type(comment), thing=comment)
    announce_change(thread, comment, "comment.restored" if after else "comment.gone")
    jobs.emit("forum.comment_state_changed", comment_id=comment.pk, thread_id=thread.pk)
    return comment


def set_thread_state(sub: Any, thread: Any, state: str, reason: str = "") -> Any:
    """The same for a thread; `sub` is locked, too, for its counter."""
    before = thread.is_visible
    _set(thread, state, reason)
    after = thread.is_visible
    if before != after:
        by = 1 if after else -1
        type(sub).objects.filter(pk=sub.pk).update(thread_count=F("thread_count") + by)
    touch(thread)
    if before and not after:
        signals.content_hidden.send(type(thread), thing=thread)
        blocks.expire_all()  # lists, too, must not show it a moment longer
    announce_thread(thread, "thread.restored" if after else "thread.gone")
    jobs.emit("forum.thread_state_changed", thread_id=thread.pk)
    return thread


def announce_thread(thread: Any, kind: str) -> None:
    realtime.publish(thread.topic, kind, ids={"thread": thread.public_id}, instance=thread)


def _set(thing: Any, state: str, reason: str) -> None:
    thing.state = state
    thing.state_reason = reason
    thing.deleted_at = timezone.now() if state == State.DELETED else None
    thing.save(update_fields=["state", "state_reason", "deleted_at"])
