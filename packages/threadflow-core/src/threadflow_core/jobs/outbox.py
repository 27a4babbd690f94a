"""Writing to the outbox, inside the transaction that decides."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import router, transaction

from . import carry, drivers
from .registry import JobEvent, handlers_of


def using() -> str:
    """Alias of the database that holds the outbox."""
    from .models import OutboxEvent

    return router.db_for_write(OutboxEvent)


def emit(
    name: str,
    /,
    *,
    dedupe_key: str | None = None,
    run_after: dt.datetime | None = None,
    **payload: Any,
) -> None:
    """Write the event into the outbox, one row per handler, in the caller's transaction.

    The payload is for ids, never for what people wrote. An event that nobody handles costs
    nothing. With `dedupe_key` a handler gets the event once per key for as long as its row is
    kept (`JOBS_KEEP_DONE_DAYS` after it is done): put a version into the key of what may
    happen again. `run_after` delays it.
    """
    wanted = handlers_of(name)
    if not wanted:
        return
    from .models import OutboxEvent

    headers = carry.pack()
    given: dict[str, Any] = {} if run_after is None else {"run_after": run_after}
    rows = [
        OutboxEvent(
            name=name,
            handler=entry.name,
            queue=entry.queue,
            payload=payload,
            headers=headers,
            max_attempts=entry.max_attempts,
            dedupe_key=dedupe_key,
            **given,
        )
        for entry in wanted
    ]
    alias = using()
    with transaction.atomic(using=alias, savepoint=False):
        OutboxEvent.objects.using(alias).bulk_create(rows, ignore_conflicts=dedupe_key is not None)
        ids = [row.pk for row in rows]
        transaction.on_commit(lambda: drivers.wake(ids), using=alias)


def once(event: JobEvent, key: str = "") -> bool:
    """Claim one effect of the event: True the first time, False when it has happened.

    Must be called in the transaction that makes the effect: both are kept or neither.
    """
    from .models import Effect

    connection = transaction.get_connection(using())
    if not connection.in_atomic_block:
        raise RuntimeError("jobs.once() belongs in the transaction that makes the effect.")
    quote = connection.ops.quote_name
    columns = ", ".join(quote(column) for column in ("handler", "event_id", "key"))
    event_id = Effect._meta.get_field("event_id").get_db_prep_value(event.id, connection)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {quote(Effect._meta.db_table)} ({columns}) VALUES (%s, %s, %s) "  # noqa: S608
            "ON CONFLICT DO NOTHING",
            [event.handler, event_id, key],
        )
        return bool(cursor.rowcount == 1)
