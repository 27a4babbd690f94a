"""Handing due rows to Celery: only the row's id travels, the row stays the truth."""

from __future__ import annotations

import datetime as dt
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from django.db import connections
from django.db.models import Q

from ..app_settings import app_settings
from ..connections import refresh_connections
from . import embedded, listen, store
from .clock import Clock
from .failpoints import hit
from .leaders import TERM, Leadership
from .models import OutboxEvent
from .outbox import using
from .schedules import Ticker

logger = logging.getLogger("threadflow.jobs")

#: Seconds after which an id that no Celery worker took is handed over again: the broker may have
#: been emptied. A second delivery is harmless, since the task leases the row first.
HANDED = 300.0
BATCH = 200

#: Publishes one row's id to its queue; raises when the broker is away.
Send = Callable[[OutboxEvent], None]


def hand_over(now: dt.datetime, send: Send) -> int:
    """Publish the ids of due rows that are not on their way. Return how many."""
    free = Q(lease_until=None) | Q(lease_until__lt=now)
    due = store.rows().filter(free, state=store.State.PENDING, run_after__lte=now)
    sent: list[Any] = []
    try:
        for row in due.order_by("run_after", "id")[:BATCH]:
            send(row)
            sent.append(row.pk)
    finally:
        if sent:
            hit("relay.after_publish")
            until = now + dt.timedelta(seconds=HANDED)
            store.rows().filter(pk__in=sent, state=store.State.PENDING).update(lease_until=until)
    return len(sent)


class Relay:
    """The loop of the one process that hands over; also ticks and reclaims."""

    def __init__(
        self, *, leadership: Leadership, owner: str, clock: Clock, send: Send | None = None
    ) -> None:
        self.leadership = leadership
        self.owner = owner
        self.clock = clock
        self._send = send
        self.ticker = Ticker()
        self._rung = threading.Event()
        self._stop = threading.Event()

    def ring(self) -> None:
        self._rung.set()

    def stop(self) -> None:
        self._stop.set()
        self._rung.set()

    def run(self) -> None:
        """Hand over until `stop()` or until the leadership is lost."""
        listener = listen.Listener(self.ring)
        listener.start()
        lead_at = 0.0
        try:
            with embedded.running(self):
                while not self._stop.is_set():
                    if time.monotonic() >= lead_at:
                        lead_at = time.monotonic() + TERM / 3
                        if not self.leadership.hold():
                            break
                    self._rung.clear()
                    if not self._turn():
                        self._rung.wait(app_settings.JOBS_POLL_SECONDS)
        finally:
            listener.stop()
            self.leadership.resign()

    def _turn(self) -> bool:
        """Return whether there may be more to hand over at once."""
        try:
            now = self.clock()
            self.ticker.tick(now)
            store.reclaim(now)
            return hand_over(now, self._send or _celery_send()) == BATCH
        except Exception:
            # A broker that is away or hangs costs time here and nothing in requests; the rows
            # wait.
            logger.exception("The relay could not hand over; trying again")
            refresh_connections()
            if connections[using()].connection is None:
                self._stop.wait(1.0)
            return False


def _celery_send() -> Send:
    from .celery import send

    return send
