"""The engine: which object is behind, fetch it outside of any transaction, apply it in one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db import connection, transaction

from threadflow_core import jobs
from threadflow_core.jobs.failpoints import hit

from ... import clock
from ...exceptions import GatewayMissing
from ...gateway import Gateway, gateway
from ...machines import By
from ...models import ObjectSync, WebhookEvent
from ..locks import locked


@dataclass(frozen=True)
class Context:
    """What an apply function knows beside the object: why it is looked at, and since when."""

    fetched_at: dt.datetime
    #: Types of the events that wait for this object.
    types: frozenset[str] = field(default_factory=frozenset)
    cause: str = "sync"

    @property
    def by(self) -> By:
        return By.stripe(self.cause)


@dataclass(frozen=True)
class Topic:
    """How objects of one kind are fetched and applied. `apply` says what came of it."""

    fetch: Callable[[Gateway, str], Any]
    apply: Callable[[Any, Context], str]


topics: dict[str, Topic] = {}

DONE, ORPHANED, GONE, STALE = "done", "orphaned", "gone", "stale"


def mark(key: str) -> int:
    """Note that Stripe may know more of the object than we do, and have it looked at.

    In the caller's transaction, as its last write: it locks the object's row.
    """
    table = connection.ops.quote_name(ObjectSync._meta.db_table)
    now = connection.ops.adapt_datetimefield_value(clock.now())
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO {table} AS t (key, dirty_seq, done_seq, result, error, changed_at) "  # noqa: S608
                "VALUES (%s, 1, 0, '', '', %s) ON CONFLICT (key) DO UPDATE SET "
                "dirty_seq = t.dirty_seq + 1, changed_at = excluded.changed_at "
                "RETURNING dirty_seq",
                [key, now],
            )
            seq = int(cursor.fetchone()[0])
        jobs.emit("billing.object_heard", dedupe_key=f"{key}@{seq}", key=key)
    return seq


def look_at(*keys: str) -> None:
    """Have objects looked at, from inside of an apply function or a service.

    Only an outbox row is written: locking the other object's row here could end in a deadlock.
    """
    for key in dict.fromkeys(keys):
        if not key.endswith(":"):
            jobs.emit("billing.look_at", key=key)


def run(key: str, *, force: bool = False) -> str:
    """Bring what we have of one object up to date. Raises GatewayAway when Stripe can't tell.

    Many events about one object cost one fetch: who comes later finds it done.
    """
    row = ObjectSync.objects.filter(pk=key).first()
    if row is None or (row.done_seq >= row.dirty_seq and not force):
        return row.result if row is not None else ""
    seq = row.dirty_seq
    waiting = list(
        WebhookEvent.objects.filter(object_key=key, state=WebhookEvent.State.RECEIVED).values_list(
            "pk", "type", "event_id"
        )
    )
    kind, _colon, pk = key.partition(":")
    topic = topics[kind]
    started = clock.now()
    try:
        remote = topic.fetch(gateway(), pk)
    except GatewayMissing:
        remote = None
    hit("billing.after_fetch")
    context = Context(
        fetched_at=started,
        types=frozenset(entry[1] for entry in waiting),
        cause=waiting[-1][2] if waiting else "sync",
    )
    with transaction.atomic():
        return _apply(key, seq, topic, remote, context, [entry[0] for entry in waiting])


def _apply(
    key: str, seq: int, topic: Topic, remote: Any, context: Context, events: Iterable[Any]
) -> str:
    row = locked(ObjectSync.objects.filter(pk=key)).get()
    if row.fetched_at is not None and row.fetched_at > context.fetched_at:
        return STALE  # somebody applied a newer picture while we fetched this one
    result = GONE if remote is None else topic.apply(remote, context)
    row.done_seq = max(row.done_seq, seq)
    row.fetched_at = context.fetched_at
    row.result, row.error = result[:40], ""
    row.save(update_fields=["done_seq", "fetched_at", "result", "error"])
    state = WebhookEvent.State.ORPHANED if result == ORPHANED else WebhookEvent.State.DONE
    WebhookEvent.objects.filter(pk__in=list(events)).update(
        state=state, processed_at=clock.now(), note=result
    )
    return result
