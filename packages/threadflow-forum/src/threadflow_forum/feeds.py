"""Which threads a list shows, and in which order. Every order ends in the id; no OFFSET."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from threadflow_core import cursors, people
from threadflow_core.cursors import Page

from .app_settings import app_settings
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
#: What no list shows; texts and JSON are the dearest part of a row.
UNUSED = (
    *("body", "body_html", "metadata", "nonce"),
    *(f"sub__{name}" for name in ("sidebar", "sidebar_html", "rules", "metadata", "description")),
)
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
    rows = get_thread_model().objects.listed().filter(sub_id__in=followed)
    return _for_reader(rows, person)


def sub_threads(sub: Any, person: Any) -> QuerySet[Any]:
    """Threads of a sub whose visibility has been checked."""
    return _for_reader(get_thread_model().objects.listed().filter(sub=sub), person)


def _for_reader(rows: QuerySet[Any], person: Any) -> QuerySet[Any]:
    rows = rows.select_related("sub").defer(*UNUSED)
    if not person.is_authenticated:
        return rows
    rows = rows.with_marks_of(person).filter(mine__hidden_at=None)  # type: ignore[attr-defined]
    blocked = people.blocked_ids(person)
    return rows.exclude(author_id__in=blocked) if blocked else rows


def read(rows: QuerySet[Any], feed: Feed, cursor: str | None, size: int | None = None) -> Page[Any]:
    """One page of `rows`. In mixed feeds no sub takes more than its cap; the rest is left out.

    A capped page has no `previous`: what was left out going down can't be known going up.
    """
    size = size or app_settings.FEED_PAGE_SIZE
    if feed.sort in WINDOWED and feed.window != Window.ALL:
        rows = rows.filter(created_at__gte=timezone.now() - timedelta(days=DAYS[feed.window]))
    cap = app_settings.FEED_SUB_CAP if feed.mixed else 0
    order = ORDERS[feed.sort]
    if not cap:
        return cursors.paginate(rows, order=order, cursor=cursor, size=size, scope=feed.scope)
    wide = cursors.paginate(rows, order=order, cursor=cursor, size=size * 2, scope=feed.scope)
    picked, last = spread(wide.items, cap=cap, size=size)
    if len(picked) == len(wide.items):
        return wide
    end = cursors.sign(feed.scope, ["n", *(getattr(last, n.lstrip("-")) for n in order)])
    more = last is not wide.items[-1] or wide.next
    return Page(picked, end if more else None, None)


def spread(rows: Sequence[Any], *, cap: int, size: int) -> tuple[list[Any], Any]:
    """The first `size` rows with at most `cap` of one sub, and the last row that was looked at.

    Where the rows run out first (few subs are active), the cap is dropped: better a one-sided
    page than an empty one.
    """
    seen: Counter[int] = Counter()
    picked: list[Any] = []
    for row in rows:
        if seen[row.sub_id] < cap:
            seen[row.sub_id] += 1
            picked.append(row)
            if len(picked) == size:
                return picked, row
    if len(picked) < len(rows):
        picked = list(rows[:size])
    return picked, (picked[-1] if picked else None)
