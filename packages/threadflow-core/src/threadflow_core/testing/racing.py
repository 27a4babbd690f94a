"""Many at once: what one test process can do to make races happen."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeVar

from django.db import connections

T = TypeVar("T")


def race(fn: Callable[[int], T], n: int, *, timeout: float = 60) -> list[T]:
    """Call `fn(0)` … `fn(n - 1)` in `n` threads that start together; return the results in order.

    Each thread has its own database connections, closed afterwards. The first exception is
    raised when all are done. Needs real commits: `@pytest.mark.django_db(transaction=True)`.
    """
    barrier = threading.Barrier(n)
    results: list[Any] = [None] * n
    errors: list[BaseException] = []

    def runner(number: int) -> None:
        try:
            barrier.wait(timeout)
            results[number] = fn(number)
        except BaseException as error:
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=runner, args=(i,), daemon=True) for i in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout)
    if any(thread.is_alive() for thread in threads):
        raise TimeoutError(f"Some of {n} threads did not end within {timeout} s.")
    if errors:
        raise errors[0]
    return results
