"""The two Celery tasks. Imported only by the celery driver; needs the `celery` extra."""

from __future__ import annotations

from celery import shared_task

from . import relay, runner, store
from .clock import database_clock
from .models import OutboxEvent
from .outbox import using
from .registry import handler_named
from .schedules import Ticker


@shared_task(name="threadflow.run", ignore_result=True, acks_late=True)  # type: ignore[untyped-decorator]
def run(event_id: str) -> None:
    """Lease the row and run it; does nothing if it is done, taken or not due."""
    clock = database_clock(using())
    row = store.rows().filter(pk=event_id).only("handler").first()
    if row is None:
        return
    entry = handler_named(row.handler)
    # A task has no heart, so the lease covers the timeout from the start.
    seconds = entry.timeout * 2 if entry else None
    owner = runner.new_owner("celery")
    for mine in store.claim(owner, clock(), ids=[event_id], limit=1, seconds=seconds):
        runner.run_row(mine, clock)


@shared_task(name="threadflow.tick", ignore_result=True)  # type: ignore[untyped-decorator]
def tick() -> None:
    """For Beat, every few seconds: schedules, lost leases, and what no relay handed over."""
    now = database_clock(using())()
    Ticker().tick(now)
    store.reclaim(now)
    relay.hand_over(now, send)


def send(row: OutboxEvent) -> None:
    """Publish the id of `row` to the Celery queue that has the name of its queue."""
    run.apply_async(args=[str(row.pk)], queue=row.queue, retry=False, expires=relay.HANDED)
