"""The limiter's count in the database: one upsert, the same on PostgreSQL and SQLite."""

from __future__ import annotations

from typing import Any

from . import limits
from .limits import Count

_NOW = {
    "postgresql": "extract(epoch from clock_timestamp())::double precision",
    "sqlite": "((julianday('now') - 2440587.5) * 86400.0)",
}

# `excluded.started` is this try's own time, so the clock is read once per statement.
_UPSERT = """
INSERT INTO {table} AS t (key, started, count, previous, expires)
SELECT %(key)s, n.now, {first}, 0, n.now + 2 * {period} FROM (SELECT {now} AS now) AS n WHERE true
ON CONFLICT (key) DO UPDATE SET
  previous = CASE WHEN excluded.started - t.started < {period} THEN t.previous
                  WHEN excluded.started - t.started < 2 * {period} THEN t.count ELSE 0 END,
  count = CASE WHEN excluded.started - t.started >= {period} THEN {first}
               WHEN t.count + {cost} > {cap} THEN {cap} ELSE t.count + {cost} END,
  started = CASE WHEN excluded.started - t.started < {period} THEN t.started
                 WHEN excluded.started - t.started < 2 * {period} THEN t.started + {period}
                 ELSE excluded.started END,
  expires = excluded.expires
RETURNING count, previous, expires - 2 * {period} - started
"""


def count(connection: Any, key: str, cost: int, period: int, cap: int) -> Count:
    """Add `cost` to the key's window and return it, atomically, in one statement."""
    from .records import RateCount

    table = connection.ops.quote_name(RateCount._meta.db_table)
    now = _NOW[connection.vendor] if limits.clock is None else repr(float(limits.clock()))
    sql = _UPSERT.format(
        table=table, now=now, cost=int(cost), period=int(period), cap=int(cap), first=min(cost, cap)
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, {"key": key})
        current, previous, age = cursor.fetchone()
    return Count(int(current), int(previous), max(0.0, float(age)))


def forget(connection: Any, key: str) -> None:
    from .records import RateCount

    RateCount.objects.using(connection.alias).filter(key=key).delete()


def prune(connection: Any) -> int:
    """Delete counts that no longer matter; returns how many."""
    from .records import RateCount

    table = connection.ops.quote_name(RateCount._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {table} WHERE expires < {_NOW[connection.vendor]}")  # noqa: S608
        return int(cursor.rowcount)
