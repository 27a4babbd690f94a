"""The loop that runs due rows: lanes that lease and run, and a heart that keeps their leases."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

from django.db import connections

from ..app_settings import app_settings
from ..connections import refresh_connections
from . import embedded, listen, runner, store
from .clock import Clock, database_clock
from .failpoints import hit
from .leaders import TERM, Leadership
from .models import OutboxEvent
from .outbox import using
from .registry import handler_named
from .schedules import Ticker

logger = logging.getLogger("threadflow.jobs")

#: Seconds after which a lane gives back what it has not begun and leases anew, so that rows of a
#: better queue, or another worker, need not wait for the end of a slow batch.
SLICE = 1.0
#: Longest pause after the database failed, in seconds.
LONGEST_PAUSE = 10.0


class Lane:
    """One thread that runs the rows of some queues, one at a time."""

    def __init__(self, queues: Sequence[str], owner: str, clock: Clock) -> None:
        self.queues = tuple(queues)
        self.owner = owner
        self.clock = clock
        self.bell = threading.Event()
        self.stopping = False
        self.idle = False
        self._busy = False
        self._lock = threading.Lock()
        self._current: OutboxEvent | None = None
        self._overdue_at = 0.0
        self._waiting: deque[OutboxEvent] = deque()
        self.thread = threading.Thread(
            target=self._loop, name=f"threadflow-{'-'.join(queues)}", daemon=True
        )

    def stop(self) -> None:
        self.stopping = True
        self.bell.set()

    def held(self) -> list[OutboxEvent]:
        """Rows whose leases this lane needs; empty once the running one exceeds its timeout."""
        with self._lock:
            if self._current is None or self.overdue():
                return []
            return [self._current, *self._waiting]

    def overdue(self) -> bool:
        return self._current is not None and time.monotonic() > self._overdue_at

    def abandon(self) -> list[OutboxEvent]:
        """Give the lane up while its row hangs; returns the rows that it had not begun."""
        with self._lock:
            self.stop()
            rest = list(self._waiting)
            self._waiting.clear()
            return rest

    def _loop(self) -> None:
        pause = 0.0
        while not self.stopping:
            self.bell.clear()
            try:
                worked = self.run_batch()
                pause = 0.0
            except Exception:
                logger.exception("The outbox cannot be reached; trying again")
                worked, pause = False, min(LONGEST_PAUSE, pause * 2 + 0.5)
                self._forget()
            refresh_connections()
            if not worked:
                self.idle = True
                # The heart rings when something is due; the timeout only guards against its end.
                self.bell.wait(pause or app_settings.JOBS_POLL_SECONDS * 10)
                self.idle = False
        connections.close_all()

    def run_batch(self) -> bool:
        """Lease and run up to a batch. Return whether there was anything."""
        now = self.clock()
        if not self._busy and not store.is_due(self.queues, now):
            return False  # without having asked for a lock
        batch = store.claim(self.owner, now, queues=self.queues)
        self._busy = bool(batch)
        hit("jobs.after_lease")
        until = time.monotonic() + SLICE
        with self._lock:
            self._waiting.extend(batch)
        while (row := self._next(until)) is not None:
            runner.run_row(row, self.clock)
        return self._busy

    def _forget(self) -> None:
        """After an error: the leases cannot be trusted any more; they run out by themselves."""
        with self._lock:
            self._current = None
            self._waiting.clear()

    def _next(self, until: float) -> OutboxEvent | None:
        rest: list[OutboxEvent] = []
        with self._lock:
            first = self._current is None
            self._current = None
            if self._waiting and (self.stopping or (not first and time.monotonic() > until)):
                rest = list(self._waiting)
                self._waiting.clear()
            elif self._waiting:
                self._current = self._waiting.popleft()
                entry = handler_named(self._current.handler)
                timeout = entry.timeout if entry else app_settings.JOBS_LEASE_SECONDS
                self._overdue_at = time.monotonic() + timeout
        store.release(rest)
        return self._current


class Worker:
    """Lanes, their heart and the tick of the schedule, until `stop()`."""

    def __init__(
        self,
        *,
        leadership: Leadership | None = None,
        lanes: Sequence[Sequence[str]] | None = None,
        owner: str = "",
        clock: Clock | None = None,
    ) -> None:
        self.owner = owner or runner.new_owner("worker")
        self.clock = clock or database_clock(using())
        self.leadership = leadership or Leadership(self.owner, self.owner, self.clock)
        self.ticker = Ticker()
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._lanes = [self._lane(queues) for queues in lanes or app_settings.JOBS_LANES]

    def _lane(self, queues: Sequence[str]) -> Lane:
        return Lane(queues, self.owner, self.clock)

    def ring(self) -> None:
        """Look for work now. From any thread."""
        for lane in self._lanes:
            lane.bell.set()

    def stop(self) -> None:
        """Finish the running rows, return the others, and let `run` end. Safe in a signal."""
        self._stop.set()
        self._wake.set()

    def run(self) -> None:
        """Work until `stop()` or until the leadership is lost."""
        listener = listen.Listener(self.ring)
        for lane in self._lanes:
            lane.thread.start()
        listener.start()
        try:
            with embedded.running(self):
                self._beat()
        finally:
            listener.stop()
            for lane in self._lanes:
                lane.stop()
            self._wind_down()

    def _wind_down(self) -> None:
        """Wait for the running rows and keep their leases meanwhile."""
        heartbeat = app_settings.JOBS_LEASE_SECONDS / 3
        while any(lane.thread.is_alive() and not lane.overdue() for lane in self._lanes):
            until = time.monotonic() + heartbeat
            for lane in self._lanes:
                while lane.thread.is_alive() and not lane.overdue() and time.monotonic() < until:
                    lane.thread.join(0.1)
            self._guarded(self._keep_leases)
        self._guarded(self.leadership.resign)

    def _beat(self) -> None:
        every: list[tuple[float, Callable[[], object]]] = [
            (TERM / 3, self._lead),
            (app_settings.JOBS_LEASE_SECONDS / 3, self._keep_leases),
            (app_settings.JOBS_POLL_SECONDS, self._look),
        ]
        next_at = [0.0] * len(every)
        while not self._stop.is_set():
            for index, (seconds, action) in enumerate(every):
                if time.monotonic() >= next_at[index]:
                    next_at[index] = time.monotonic() + seconds
                    self._guarded(action)
            refresh_connections()
            self._wake.wait(max(0.0, min(next_at) - time.monotonic()))

    def _guarded(self, action: Callable[[], object]) -> None:
        try:
            action()
        except Exception:
            # The database may be away for a while. Leases then run out and the fence decides.
            logger.exception("The heart of the worker missed a beat")
            connections.close_all()

    def _lead(self) -> None:
        if not self.leadership.hold():
            logger.warning("Another process runs the jobs now")
            self.stop()

    def _keep_leases(self) -> None:
        for index, lane in enumerate(self._lanes):
            if lane.overdue() and not lane.stopping:
                logger.error("A job in lane %s exceeds its timeout", "-".join(lane.queues))
                store.release(lane.abandon())
                self._lanes[index] = self._lane(lane.queues)
                self._lanes[index].thread.start()
            elif held := lane.held():
                store.extend(held, self.clock())

    def _look(self) -> None:
        now = self.clock()
        self.ticker.tick(now)
        store.reclaim(now)
        for lane in self._lanes:
            if lane.idle and store.is_due(lane.queues, now):
                lane.bell.set()
