"""What is done about an event: handlers and schedules, declared once in each app's `jobs.py`."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

#: Lower ones wait for higher ones only where they share a lane (`JOBS_LANES`).
QUEUES = ("critical", "default", "mail", "ai", "bulk")


@dataclass(frozen=True, slots=True)
class JobEvent:
    """What a handler gets: the payload as emitted, and which try this is (from 1)."""

    id: uuid.UUID
    name: str
    handler: str
    payload: dict[str, Any]
    attempt: int
    created_at: dt.datetime
    headers: dict[str, Any] = field(default_factory=dict)


HandlerFunction = Callable[[JobEvent], None]


@dataclass(frozen=True, slots=True)
class Handler:
    event: str
    name: str
    run: HandlerFunction
    queue: str
    max_attempts: int
    timeout: float
    atomic: bool


@dataclass(frozen=True, slots=True)
class Schedule:
    name: str
    every: dt.timedelta

    def due(self, now: dt.datetime) -> dt.datetime:
        """The latest multiple of `every` since the Unix epoch that is not after `now`."""
        step = self.every.total_seconds()
        return dt.datetime.fromtimestamp(now.timestamp() // step * step, tz=dt.UTC)

    def key(self, now: dt.datetime) -> str:
        return f"{self.name}@{self.due(now).isoformat()}"


class Retry(Exception):
    """Raised by a handler to be tried again after `after` seconds (None: the usual backoff)."""

    def __init__(self, after: float | None = None, reason: str = "") -> None:
        super().__init__(reason or "asked to be tried again")
        self.after = after


class GiveUp(Exception):
    """Raised by a handler when no further try can help: the event is dead at once."""


_handlers: dict[str, Handler] = {}
_by_event: dict[str, list[Handler]] = {}
_schedules: dict[str, Schedule] = {}


def handler(
    event: str,
    *,
    name: str | None = None,
    queue: str = "default",
    max_attempts: int = 8,
    timeout: float = 30,
    atomic: bool = True,
) -> Callable[[HandlerFunction], HandlerFunction]:
    """Register the decorated function for events called `event`.

    `name` is stored with each row and must stay the same for as long as rows may wait.
    `timeout` is in seconds: past it the lease is no longer renewed and another try may start.
    With `atomic` the function and the mark that it is done are one transaction, so what it
    writes happens exactly once. A handler that talks to the network passes `atomic=False`, or
    it would hold locks (in SQLite: the only one) while it waits; it opens transactions of its
    own and guards each effect with `once`.
    """
    if queue not in QUEUES:
        raise ValueError(f"Unknown queue {queue!r}; known: {', '.join(QUEUES)}.")

    def register(function: HandlerFunction) -> HandlerFunction:
        label = name or f"{function.__module__}.{function.__qualname__}"
        known = _handlers.get(label)
        if known is not None:
            if _origin(known.run) != _origin(function):
                raise ValueError(f"Two handlers are called {label!r}.")
            _by_event[known.event].remove(known)  # the module was reloaded
        entry = Handler(event, label, function, queue, max_attempts, timeout, atomic)
        _handlers[label] = entry
        _by_event.setdefault(event, []).append(entry)
        return function

    return register


def schedule(
    name: str,
    *,
    every: dt.timedelta,
    queue: str = "default",
    max_attempts: int = 3,
    timeout: float = 300,
    atomic: bool = True,
) -> Callable[[HandlerFunction], HandlerFunction]:
    """Run the decorated function once per `every`, whoever and however many tick.

    Runs are aligned to multiples of `every` since the Unix epoch; those missed while nothing
    ran are not made up for, but for the latest.
    """
    if every < dt.timedelta(seconds=1):
        raise ValueError("A schedule runs at most once a second.")

    def register(function: HandlerFunction) -> HandlerFunction:
        handler(
            name,
            name=name,
            queue=queue,
            max_attempts=max_attempts,
            timeout=timeout,
            atomic=atomic,
        )(function)
        _schedules[name] = Schedule(name, every)
        return function

    return register


def handlers_of(event: str) -> list[Handler]:
    return _by_event.get(event, [])


def handler_named(name: str) -> Handler | None:
    return _handlers.get(name)


def schedules() -> list[Schedule]:
    return list(_schedules.values())


def forget(name: str) -> None:
    """Take a handler (and its schedule) out again. For tests."""
    entry = _handlers.pop(name)
    _by_event[entry.event].remove(entry)
    _schedules.pop(name, None)


def _origin(function: HandlerFunction) -> tuple[str, str]:
    return function.__module__, function.__qualname__
