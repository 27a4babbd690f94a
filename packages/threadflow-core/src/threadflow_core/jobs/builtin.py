"""The ground floor's own jobs."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db.models import Q, QuerySet

from ..app_settings import app_settings
from .clock import database_clock
from .outbox import using
from .registry import JobEvent, schedule

#: Rows deleted in one transaction, so that pruning never holds locks for long.
SLICE = 1000


@schedule("core.prune_jobs", every=dt.timedelta(hours=1), queue="bulk", atomic=False)
def prune_jobs(event: JobEvent) -> None:
    prune(database_clock(using())())


def prune(now: dt.datetime) -> int:
    """Delete outbox rows and effect marks that have outlived their use. Return how many."""
    from .models import Effect, Leader, OutboxEvent
    from .schedules import current_keys

    done = now - dt.timedelta(days=app_settings.JOBS_KEEP_DONE_DAYS)
    dead = now - dt.timedelta(days=app_settings.JOBS_KEEP_DEAD_DAYS)
    old = Q(state="done", done_at__lt=done) | Q(state="dead", done_at__lt=dead)
    events = OutboxEvent.objects.using(using()).filter(old)
    count = delete_in_slices(events.exclude(dedupe_key__in=current_keys(now)))
    # A mark must outlive every row that might still be run again, the dead ones included.
    count += delete_in_slices(Effect.objects.using(using()).filter(at__lt=dead))
    Leader.objects.using(using()).filter(until__lt=done).delete()
    return count


def delete_in_slices(queryset: QuerySet[Any]) -> int:
    """Delete what `queryset` finds, a slice per transaction. Return how many rows."""
    model, alias, total = queryset.model, queryset.db, 0
    while ids := list(queryset.values_list("pk", flat=True)[:SLICE]):
        model.objects.using(alias).filter(pk__in=ids).delete()
        total += len(ids)
    return total
