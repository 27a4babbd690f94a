"""The few threads in which socket code uses the database, so that the event loop never waits."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from django.db import connections

from ..connections import refresh_connections

T = TypeVar("T")

#: Threads, and with them database connections, per process.
WORKERS = 4

_pool: ThreadPoolExecutor | None = None
_lock = threading.Lock()


async def in_thread(function: Callable[..., T], *args: Any) -> T:
    """Run `function` in a thread that keeps its database connection from call to call."""
    global _pool
    with _lock:
        if _pool is None:
            _pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="threadflow-live")
    context = contextvars.copy_context()
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_pool, lambda: context.run(_guarded, function, *args))


def _guarded(function: Callable[..., T], *args: Any) -> T:
    refresh_connections()
    try:
        return function(*args)
    finally:
        refresh_connections()


def close() -> None:
    """End the threads and close their connections. They come back when needed."""
    global _pool
    with _lock:
        pool, _pool = _pool, None
    if pool is None:
        return
    everyone = threading.Barrier(WORKERS)

    def leave() -> None:
        connections.close_all()
        everyone.wait(5)  # holds this thread, so that each of the tasks gets one of its own

    for _ in range(WORKERS):
        pool.submit(leave)
    pool.shutdown(wait=True)
