"""Who is in a room now: leases that each process renews for its own sockets, diffs gathered.

The leases are in Redis where frames travel by Redis, else in this process. Losing them loses
nothing that anybody wrote: lists of names stand still until they are back.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

from threadflow_core import people, realtime
from threadflow_core.realtime.kinds import user_key
from threadflow_core.realtime.threads import in_thread

from .. import frames
from ..adapter import adapter
from ..app_settings import app_settings
from . import leases
from .leases import Lease, store

logger = logging.getLogger("threadflow.chat")

#: Seconds over which arrivals are gathered, and after which an absence is told.
SETTLE, AWAY = 2.0, 10.0
#: Seconds between two numbers of a room too large for names.
NUMBER_EVERY = 10.0
#: Faces beside the name of a room.
FACES = 3


@dataclass
class Visitor:
    """One person in one room, with all their tabs in this process."""

    person: Any
    sockets: set[Any] = field(default_factory=set)

    @property
    def idle(self) -> bool:
        return bool(self.sockets) and all(getattr(s, "chat_idle", False) for s in self.sockets)


@dataclass
class Change:
    """What is to be told of a room: keys of people that came or went, and new followers."""

    keys: set[str] = field(default_factory=set)
    newcomers: set[Any] = field(default_factory=set)


class Keeper:
    """Keeps the leases of one event loop's sockets. Its methods belong to that loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.process = secrets.token_hex(6)
        self._loop = loop
        self._store = store()
        self._rooms: dict[str, dict[str, Visitor]] = {}
        self._changes: dict[str, Change] = {}
        self._numbered: dict[str, float] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._renewal: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def enter(self, room: str, socket: Any) -> None:
        """A socket follows the room from now on. Strangers are counted nowhere; the invisible
        are not shown, but see who is there."""
        key = str(getattr(socket.person, "pk", None) or "")
        if not key or not socket.person.is_authenticated:
            return
        self._change(room).newcomers.add(socket)
        self._plan(SETTLE)
        if not adapter().shows_presence(person=socket.person):
            return
        visitors = self._rooms.setdefault(room, {})
        visitor = visitors.setdefault(key, Visitor(socket.person))
        if not visitor.sockets:
            self._change(room).keys.add(key)
        visitor.sockets.add(socket)
        if self._renewal is None:
            self._plan_renewal()

    def leave(self, room: str, socket: Any) -> None:
        """A socket follows the room no longer; told when nobody has come back for a while."""
        change = self._changes.get(room)
        if change is not None:
            change.newcomers.discard(socket)
        for key, visitor in self._rooms.get(room, {}).items():
            if socket in visitor.sockets:
                visitor.sockets.discard(socket)
                if not visitor.sockets:
                    self._loop.call_later(AWAY, self._gone, room, key)
                return

    def set_idle(self, socket: Any, idle: bool) -> None:
        """The person looks elsewhere, or is back; told with the next changes."""
        if getattr(socket, "chat_idle", False) == idle:
            return
        socket.chat_idle = idle
        for room, visitors in self._rooms.items():
            for key, visitor in visitors.items():
                if socket in visitor.sockets:
                    self._change(room).keys.add(key)
                    self._plan(SETTLE)

    async def here(self, room: str) -> dict[str, bool]:
        """Keys of the people present in all processes, with whether each is idle."""
        _expired, present = await self._store.apply(room, [], [])
        return _merged(present)

    def _gone(self, room: str, key: str) -> None:
        visitor = self._rooms.get(room, {}).get(key)
        if visitor is not None and not visitor.sockets:
            del self._rooms[room][key]
            self._change(room).keys.add(key)
            self._plan(0.0)

    def _change(self, room: str) -> Change:
        return self._changes.setdefault(room, Change())

    # ------------------------------------------------------------------ telling

    def _plan(self, seconds: float) -> None:
        if self._timer is None:
            self._timer = self._loop.call_later(seconds, self._flush_soon)

    def _flush_soon(self) -> None:
        self._timer = None
        changes, self._changes = self._changes, {}
        for room, change in changes.items():
            self._spawn(self._flush(room, change))

    async def _flush(self, room: str, change: Change) -> None:
        visitors = self._rooms.get(room, {})
        add = [
            self._lease(key, v) for key, v in visitors.items() if key in change.keys and v.sockets
        ]
        drop = [Lease(key, self.process, idle) for key in change.keys for idle in (False, True)]
        drop = [lease for lease in drop if lease not in add]
        expired, present = await self._store.apply(room, add, drop)
        touched = change.keys | {lease.key for lease in expired}
        await self._tell(room, touched, _merged(present))
        await self._greet(room, change.newcomers, _merged(present))
        if not visitors:
            self._rooms.pop(room, None)
            self._numbered.pop(room, None)

    async def _tell(self, room: str, touched: set[str], present: dict[str, bool]) -> None:
        """A frame to all followers: who came, who went, how many there are."""
        if not touched:
            return
        number = len(present)
        if number > app_settings.PRESENCE_NAMES_MAX:
            now = time.monotonic()
            if now - self._numbered.get(room, -NUMBER_EVERY) >= NUMBER_EVERY:
                self._numbered[room] = now
                await self._hint(room, {"n": number})
            return
        cards = await in_thread(people.cards_of, touched & present.keys())
        by_key = {str(pk): card for pk, card in cards.items()}
        come = [
            _shown(by_key[k], present[k]) for k in sorted(touched & present.keys()) if k in by_key
        ]
        went = [user_key(k) for k in sorted(touched - present.keys())]  # the erased, too
        await self._hint(room, {"join": come, "leave": went, "n": number})

    async def _greet(self, room: str, newcomers: set[Any], present: dict[str, bool]) -> None:
        """New followers get everybody at once."""
        sockets = [socket for socket in newcomers if socket.closing is None]
        if not sockets:
            return
        frame: dict[str, Any] = {"op": "pres", "topic": f"room:{room}", "room": room}
        frame["n"] = len(present)
        if len(present) <= app_settings.PRESENCE_NAMES_MAX:
            frame["here"] = await in_thread(people_shown, present)
        for socket in sockets:
            socket.push_frame(frame)

    async def _hint(self, room: str, fields: dict[str, Any]) -> None:
        def send() -> None:
            realtime.hint(f"room:{room}", "pres", room=room, **fields)

        await in_thread(send)

    # ------------------------------------------------------------------ leases

    def _lease(self, key: str, visitor: Visitor) -> Lease:
        return Lease(key, self.process, visitor.idle)

    def _plan_renewal(self) -> None:
        seconds = app_settings.PRESENCE_RENEW_SECONDS
        self._renewal = self._loop.call_later(seconds, self._renew_soon)

    def _renew_soon(self) -> None:
        self._renewal = None
        if self._rooms:
            self._spawn(self.renew())
            self._plan_renewal()

    async def renew(self) -> None:
        """Give a sign of life for everybody here, and tell of those whose process died."""
        for room, visitors in list(self._rooms.items()):
            leases = [self._lease(key, visitor) for key, visitor in visitors.items()]
            expired, present = await self._store.apply(room, leases, [])
            merged = _merged(present)
            lost = {lease.key for lease in expired} - merged.keys()
            await self._tell(room, lost, merged)

    def _spawn(self, work: Awaitable[None]) -> None:
        async def guarded() -> None:
            try:
                await work
            except Exception:
                logger.exception("Who is present could not be told; it will be, later")

        task = self._loop.create_task(guarded())
        self._tasks.add(task)  # the loop itself holds tasks only weakly
        task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """Forget everybody here, as at the end of the process."""
        for timer in (self._timer, self._renewal):
            if timer is not None:
                timer.cancel()
        self._timer = self._renewal = None
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._store.close()
        _keepers.pop(self._loop, None)


