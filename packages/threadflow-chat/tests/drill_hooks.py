"""What a drill makes of a server process: one whose clock is wrong or jumps, or that stops at a
named point until it may go on. Set by the environment; nothing happens without it."""

from __future__ import annotations

import datetime
import os
import signal
import time
from pathlib import Path
from typing import Any

from django.utils import timezone


def set_clocks() -> None:
    """`CLOCK_AHEAD` makes the wall clock go ahead by so many seconds. `CLOCK_JUMP` makes all
    clocks, those of timers too, go ahead by so many once SIGUSR1 comes."""
    ahead, jump = float(os.environ.get("CLOCK_AHEAD", "0")), os.environ.get("CLOCK_JUMP")
    if not ahead and not jump:
        return
    wall, steady, passed = time.time, time.monotonic, [0.0]

    def leap(*_given: Any) -> None:
        passed[0] = float(jump or 0)

    def now() -> datetime.datetime:
        return datetime.datetime.fromtimestamp(time.time(), tz=datetime.UTC)

    time.time = lambda: wall() + ahead + passed[0]
    time.monotonic = lambda: steady() + passed[0]
    timezone.now = now  # type: ignore[assignment]
    signal.signal(signal.SIGUSR1, leap)


class Gate:
    """A point in a server process that it passes when the drill lets it: see `set_gate`."""

    def __init__(self, folder: Path) -> None:
        self._reached, self._open = folder / "reached", folder / "open"

    @property
    def is_reached(self) -> bool:
        return self._reached.exists()

    def open(self) -> None:
        self._open.touch()

    def wait(self) -> None:
        self._reached.touch()
        while not self._open.exists():
            time.sleep(0.01)


def set_gate() -> None:
    """`GATE=<function>:<before|after>:<folder>` has reads of the log of live events wait there."""
    given = os.environ.get("GATE")
    if not given:
        return
    from threadflow_core.realtime import log

    name, when, folder = given.split(":", 2)
    gate, real = Gate(Path(folder)), getattr(log, name)

    def waiting(*args: Any) -> Any:
        if when == "before":
            gate.wait()
        found = real(*args)
        if when == "after":
            gate.wait()
        return found

    setattr(log, name, waiting)
