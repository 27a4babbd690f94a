"""Who is writing: gathered for a second, told to the room, forgotten after six."""

from __future__ import annotations

import asyncio
import time
from typing import Any
from weakref import WeakKeyDictionary

from threadflow_core import people, realtime
from threadflow_core.realtime.threads import in_thread

from .. import frames
from ..app_settings import app_settings
from . import presence

#: Seconds over which changes are gathered, and for which a sign counts.
GATHER, FORGET = 1.0, 6.0
#: Names in one frame; of the others only the number is told.
NAMES = 5
#: Seconds for which it is not asked again how many people are in a room.
CROWD = 10.0


class Keeper:
    """The writing people of one event loop's sockets."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._until: dict[str, dict[Any, float]] = {}
        self._people: dict[Any, Any] = {}
        self._stopped: dict[str, set[Any]] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._crowded: dict[str, tuple[float, bool]] = {}

    async def is_crowded(self, room: str) -> bool:
        """Whether so many people are present that who is writing is noise."""
        now = time.monotonic()
        asked, crowded = self._crowded.get(room, (now - CROWD, False))
        if now - asked < CROWD:
            return crowded
        self._crowded[room] = (now, crowded)  # who comes meanwhile does not ask again
        crowded = len(await presence.keeper().here(room)) > app_settings.TYPING_MAX_PEOPLE
        self._crowded[room] = (now, crowded)
        for key in [key for key, (at, _c) in self._crowded.items() if now - at > CROWD]:
            del self._crowded[key]
        return crowded

    def set(self, room: str, person: Any, on: bool) -> None:
        """`person` writes, or has stopped."""
        writing = self._until.setdefault(room, {})
        if on:
            writing[person.pk] = time.monotonic() + FORGET
            self._people[person.pk] = person
        elif writing.pop(person.pk, None) is not None:
            self._stopped.setdefault(room, set()).add(person.pk)
            self._people[person.pk] = person
        else:
            return
        if room not in self._timers:
            self._timers[room] = self._loop.call_later(GATHER, self._tell_soon, room)

    def _tell_soon(self, room: str) -> None:
        self._timers.pop(room, None)
        task = self._loop.create_task(self._tell(room))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _tell(self, room: str) -> None:
        now = time.monotonic()
        writing = {pk: end for pk, end in self._until.pop(room, {}).items() if end > now}
        stopped = self._stopped.pop(room, set()) - writing.keys()
        shown = [self._people[pk] for pk in list(writing)[:NAMES]]
        gone = [self._people[pk] for pk in stopped]
        for pk in {*writing, *stopped}:
            self._people.pop(pk, None)

        def send() -> None:
            cards = people.cards([*shown, *gone])
            realtime.hint(
                f"room:{room}",
                "typing",
                room=room,
                users=[frames.person(cards[one.pk]) for one in shown],
                n=len(writing),
                off=[frames.person(cards[one.pk])["id"] for one in gone],
            )

        await in_thread(send)


_keepers: WeakKeyDictionary[asyncio.AbstractEventLoop, Keeper] = WeakKeyDictionary()


def keeper() -> Keeper:
    """The keeper of the running event loop, made on first use."""
    loop = asyncio.get_running_loop()
    found = _keepers.get(loop)
    if found is None:
        found = _keepers[loop] = Keeper(loop)
    return found
