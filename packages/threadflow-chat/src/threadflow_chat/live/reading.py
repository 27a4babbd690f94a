"""How far people have read, as their open pages tell: gathered, so that many are one write.

In a busy room every reader's pointer moves with every message. Moves are kept for
`READ_GATHER_SECONDS` and written together, one statement for all whose pointers go the same way.
A process that dies takes the moves of its last moments along: their readers see as unread what
they saw before, until they read on.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any
from weakref import WeakKeyDictionary

from threadflow_core.realtime.threads import in_thread

from ..app_settings import app_settings
from ..services import reads

logger = logging.getLogger("threadflow.chat")

#: Seconds for which it is kept where somebody's pointer was.
REMEMBER = 300.0


class Keeper:
    """The moves of one event loop's sockets. Its methods belong to that loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._moves: dict[str, dict[Any, int]] = {}
        self._known: dict[tuple[str, Any], tuple[int, float]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def knows(self, room: str, person: Any) -> bool:
        """Whether the pointer has been written from here: only then moves can be gathered."""
        return (room, person.pk) in self._known

    def written(self, room: str, person: Any, mno: int) -> None:
        """The pointer stands at `mno` in the database, as far as it is known here."""
        self._known[room, person.pk] = (mno, time.monotonic())
        self._moves.get(room, {}).pop(person.pk, None)

    def move(self, room: str, person: Any, mno: int) -> None:
        """`person` has read up to `mno`: written soon, unless they go back meanwhile."""
        moves = self._moves.setdefault(room, {})
        moves[person.pk] = max(mno, moves.get(person.pk, 0))
        if self._timer is None:
            self._timer = self._loop.call_later(app_settings.READ_GATHER_SECONDS, self._write_soon)

    def _write_soon(self) -> None:
        self._timer = None
        moves, self._moves = self._moves, {}
        task = self._loop.create_task(self._write(moves))
        self._tasks.add(task)  # the loop itself holds tasks only weakly
        task.add_done_callback(self._tasks.discard)

    async def _write(self, moves: dict[str, dict[Any, int]]) -> None:
        for room, wanted in moves.items():
            given = {
                pk: reads.Move(self._known[room, pk][0], mno)
                for pk, mno in wanted.items()
                if (room, pk) in self._known
            }
            try:
                pointers = await in_thread(reads.move_pointers, room, given)
            except Exception:
                logger.exception("Pointers of readers could not be written")
                continue
            self._learn(room, given, pointers)
        self._tidy()

    def _learn(self, room: str, given: dict[Any, reads.Move], pointers: dict[Any, int]) -> None:
        now = time.monotonic()
        for pk, move in given.items():
            if pointers.get(pk, -1) >= move.since:
                self._known[room, pk] = (pointers[pk], now)
            else:  # they made it unread, or are gone: their next move is written at once
                self._known.pop((room, pk), None)

    def _tidy(self) -> None:
        now = time.monotonic()
        for key in [key for key, (_mno, at) in self._known.items() if now - at > REMEMBER]:
            del self._known[key]


_keepers: WeakKeyDictionary[asyncio.AbstractEventLoop, Keeper] = WeakKeyDictionary()


def keeper() -> Keeper:
    """The keeper of the running event loop, made on first use."""
    loop = asyncio.get_running_loop()
    found = _keepers.get(loop)
    if found is None:
        found = _keepers[loop] = Keeper(loop)
    return found
