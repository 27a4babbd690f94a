"""What happens when a transaction that emitted events has been committed: a wake-up, no more."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from typing import Any

from ..app_settings import app_settings

logger = logging.getLogger("threadflow.jobs")


class _Inline(threading.local):
    """Ids that this thread still has to run; a handler's own events join the same list."""

    def __init__(self) -> None:
        self.waiting: list[Any] = []
        self.running = False


_inline = _Inline()


def wake(ids: Sequence[Any]) -> None:
    """Tell the driver that rows were committed. Called on commit, in the committing thread."""
    if app_settings.JOBS_DRIVER == "inline":
        _run_inline(ids)
    else:
        from . import embedded

        embedded.ring()


def _run_inline(ids: Sequence[Any]) -> None:
    _inline.waiting.extend(ids)
    if _inline.running:
        return
    from . import runner, store
    from .clock import database_clock
    from .outbox import using

    clock = database_clock(using())
    owner = runner.new_owner("inline")
    _inline.running = True
    try:
        while _inline.waiting:
            batch, _inline.waiting = _inline.waiting, []
            # Errors surface in the caller: this driver is for tests.
            runner.run_batch(store.claim(owner, clock(), ids=batch, limit=len(batch)), clock)
    finally:
        _inline.running = False
        _inline.waiting = []
