"""The database's clock: leases and due times are compared by it, never by a process's own."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from django.db import connections

Clock = Callable[[], dt.datetime]


def database_clock(alias: str = "default") -> Clock:
    """Return a function that asks the database for the time (aware, UTC)."""

    def now() -> dt.datetime:
        connection = connections[alias]
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute("SELECT clock_timestamp()")
                moment: dt.datetime = cursor.fetchone()[0]
                return moment.astimezone(dt.UTC)
            cursor.execute("SELECT strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now')", ())
            read = dt.datetime.fromisoformat(cursor.fetchone()[0]).replace(tzinfo=dt.UTC)
            # SQLite tells milliseconds and compares text. Within a round second's first one
            # "12:00:00", as Python writes it, would be before the "12:00:00.000" of a row that was
            # written just now; so it is the end of the millisecond.
            return read + dt.timedelta(microseconds=999)

    return now