_keepers: WeakKeyDictionary[asyncio.AbstractEventLoop, Keeper] = WeakKeyDictionary()


def keeper() -> Keeper:
    """The keeper of the running event loop, made on first use."""
    loop = asyncio.get_running_loop()
    found = _keepers.get(loop)
    if found is None:
        found = _keepers[loop] = Keeper(loop)
    return found


@dataclass(frozen=True, slots=True)
class Face:
    """Somebody present, as a page shows them. `id` is the one of frames."""

    id: str
    card: people.PersonCard


@dataclass(frozen=True, slots=True)
class Crowd:
    """Who is in a room: how many, and the first faces; none in a room too large for names."""

    number: int
    faces: list[Face]


def seen_by(reader: Any, room: Any) -> Crowd:
    """Who is in `room` as its page begins. At most one query, whatever the number.

    Others come before the reader, those who look before the idle.
    """
    present = _merged(leases.read(str(room.pk)))
    if len(present) > app_settings.PRESENCE_NAMES_MAX:
        return Crowd(len(present), [])
    own = str(reader.pk)
    first = sorted(present, key=lambda key: (key == own, present[key], user_key(key)))[:FACES]
    cards = {str(pk): card for pk, card in people.cards_of(first).items()} if first else {}
    faces = [Face(user_key(key), cards[key]) for key in first if key in cards]
    return Crowd(len(present), faces)


def people_shown(present: dict[str, bool]) -> list[dict[str, Any]]:
    """Frames of present people, in the order of their names. One query."""
    cards = people.cards_of(present)
    shown = [_shown(card, present.get(str(pk), False)) for pk, card in cards.items()]
    return sorted(shown, key=lambda one: str(one["name"]).casefold())


def _shown(card: people.PersonCard, idle: bool) -> dict[str, Any]:
    return {**frames.person(card), "idle": idle}


def _merged(present: list[Lease]) -> dict[str, bool]:
    """People by key; idle only where every process says so."""
    found: dict[str, bool] = {}
    for lease in present:
        found[lease.key] = lease.idle and found.get(lease.key, True)
    return found
