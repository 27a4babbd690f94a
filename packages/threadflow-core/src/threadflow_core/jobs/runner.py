"""Running one leased row: the handler and the mark that it is done, in one transaction."""

from __future__ import annotations

import datetime as dt
import logging
import os
import secrets
import socket
import traceback
from typing import TYPE_CHECKING

from django.db import transaction

from . import carry
from .clock import Clock, database_clock
from .failpoints import hit
from .outbox import using
from .registry import GiveUp, Handler, JobEvent, Retry, handler_named

if TYPE_CHECKING:
    from .models import OutboxEvent

logger = logging.getLogger("threadflow.jobs")


def new_owner(kind: str) -> str:
    """A name for a holder of leases that tells people where to look and never repeats."""
    return f"{kind}:{socket.gethostname()[:40]}:{os.getpid()}:{secrets.token_hex(3)}"


def run_row(row: OutboxEvent, clock: Clock, *, raise_errors: bool = False) -> bool:
    """Run a leased row and record how it went. Return whether it is done.

    An exception of the handler is recorded and, unless `raise_errors`, goes no further.
    """
    from . import store

    entry = handler_named(row.handler)
    try:
        if entry is None:
            raise Retry(reason=f"No handler is called {row.handler!r} in this process.")
        _run(entry, row)
    except store.LostLease:
        logger.warning("Job %s (%s) was taken over while it ran", row.pk, row.handler)
        return False
    except Exception as error:
        after = error.after if isinstance(error, Retry) else None
        final = isinstance(error, GiveUp)
        store.fail(row, clock(), describe(error), after=after, final=final)
        _report(row, error)
        if raise_errors and not isinstance(error, Retry | GiveUp):
            raise
        return False
    hit("jobs.after_commit")
    return True


def _run(entry: Handler, row: OutboxEvent) -> None:
    from . import store

    event = JobEvent(
        id=row.pk,
        name=row.name,
        handler=row.handler,
        payload=row.payload,
        attempt=row.attempts,
        created_at=row.created_at,
        headers=row.headers,
    )
    with carry.unpacked(row.headers):
        if entry.atomic:
            with transaction.atomic(using=using()):
                entry.run(event)
                hit("jobs.after_handler")
                store.finish(row)  # fails, and undoes all, if the lease was lost meanwhile
        else:
            entry.run(event)
            hit("jobs.after_handler")
            store.finish(row)


def describe(error: BaseException) -> str:
    """The error for the admin page: kind, text cut short, and where; no values of variables."""
    frames = traceback.extract_tb(error.__traceback__)[-3:]
    where = " < ".join(f"{frame.name}:{frame.lineno}" for frame in reversed(frames))
    return f"{type(error).__name__}: {str(error)[:500]}\n{where}"


def _report(row: OutboxEvent, error: Exception) -> None:
    if isinstance(error, Retry):
        logger.info("Job %s (%s) asked to be tried again: %s", row.pk, row.handler, error)
    elif isinstance(error, GiveUp) or row.attempts >= row.max_attempts:
        logger.error("Job %s (%s) is given up", row.pk, row.handler, exc_info=error)
    else:
        logger.warning(
            "Job %s (%s) failed at try %s", row.pk, row.handler, row.attempts, exc_info=error
        )


def drain(
    *,
    now: dt.datetime | None = None,
    queues: tuple[str, ...] | None = None,
    raise_errors: bool = True,
    limit: int = 10_000,
) -> int:
    """Run everything that is due, in this thread, also what that emits. Return how many ran.

    For tests and scripts. `now` stands in for the clock, so that delayed work can be reached.
    """
    from . import store

    clock: Clock = database_clock(using()) if now is None else lambda: now
    owner = new_owner("drain")
    ran = 0
    while ran < limit and (batch := store.claim(owner, clock(), queues=queues)):
        run_batch(batch, clock, raise_errors=raise_errors)
        ran += len(batch)
    return ran


def run_batch(batch: list[OutboxEvent], clock: Clock, *, raise_errors: bool = True) -> None:
    """Run leased rows one after the other. After an error that is raised, the rest is released."""
    from . import store

    for index, row in enumerate(batch):
        try:
            run_row(row, clock, raise_errors=raise_errors)
        except Exception:
            store.release(batch[index + 1 :])
            raise
