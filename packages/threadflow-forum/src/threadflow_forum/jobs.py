"""Work that follows from what happened, after the transaction."""

from __future__ import annotations

from typing import Any

from django.db.models import F

from threadflow_core import jobs

from .models import CommentMark, Membership, ThreadMark
from .swaps import get_comment_model, get_thread_model


@jobs.handler("forum.thread_voted", name="forum.thread_karma")
def thread_karma(event: jobs.JobEvent) -> None:
    """Bring the karma of a thread's author up to what the vote now counts for."""
    thread = get_thread_model().objects.filter(pk=event.payload["thread_id"]).first()
    if thread is not None:
        rows = ThreadMark.objects.filter(thread_id=thread.pk, person_id=event.payload["voter_id"])
        _settle(rows, thread.author_id, thread.sub_id)


@jobs.handler("forum.comment_voted", name="forum.comment_karma")
def comment_karma(event: jobs.JobEvent) -> None:
    """The same for a comment."""
    comment = (
        get_comment_model()
        .objects.filter(pk=event.payload["comment_id"])
        .select_related("thread")
        .first()
    )
    if comment is not None:
        rows = CommentMark.objects.filter(
            comment_id=comment.pk, person_id=event.payload["voter_id"]
        )
        _settle(rows, comment.author_id, comment.thread.sub_id)


def _settle(marks: Any, author_id: Any, sub_id: int) -> None:
    """Add the part of a vote's effect that karma does not have yet. Doing it twice adds nothing."""
    mark = marks.select_for_update().first()
    if mark is None or author_id is None or mark.effect == mark.karma:
        return
    delta = mark.effect - mark.karma
    mark.karma = mark.effect
    mark.save(update_fields=["karma"])
    Membership.objects.bulk_create(
        [Membership(person_id=author_id, sub_id=sub_id, role="guest")], ignore_conflicts=True
    )
    Membership.objects.filter(person_id=author_id, sub_id=sub_id).update(karma=F("karma") + delta)
