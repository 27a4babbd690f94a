"""Votes: one row per person and thing; counters and ranks follow in the same transaction."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

from django.db import transaction
from django.utils import timezone

from threadflow_core import jobs, realtime
from threadflow_core.limits import Limit

from .. import policies, signals
from ..abstract_models import AbstractComment, AbstractThread
from ..adapter import adapter
from ..models import CommentMark, Mark, ThreadMark
from .locks import lock_comment, lock_thread

VOTE_LIMIT = Limit.parse("forum.vote", "120/10m")


class Vote(IntEnum):
    UP = 1
    NONE = 0
    DOWN = -1


@transaction.atomic
def cast_vote(*, voter: Any, thread: AbstractThread, value: Vote) -> AbstractThread:
    """Set the voter's vote and return the thread with fresh counters and rank.

    Casting the same value again changes nothing. Raises NotAllowed.
    """
    locked = lock_thread(thread.pk)  # first: a lock or ban in between must not slip through
    policies.require(policies.may_vote(voter, locked, locked))
    mark = ThreadMark.objects.of(voter, locked)
    if _apply(voter, locked, mark, value):
        locked.save(update_fields=["up", "down", "score", "hot", "controversy"])
        if not locked.sub.is_private:
            realtime.hint(f"sub:{locked.sub.slug}", "thread.scored", id=locked.public_id)
        jobs.emit("forum.thread_voted", thread_id=locked.pk, voter_id=voter.pk)
    locked.my_vote = mark.vote  # type: ignore[attr-defined]
    return locked


@transaction.atomic
def cast_comment_vote(*, voter: Any, comment: AbstractComment, value: Vote) -> AbstractComment:
    """The same for a comment."""
    locked = lock_comment(comment.pk)
    policies.require(policies.may_vote(voter, locked, locked.thread))
    mark = CommentMark.objects.of(voter, locked)
    if _apply(voter, locked, mark, value):
        locked.save(update_fields=["up", "down", "score", "best", "controversy"])
        jobs.emit("forum.comment_voted", comment_id=locked.pk, voter_id=voter.pk)
    locked.my_vote = mark.vote  # type: ignore[attr-defined]
    locked.my_saved = mark.saved_at  # type: ignore[attr-defined]
    return locked


def _apply(voter: Any, thing: Any, mark: Mark, value: Vote) -> bool:
    """Write the vote and its effect; True when anything changed."""
    if mark.vote == value:
        return False
    before = mark.effect
    mark.vote = int(value)
    # The vote is kept apart from what it counts for, so that it can be nullified later.
    mark.effect = adapter().vote_effect(voter=voter, thing=thing, value=int(value))
    mark.save()
    thing.count_vote(before, mark.effect)
    after = mark.effect
    transaction.on_commit(
        lambda: signals.vote_cast.send_robust(
            type(thing), thing=thing, voter=voter, before=before, after=after
        )
    )
    return True


@transaction.atomic
def save_comment(*, reader: Any, comment: AbstractComment, saved: bool) -> AbstractComment:
    """Put a comment on the reader's list of saved things, or take it off."""
    locked = lock_comment(comment.pk)
    mark = CommentMark.objects.of(reader, locked)
    mark.saved_at = timezone.now() if saved else None
    mark.save()
    locked.my_vote = mark.vote  # type: ignore[attr-defined]
    locked.my_saved = mark.saved_at  # type: ignore[attr-defined]
    return locked
