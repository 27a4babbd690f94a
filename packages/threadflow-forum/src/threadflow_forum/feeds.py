"""Which threads a list shows, and in which order. Every order ends in the id; no OFFSET."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone

from threadflow_core import cursors, people
from threadflow_core.cursors import Page
from threadflow_core.lookups import AnyOf

from .app_settings import app_settings
from .listing import Shape, bare
from .swaps import get_sub_model, get_thread_model


class Sort(StrEnum):
    HOT = "hot"
    NEW = "new"
    TOP = "top"
    ACTIVE = "active"
    CONTROVERSIAL = "controversial"


class Window(StrEnum):
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"
    ALL = "all"


ORDERS: dict[Sort, tuple[str, ...]] = {
    Sort.HOT: ("-hot", "-id"),
    Sort.NEW: ("-created_at", "-id"),
    Sort.TOP: ("-score", "-id"),
    Sort.ACTIVE: ("-active_at", "-id"),
    Sort.CONTROVERSIAL: ("-controversy", "-id"),
}
#: Sorts that look at a span of time; the others order by time themselves.
WINDOWED = (Sort.TOP, Sort.CONTROVERSIAL)
DAYS = {Window.DAY: 1, Window.WEEK: 7, Window.MONTH: 30, Window.YEAR: 365}


@dataclass(frozen=True, slots=True)
class Feed:
    """One list of threads: `name` is `home`, `all` or `sub:<slug>`."""

    name: str
    sort: Sort = Sort.HOT
    window: Window = Window.ALL
    mixed: bool = True

    @property
    def scope(self) -> str:
        return f"feed:{self.name}:{self.sort}:{self.window}"


def all_threads(person: Any) -> QuerySet[Any]:
    """Everything that `person` may read, in every sub."""
    return _for_reader(get_thread_model().objects.visible_to(person).listed(), person)


def home_threads(person: Any) -> QuerySet[Any]:
    """Threads of followed subs. The subs are resolved to ids first: a join is slower."""
    followed = list(get_sub_model().objects.followed_by(person).values_list("pk", flat=True))
    rows = get_thread_model().objects.listed().filter(AnyOf("sub_id", followed))
    return _for_reader(rows, person)


def sub_threads(sub: Any, person: Any) -> QuerySet[Any]:
    """Threads of a sub whose visibility has been checked."""
    return _for_reader(get_thread_model().objects.listed().filter(sub=sub), person)


def _for_reader(rows: QuerySet[Any], person: Any) -> QuerySet[Any]:
    if not person.is_authenticated:
        return rows
    rows = rows.with_marks_of(person).filter(my_hidden=None)  # type: ignore[attr-defined]
    blocked = people.blocked_ids(person)
    return rows.filter(Q(author=None) | ~AnyOf("author_id", blocked)) if blocked else rows


def read(
    rows: QuerySet[Any],
    feed: Feed,
    cursor: str | None,
    size: int | None = None,
    *,
    plain: bool = False,
) -> Page[Any]:
    """One page of `rows`. In mixed feeds no sub takes more than its cap; the rest is left out.

    The threads come with their subs and without their texts; with `plain` they are `listing.Row`s,
    which have what a row of a page shows and nothing else.
    A capped page has no `previous`: what was left out going down can't be known going up.
    """
    size = size or app_settings.FEED_PAGE_SIZE
    if feed.sort in WINDOWED and feed.window != Window.ALL:
        rows = rows.filter(created_at__gte=timezone.now() - timedelta(days=DAYS[feed.window]))
    cap = app_settings.FEED_SUB_CAP if feed.mixed else 0
    order = ORDERS[feed.sort]
    shape = Shape.of(rows, order, plain)
    found = cursors.paginate(
        rows.values_list(*shape.added, shape.columns),
        order=order,
        cursor=cursor,
        size=size * 2 if cap else size,
        scope=feed.scope,
        value=shape.value,
    )
    if not cap:
        return replace(found, items=shape.threads(found.items))
    picked, last = spread(found.items, cap=cap, size=size, sub_of=shape.sub_of)
    threads = shape.threads(picked)
    if len(picked) == len(found.items):
        return replace(found, items=threads)
    end = cursors.sign(feed.scope, ["n", *(shape.value(last, bare(n)) for n in order)])
    more = last is not found.items[-1] or found.next
    return Page(threads, end if more else None, None)


def spread(
    rows: Sequence[Any], *, cap: int, size: int, sub_of: Callable[[Any], Any]
) -> tuple[list[Any], Any]:
    """The first `size` rows with at most `cap` of one sub, and the last row that was looked at.

    Where the rows run out first (few subs are active), the cap is dropped: better a one-sided
    page than an empty one.
    """
    seen: Counter[int] = Counter()
    picked: list[Any] = []
    for row in rows:
        sub = sub_of(row)
        if seen[sub] < cap:
            seen[sub] += 1
            picked.append(row)
            if len(picked) == size:
                return picked, row
    if len(picked) < len(rows):
        picked = list(rows[:size])
    return picked, (picked[-1] if picked else None)
