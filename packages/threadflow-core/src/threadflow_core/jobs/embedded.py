"""The thread of a site's process: runs the jobs if it is the leader, else wakes who does."""

from __future__ import annotations

import atexit
import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from django.db import connections

from ..app_settings import app_settings

logger = logging.getLogger("threadflow.jobs")

#: Seconds between tries to become leader.
CANDIDATURE = 5.0
#: Seconds that the end of the process waits for running jobs.
PATIENCE = 8.0

_lock = threading.Lock()
_companion: Companion | None = None
#: Loops that run in this process and can be woken directly.
_loops: set[Loop] = set()


class Loop(Protocol):
    def ring(self) -> None: ...

    def stop(self) -> None: ...

    def run(self) -> None: ...


class Companion:
    """Lives beside the requests of one process, so that none of them waits for a wake-up."""

    def __init__(self) -> None:
        self._rung = threading.Event()
        self._stop = False
        self._loop: Loop | None = None
        self.thread = threading.Thread(target=self._live, name="threadflow-jobs", daemon=True)

    def ring(self) -> None:
        self._rung.set()

    def stop(self) -> None:
        self._stop = True
        if (loop := self._loop) is not None:
            loop.stop()
        self._rung.set()

    def _live(self) -> None:
        while not self._stop:
            try:
                self._turn()
            except Exception:
                logger.exception("Jobs pause: the database cannot be reached")
                connections.close_all()
                self._rung.wait(CANDIDATURE)
        connections.close_all()

    def _turn(self) -> None:
        from . import listen

        driver = app_settings.JOBS_DRIVER
        if driver == "thread":
            self._try_to_lead("thread")
        elif driver == "celery":
            self._try_to_lead("relay")
        if self._rung.wait(CANDIDATURE) and not self._stop:
            self._rung.clear()
            if listen.can_notify():
                listen.notify()

    def _try_to_lead(self, role: str) -> None:
        from . import relay, runner
        from .clock import database_clock
        from .leaders import Leadership
        from .outbox import using
        from .worker import Worker

        clock = database_clock(using())
        owner = runner.new_owner(role)
        leadership = Leadership(role, owner, clock)
        if self._stop or not leadership.hold():
            return
        logger.info("This process (%s) is the leader for jobs", owner)
        kind = Worker if role == "thread" else relay.Relay
        self._loop = kind(leadership=leadership, owner=owner, clock=clock)
        try:
            if not self._stop:
                self._loop.run()
        finally:
            self._loop = None


def start() -> None:
    """Start the thread of this process unless it runs. Called by the first request or socket."""
    global _companion
    if _companion is not None or app_settings.JOBS_DRIVER == "inline" or _under_test():
        return
    with _lock:
        if _companion is None:
            _companion = Companion()
            _companion.thread.start()
            atexit.register(stop)


def stop() -> None:
    """End the thread; running jobs are finished for as long as `PATIENCE` allows."""
    global _companion
    with _lock:
        companion, _companion = _companion, None
    if companion is not None:
        companion.stop()
        companion.thread.join(PATIENCE)


def ring() -> None:
    """A transaction with events was committed in this process."""
    loops = list(_loops)
    for loop in loops:
        loop.ring()
    if not loops and (companion := _companion) is not None:
        companion.ring()


@contextmanager
def running(loop: Loop) -> Iterator[None]:
    """While the body runs, commits in this process wake `loop` at once."""
    _loops.add(loop)
    try:
        yield
    finally:
        _loops.discard(loop)


def start_on_request(**kwargs: Any) -> None:
    """Receiver of `request_started`: servers fork before it, commands never send it."""
    start()


def _under_test() -> bool:
    # Django's test environment swaps the database under a running thread; it marks itself by
    # the mail outbox.
    from django.core import mail

    return hasattr(mail, "outbox")


def _after_fork() -> None:
    global _companion, _lock
    _companion, _lock = None, threading.Lock()  # threads do not survive a fork
    _loops.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
