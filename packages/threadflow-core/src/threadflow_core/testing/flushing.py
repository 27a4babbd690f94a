"""Empties the test database after a transactional test by what the test wrote, not by table.

PostgreSQL gives each truncated table new files, a hundred of them a test, and waits for the disk.
Most tests wrote into ten tables; deleting those rows takes milliseconds. Load it as a plugin:
`pytest -p threadflow_core.testing.flushing`; other databases are left as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

#: A table with more rows is truncated after all, and everything with it.
MANY = 5_000
#: Tables with a trigger of ours on DELETE: what is written there may refuse to go row by row.
GUARDED = """
    SELECT relname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
    WHERE NOT tgisinternal AND tgtype & 8 <> 0
"""


def pytest_configure() -> None:
    from django.conf import settings

    if settings.DATABASES["default"]["ENGINE"].endswith("postgresql"):
        install()


def install() -> None:
    """Let Django's `flush` delete rows on PostgreSQL."""
    from django.db import models  # noqa: F401 - the backend cannot be imported before it
    from django.db.backends.postgresql.operations import DatabaseOperations

    truncate = DatabaseOperations.sql_flush

    def sql_flush(
        self: Any, style: Any, tables: list[str], *, reset_sequences: bool = False, **more: Any
    ) -> list[str]:
        rows = {} if reset_sequences else _rows(self, tables)
        if reset_sequences or max(rows.values(), default=0) > MANY or _guarded(self, rows):
            return truncate(self, style, tables, reset_sequences=reset_sequences, **more)
        # Foreign keys of Django are checked at the commit, so the order does not matter.
        written = (self.quote_name(name) for name in tables if rows[name])
        return [f"DELETE FROM {name}" for name in written]  # noqa: S608 - Django's own names

    DatabaseOperations.sql_flush = sql_flush  # type: ignore[method-assign,assignment]


def _rows(operations: Any, names: list[str]) -> dict[str, int]:
    """How many rows each table has, counted to a little more than `MANY`."""
    if not names:
        return {}
    quote: Callable[[str], Any] = operations.quote_name
    counts = [
        f"SELECT {n}, count(*) FROM (SELECT 1 FROM {quote(name)} LIMIT {MANY + 1}) AS t"  # noqa: S608
        for n, name in enumerate(names)
    ]
    with operations.connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(counts))
        return {names[n]: count for n, count in cursor.fetchall()}


def _guarded(operations: Any, rows: dict[str, int]) -> bool:
    with operations.connection.cursor() as cursor:
        cursor.execute(GUARDED)
        return any(rows.get(name) for (name,) in cursor.fetchall())
