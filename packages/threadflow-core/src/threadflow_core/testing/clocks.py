"""Injected time: nothing that counts seconds sleeps in a test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from .. import limits


class Clock:
    """Epoch seconds that move when told to."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def forward(self, seconds: float) -> None:
        self.seconds += seconds


@contextmanager
def clock(seconds: float = 1_800_000_000) -> Iterator[Clock]:
    """Let the limiter, in SQL and in Redis, read a clock that stands at `seconds`."""
    standing = Clock(seconds)
    before = limits.clock
    limits.clock = lambda: standing.seconds
    try:
        yield standing
    finally:
        limits.clock = before
