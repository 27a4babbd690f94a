"""Wake-ups between processes by PostgreSQL's LISTEN and NOTIFY. Without it workers poll.

A pooler in transaction mode cannot LISTEN; wake-ups are then lost and the poll finds the work.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from django.db import connections

from .outbox import using

logger = logging.getLogger("threadflow.jobs")

CHANNEL = "threadflow_jobs"
#: Seconds between looks at whether to stop, and after an error.
LOOK, PAUSE = 0.5, 5.0


def can_notify() -> bool:
    """Whether the outbox lies in PostgreSQL behind psycopg 3."""
    if connections[using()].vendor != "postgresql":
        return False
    from django.db.backends.postgresql.psycopg_any import is_psycopg3

    return bool(is_psycopg3)


def notify() -> None:
    """Wake the workers of other processes. Needs a connection outside of a transaction."""
    with connections[using()].cursor() as cursor:
        cursor.execute(f"NOTIFY {CHANNEL}")


class Listener:
    """A thread that calls `ring` for each notification; does nothing on other databases."""

    def __init__(self, ring: Callable[[], None]) -> None:
        self._ring = ring
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="threadflow-listen", daemon=True)

    def start(self) -> None:
        if can_notify():
            self._thread.start()

    def stop(self) -> None:
        self._stop.set()

    def _loop(self) -> None:
        while not self._stop.is_set():
            try:
                self._listen()
            except Exception:
                logger.warning("Wake-ups are lost, polling goes on", exc_info=True)
                self._stop.wait(PAUSE)
            finally:
                connections.close_all()

    def _listen(self) -> None:
        wrapper = connections[using()]
        with wrapper.cursor() as cursor:
            cursor.execute(f"LISTEN {CHANNEL}")
        self._ring()  # for what was committed before we listened
        while not self._stop.is_set():
            for _notification in wrapper.connection.notifies(timeout=LOOK, stop_after=1):
                self._ring()
