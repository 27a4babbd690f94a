"""The tick: put due scheduled work into the outbox. Any number of processes may tick at once."""

from __future__ import annotations

import datetime as dt

from . import registry
from .outbox import emit


class Ticker:
    """Remembers what it emitted, so that an idle tick costs nothing; the database decides."""

    def __init__(self) -> None:
        self._emitted: dict[str, str] = {}

    def tick(self, now: dt.datetime) -> int:
        """Emit each schedule whose latest due time was not emitted yet. Return how many tries."""
        tried = 0
        for entry in registry.schedules():
            key = entry.key(now)
            if self._emitted.get(entry.name) != key:
                emit(entry.name, dedupe_key=key, due=entry.due(now).isoformat())
                self._emitted[entry.name] = key
                tried += 1
        return tried


def current_keys(now: dt.datetime) -> list[str]:
    """Keys that must stay in the outbox: without them a run of this period would repeat."""
    return [entry.key(now) for entry in registry.schedules()]
