"""State changes of outbox rows. Each is a compare-and-set on the fence, so a late holder loses."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now

from ..app_settings import app_settings
from .models import OutboxEvent
from .outbox import using

State = OutboxEvent.State

#: First pause of the backoff and its ceiling, in seconds.
FIRST_PAUSE, LONGEST_PAUSE = 5.0, 3600.0


class LostLease(Exception):
    """Somebody else holds the row now; whatever was done for it must not count."""


def rows() -> QuerySet[OutboxEvent]:
    return OutboxEvent.objects.using(using())


def lease_end(now: dt.datetime, seconds: float | None = None) -> dt.datetime:
    return now + dt.timedelta(seconds=seconds or app_settings.JOBS_LEASE_SECONDS)


def claim(
    owner: str,
    now: dt.datetime,
    *,
    queues: Sequence[str] | None = None,
    ids: Iterable[Any] | None = None,
    limit: int | None = None,
    seconds: float | None = None,
) -> list[OutboxEvent]:
    """Lease due rows for `seconds` (None: the setting), the first queue
    first and the oldest first, and return them.

    Two claimers never get one row: PostgreSQL skips rows that another holds, SQLite has one
    writer at a time.
    """
    room = limit or app_settings.JOBS_BATCH
    due = rows().filter(state=State.PENDING, run_after__lte=now).order_by("run_after", "id")
    if ids is not None:
        due = due.filter(pk__in=list(ids))
    taken: list[OutboxEvent] = []
    with transaction.atomic(using=using()):
        for part in [due] if queues is None else [due.filter(queue=queue) for queue in queues]:
            taken += part.select_for_update(skip_locked=True)[: room - len(taken)]
            if len(taken) >= room:
                break
        if not taken:
            return []
        until = lease_end(now, seconds)
        rows().filter(pk__in=[row.pk for row in taken]).update(
            state=State.LEASED,
            lease_owner=owner,
            lease_until=until,
            fence=F("fence") + 1,
            attempts=F("attempts") + 1,
        )
    for row in taken:
        row.state, row.lease_owner, row.lease_until = State.LEASED, owner, until
        row.fence += 1
        row.attempts += 1
    return taken


def _held(row: OutboxEvent) -> QuerySet[OutboxEvent]:
    return rows().filter(pk=row.pk, fence=row.fence, state=State.LEASED)


def finish(row: OutboxEvent) -> None:
    """Mark a leased row done. Raises LostLease."""
    if not _held(row).update(state=State.DONE, done_at=Now(), lease_until=None, last_error=""):
        raise LostLease(str(row.pk))


def fail(
    row: OutboxEvent, now: dt.datetime, error: str, *, after: float | None, final: bool
) -> None:
    """Put a leased row back for another try, or among the dead when tries are used up."""
    if final or row.attempts >= row.max_attempts:
        change: dict[str, Any] = {"state": State.DEAD, "done_at": now}
    else:
        pause = backoff(row.attempts) if after is None else after
        change = {"state": State.PENDING, "run_after": now + dt.timedelta(seconds=pause)}
    _held(row).update(lease_until=None, lease_owner="", last_error=error, **change)


def release(held: Iterable[OutboxEvent]) -> None:
    """Return leased rows that were not begun; the try is not counted."""
    for mine in _by_fence(held):
        mine.update(
            state=State.PENDING,
            lease_until=None,
            lease_owner="",
            attempts=F("attempts") - 1,
            fence=F("fence") + 1,
        )


def extend(held: Iterable[OutboxEvent], now: dt.datetime) -> None:
    """Renew the leases of rows that this process still works on."""
    for mine in _by_fence(held):
        mine.update(lease_until=lease_end(now))


def _by_fence(held: Iterable[OutboxEvent]) -> Iterator[QuerySet[OutboxEvent]]:
    ids: dict[int, list[Any]] = {}
    for row in held:
        ids.setdefault(row.fence, []).append(row.pk)
    for fence, pks in ids.items():
        yield rows().filter(pk__in=pks, fence=fence, state=State.LEASED)


def is_due(queues: Sequence[str], now: dt.datetime) -> bool:
    """Whether a row of `queues` waits to be leased. Takes no lock."""
    due = rows().filter(state=State.PENDING, run_after__lte=now)
    # One by one: over several queues at once PostgreSQL may choose to read the whole table.
    return any(due.filter(queue=queue).exists() for queue in queues)


def reclaim(now: dt.datetime) -> int:
    """Free rows whose holder died or hangs; those without tries left are dead. Return how many."""
    lost = rows().filter(state=State.LEASED, lease_until__lt=now)
    if not lost.exists():  # looking takes no lock, and there is rarely something
        return 0
    spent = Q(attempts__gte=F("max_attempts"))
    gone = lost.filter(spent).update(
        state=State.DEAD,
        done_at=now,
        lease_until=None,
        fence=F("fence") + 1,
        last_error="The process that ran it vanished, or it took longer than its timeout.",
    )
    freed = lost.exclude(spent).update(
        state=State.PENDING,
        lease_until=None,
        lease_owner="",
        fence=F("fence") + 1,
    )
    return gone + freed


def revive(dead: QuerySet[OutboxEvent]) -> int:
    """Give dead rows all their tries again, from now. Return how many."""
    return dead.filter(state=State.DEAD).update(
        state=State.PENDING, attempts=0, run_after=Now(), done_at=None, fence=F("fence") + 1
    )


def backoff(attempt: int, rng: Callable[[], float] = random.random) -> float:
    """Seconds to wait after failed try `attempt` (from 1): doubling, half of it by chance.

    The chance keeps rows that failed together from coming back together.
    """
    pause: float = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(attempt - 1, 20))
    return pause * (0.5 + rng() / 2)
