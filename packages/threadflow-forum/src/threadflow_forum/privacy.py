"""What the forum keeps about people, how it is handed out and how it is forgotten."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.db.models import Q

from threadflow_core import privacy

from . import blocks
from .models import Block, CommentMark, Membership, ModLogEntry, ThreadMark
from .swaps import get_comment_model, get_sub_model, get_thread_model


def register() -> None:
    """One entry per model that points at a person."""
    threads, comments, subs = get_thread_model(), get_comment_model(), get_sub_model()
    texts = ("body", "created_at", "state")
    privacy.register(
        threads._meta.label, export=_written(threads, "title", "url", *texts), erase=_leave(threads)
    )
    privacy.register(
        comments._meta.label, export=_written(comments, *texts), erase=_leave(comments)
    )
    privacy.register(
        subs._meta.label,
        export=lambda person: subs.objects.filter(founder=person).values("slug", "created_at"),
        erase=lambda person: subs.objects.filter(founder=person).update(founder=None),
    )
    privacy.register(
        Membership._meta.label,
        export=lambda person: Membership.objects.filter(person=person).values(
            "sub__slug", "role", "joined_at", "karma", "banned_until", "ban_reason"
        ),
        erase=lambda person: Membership.objects.filter(person=person).delete(),
    )
    for marks, key in ((ThreadMark, "thread_id"), (CommentMark, "comment_id")):
        privacy.register(
            marks._meta.label,
            export=_marks(marks, key),
            why="A vote counts without its voter only while its row stands; the row is a key and "
            "goes with the account.",
        )
    privacy.register(
        Block._meta.label,
        export=lambda person: Block.objects.filter(person=person).values(
            "blocked_id", "created_at"
        ),
        erase=lambda person: Block.objects.filter(Q(person=person) | Q(blocked=person)).delete(),
    )
    privacy.register(
        ModLogEntry._meta.label,
        export=lambda person: ModLogEntry.objects.filter(person=person).values(
            "action", "reason", "created_at"
        ),
        erase=_leave_log,
    )


def _written(model: Any, *fields: str) -> Callable[[Any], Iterable[dict[str, Any]]]:
    return lambda person: model.objects.filter(author=person).values(*fields).iterator()


def _leave(model: Any) -> Callable[[Any], object]:
    """Public words stay, without their author: answers would make no sense otherwise."""

    def erase(person: Any) -> None:
        model.objects.filter(author=person).update(author=None, nonce=None)
        blocks.expire_all()

    return erase


def _marks(model: Any, key: str) -> Callable[[Any], Iterable[dict[str, Any]]]:
    return lambda person: model.objects.filter(person=person).values(key, "vote", "saved_at")


def _leave_log(person: Any) -> None:
    ModLogEntry.objects.filter(person=person).update(person=None)
    ModLogEntry.objects.filter(actor=person).update(actor=None)
