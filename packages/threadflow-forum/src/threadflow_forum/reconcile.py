"""Proof that every counter equals the rows it counts, and repair where it does not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import OuterRef

from threadflow_core.counters import Drift, counted, differences

from . import paths
from .abstract_models import State
from .models import INSIDE, CommentMark, Membership, ThreadMark
from .swaps import get_comment_model, get_sub_model, get_thread_model


def find() -> Iterator[Drift]:
    """Every wrong counter of the forum. Reads all rows once; cheap enough for a nightly job."""
    yield from _subs()
    yield from _votes(get_thread_model(), ThreadMark, "thread")
    yield from _votes(get_comment_model(), CommentMark, "comment")
    yield from _thread_counts()
    yield from _trees()


def repair(drift: Drift) -> None:
    """Write what was counted, and the ranks that follow from it."""
    models = {m._meta.label: m for m in (get_sub_model(), get_thread_model(), get_comment_model())}
    model = models[drift.model]
    model.objects.filter(pk=drift.pk).update(**{drift.field: drift.counted})
    if drift.field in ("up", "down"):
        row: Any = model.objects.get(pk=drift.pk)
        row.score = row.up - row.down
        row.rank()
        row.save()


def _subs() -> Iterator[Drift]:
    threads = get_thread_model().objects.filter(sub=OuterRef("pk"), state=State.VISIBLE)
    members = Membership.objects.filter(sub=OuterRef("pk"), role__in=INSIDE)
    yield from differences(
        get_sub_model(),
        {"thread_count": counted(threads, "sub"), "member_count": counted(members, "sub")},
    )


def _votes(model: Any, marks: Any, key: str) -> Iterator[Drift]:
    mine = marks.objects.filter(**{key: OuterRef("pk")})
    yield from differences(
        model,
        {
            "up": counted(mine.filter(effect=1), key),
            "down": counted(mine.filter(effect=-1), key),
        },
    )


def _thread_counts() -> Iterator[Drift]:
    visible = get_comment_model().objects.filter(thread=OuterRef("pk"), state=State.VISIBLE)
    yield from differences(get_thread_model(), {"comment_count": counted(visible, "thread")})


def _trees() -> Iterator[Drift]:
    """Reply counts, by one pass over each thread in the order of its paths."""
    model = get_comment_model()
    fields = ("pk", "thread_id", "path", "state", "child_count", "descendant_count")
    rows = model.objects.order_by("thread_id", "path").values_list(*fields)
    open_: list[list[Any]] = []  # [row, depth, visible children, visible descendants]
    for row in rows.iterator(chunk_size=5_000):
        depth = paths.depth(row[2])
        while open_ and (open_[-1][0][1] != row[1] or open_[-1][1] >= depth):
            yield from _close(model, open_)
        open_.append([row, depth, 0, 0])
    while open_:
        yield from _close(model, open_)


def _close(model: Any, open_: list[list[Any]]) -> Iterator[Drift]:
    (pk, thread_id, _path, state, child_count, descendant_count), depth, children, below = (
        open_.pop()
    )
    if child_count != children:
        yield Drift(model._meta.label, pk, "child_count", child_count, children)
    if descendant_count != below:
        yield Drift(model._meta.label, pk, "descendant_count", descendant_count, below)
    if open_ and open_[-1][0][1] == thread_id:
        above = open_[-1]
        visible = state == State.VISIBLE
        above[2] += visible and above[1] == depth - 1
        above[3] += below + visible
