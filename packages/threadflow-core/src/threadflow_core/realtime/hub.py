"""The switchboard of one event loop: topics, the sockets that follow them, and their positions.

Live frames come from the backend and may be lost; the log in the database is the truth. Each
topic is subscribed to before its position is read, so that nothing falls between; a hole in the
numbers, or a position behind the database's, is filled from the log once for all sockets.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections import Counter
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from ..app_settings import app_settings
from . import direct, log, protocol, threads, wire
from .backends import get_backend
from .kinds import kind_of
from .protocol import Close
from .rechecks import Rechecks
from .ring import TopicState
from .sockets import Socket

logger = logging.getLogger("threadflow.realtime")

_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = WeakKeyDictionary()


def current_hub() -> Hub:
    """The hub of the running event loop, started on first use."""
    loop = asyncio.get_running_loop()
    hub = _hubs.get(loop)
    if hub is None:
        hub = _hubs[loop] = Hub()
    return hub


@dataclass(frozen=True, slots=True)
class Joined:
    """How a socket begins to follow: `texts` is None when it must start anew (`reset`)."""

    seq: int | None
    epoch: str
    texts: list[str] | None


class Hub:
    """One per event loop; none of its methods may be called from elsewhere."""

    def __init__(self) -> None:
        self.sockets: set[Socket] = set()
        #: Counts for metrics: resumes, resets, gaps filled, slow clients, frames.
        self.stats: Counter[str] = Counter()
        self._topics: dict[str, TopicState] = {}
        self._loop = asyncio.get_running_loop()
        self._receiver = get_backend().receiver(self._deliver, self._recovered)
        self._control: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._rechecks = Rechecks(self.sockets, self._spawn)
        self._spawn(self._check_positions())
        self._spawn(self._rechecks.keep_asking())

    # ------------------------------------------------------------------ sockets

    async def enter(self, socket: Socket) -> None:
        """Let control messages reach the socket. Returns when they will."""
        self.sockets.add(socket)
        if self._control is None:
            self._control = self._loop.create_task(self._receiver.subscribe(wire.CONTROL))
        await asyncio.shield(self._control)

    def exit(self, socket: Socket) -> None:
        self.sockets.discard(socket)
        if socket.closing and socket.closing[0] == Close.SLOW:
            self.stats["slow_closed"] += 1
        for topic in list(socket.topics):
            self.leave(topic, socket)

    def sockets_of(self, user_id: Any) -> list[Socket]:
        wanted = str(user_id)
        return [one for one in self.sockets if wanted and one.user_id == wanted]

    def strangers_at(self, address: str) -> list[Socket]:
        """Sockets of nobody, or of nobody yet, from one network address."""
        return [one for one in self.sockets if not one.user_id and one.address == address]

    # ------------------------------------------------------------------ following

    async def join(
        self, topic: str, socket: Socket, *, since: int | None = None, epoch: str = ""
    ) -> Joined:
        """Let the socket follow `topic`, beginning after number `since` (None: from now on).

        The caller has checked the right to, and sends what is returned before it next awaits:
        frames may come right after. A socket that must start anew does not follow yet: the
        caller makes the page and joins after `seq`. Raises DatabaseError if the position can't
        be read.
        """
        state = self._topics.get(topic) or self._add(topic)
        state.joining += 1
        try:
            await self._opened(state)
            joined = await self._caught_up(state, since, epoch)
            if joined.texts is not None:
                self._enter(state, socket)
        finally:
            state.joining -= 1
            self._mark_empty(state)
        self.stats["reset" if joined.texts is None else "resume"] += 1
        return joined

    def _enter(self, state: TopicState, socket: Socket) -> None:
        is_new = socket not in state.live
        state.live.add(socket)
        socket.topics.add(state.name)
        if is_new:
            _tell(state.name, "entered", socket)

    def leave(self, topic: str, socket: Socket) -> None:
        socket.topics.discard(topic)
        if state := self._topics.get(topic):
            if socket in state.live:
                state.live.discard(socket)
                _tell(topic, "left", socket)
            self._mark_empty(state)

    def _mark_empty(self, state: TopicState) -> None:
        empty = not state.live and not state.joining
        state.empty_since = time.monotonic() if empty else None

    def _add(self, topic: str) -> TopicState:
        found = kind_of(topic)
        state = TopicState(topic, sequenced=found is not None and found[0].sequenced)
        self._topics[topic] = state
        return state

    async def _opened(self, state: TopicState) -> None:
        """Subscribe and read the position, once for all that come meanwhile."""
        if state.ready is None:
            state.ready = self._loop.create_task(self._open(state))
        try:
            await asyncio.shield(state.ready)
        except Exception:
            state.ready = None  # the next one tries again
            raise

    async def _open(self, state: TopicState) -> None:
        await self._receiver.subscribe(state.name)
        if state.sequenced:
            at = (await threads.in_thread(log.positions, [state.name])).get(state.name)
            if at is not None:
                state.seq, state.epoch = at.seq, at.epoch
            self._take_held(state)

    async def _caught_up(self, state: TopicState, since: int | None, epoch: str) -> Joined:
        if not state.sequenced:
            return Joined(None, "", [])
        if since is None:
            return Joined(state.seq, state.epoch, [])
        for _attempt in range(3):
            behind = state.seq - since
            other = state.epoch != epoch and not (since == 0 and not epoch)
            if other or not 0 <= behind <= protocol.RESUME:
                break
            texts = state.since(since)
            if texts is not None:
                return Joined(state.seq, state.epoch, texts)
            await self._backfilled(state)
        return Joined(state.seq, state.epoch, None)

    async def _backfilled(self, state: TopicState) -> None:
        """Load the window that any client may resume in; one query however many wait for it."""
        if state.backfill is None:
            state.backfill = self._spawn(self._load_window(state))
        await asyncio.shield(state.backfill)

    async def _load_window(self, state: TopicState) -> None:
        try:
            after = max(0, state.seq - protocol.RESUME)
            # Room for what is written while we read.
            limit = 2 * protocol.RESUME
            missed = await threads.in_thread(log.missed, state.name, after, limit, state.at_hand())
            if missed.position.epoch == state.epoch:
                for event, text in zip(missed.events, missed.frames, strict=True):
                    if event.seq <= state.seq:
                        state.put(event.seq, event.ids, text)
            self.stats["log_reads"] += 1
        finally:
            state.backfill = None

    # ------------------------------------------------------------------ frames

    def _deliver(self, channel: str, data: bytes) -> None:
        try:
            envelope = wire.unpack(data)
        except (ValueError, TypeError):
            logger.warning("Something on channel %s is not ours", channel)
            return
        if envelope.what == "control":
            self._obey(envelope.ids)
            return
        state = self._topics.get(channel)
        if state is None:
            return
        if envelope.what == "hint":
            self._fan_out(state, envelope.body)
        elif envelope.what == "drop":
            state.uncache(envelope.ids)
        else:
            self._take(state, envelope)

    def _take(self, state: TopicState, envelope: wire.Envelope) -> None:
        if state.is_open and envelope.seq <= state.seq and envelope.epoch == state.epoch:
            return
        if len(state.held) < protocol.QUEUE_FRAMES:
            state.held[envelope.seq] = (envelope.epoch, envelope.ids, envelope.body)
        if state.is_open:
            self._take_held(state)

    def _take_held(self, state: TopicState) -> None:
        """Forward held frames as far as they follow on; wait a little for what is missing."""
        for seq in [seq for seq in state.held if seq <= state.seq]:
            del state.held[seq]
        while (held := state.held.pop(state.seq + 1, None)) is not None:
            epoch, ids, text = held
            if state.seq == 0 and not state.epoch:
                state.epoch = epoch  # the topic's first event ever
            if epoch != state.epoch:
                self._fill_soon(state, 0.0)
                return
            state.append(state.seq + 1, ids, text)
            self._fan_out(state, text)
        if state.held:
            self._fill_soon(state, protocol.GRACE)

    def _fan_out(self, state: TopicState, text: str) -> None:
        frame = direct.text_frame(text)
        for socket in tuple(state.live):
            socket.push(text, frame)
        self.stats["frames"] += 1

    # ------------------------------------------------------------------ repair

    def _fill_soon(self, state: TopicState, delay: float) -> None:
        if state.filling is None:
            state.filling = self._spawn(self._fill(state, delay, state.seq))

    async def _fill(self, state: TopicState, delay: float, before: int) -> None:
        """Read what is missing from the log, unless it has come meanwhile."""
        try:
            await asyncio.sleep(delay)
            if delay and not state.held and state.seq != before:
                return
            missed = await threads.in_thread(log.missed, state.name, state.seq, protocol.RESUME)
            self._catch_up(state, missed)
        except Exception:
            logger.exception("The log of %s could not be read; trying again later", state.name)
        finally:
            state.filling = None

    def _catch_up(self, state: TopicState, missed: log.Missed) -> None:
        position = missed.position
        if not state.epoch and state.seq == 0:
            state.epoch = position.epoch
        expected = range(state.seq + 1, position.seq + 1)
        rows = {
            event.seq: (event, text)
            for event, text in zip(missed.events, missed.frames, strict=True)
        }
        if position.epoch != state.epoch or any(seq not in rows for seq in expected):
            self._start_anew(state, position)
            return
        for seq in expected:
            event, text = rows[seq]
            state.append(seq, event.ids, text)
            self._fan_out(state, text)
            self.stats["gap_filled"] += 1
        self._take_held(state)

    def _start_anew(self, state: TopicState, position: log.Position) -> None:
        """Too far behind, or numbers that repeat: clients ask again and are told to reset."""
        state.start_anew(position.seq, position.epoch)
        self._fan_out(state, wire.encode({"op": "gap", "topic": state.name}))
        self.stats["gap"] += 1

    async def _check_positions(self) -> None:
        """Compare with the database now and then: the last resort that makes loss impossible."""
        while True:
            await asyncio.sleep(app_settings.REALTIME_POSITION_SECONDS * random.uniform(0.9, 1.1))  # noqa: S311
            try:
                await self.check_positions()
            except Exception:
                logger.exception("Positions could not be compared; trying again")
            self._tidy()

    async def check_positions(self) -> None:
        open_topics = {
            state.name: (state.seq, state.epoch)
            for state in self._topics.values()
            if state.sequenced and state.is_open
        }
        if not open_topics:
            return
        found = await threads.in_thread(log.positions, list(open_topics))
        for name, position in found.items():
            state = self._topics.get(name)
            if state is None:
                continue
            seq, epoch = open_topics[name]
            if (epoch and position.epoch != epoch) or position.seq < seq:
                self._start_anew(state, position)
            elif position.seq > state.seq:
                self._fill_soon(state, protocol.LATE)  # it may be on its way

    async def _recovered(self) -> None:
        """The backend was away: orders to drop cached frames may have been lost with the rest."""
        for state in self._topics.values():
            state.uncache_all()
        self.stats["recovered"] += 1
        await self.check_positions()

    # ------------------------------------------------------------------ orders

    def _obey(self, order: dict[str, Any]) -> None:
        if order.get("do") == "drop":
            for state in self._topics.values():
                state.uncache(order["ids"])
            return
        if order.get("topic"):
            followed = self._topics.get(order["topic"])
            self._rechecks.want(followed.live if followed is not None else ())
            return
        if not order.get("user"):
            self._rechecks.want(self.sockets)
            return
        for socket in self.sockets_of(order["user"]):
            if order["do"] == "recheck":
                socket.recheck()
            elif order.get("session", socket.session_mark) == socket.session_mark:
                socket.close(Close.REVOKED, "signed out")

    # ------------------------------------------------------------------ housekeeping

    def _tidy(self) -> None:
        now = time.monotonic()
        for state in list(self._topics.values()):
            state.trim()
            if state.empty_since is not None and now - state.empty_since > protocol.LINGER:
                del self._topics[state.name]
                self._spawn(self._receiver.unsubscribe(state.name))

    def _spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = self._loop.create_task(work)
        self._tasks.add(task)  # the loop itself holds tasks only weakly
        task.add_done_callback(self._tasks.discard)
        return task

    async def stop(self) -> None:
        """End everything, as at the end of the process."""
        _hubs.pop(self._loop, None)
        for socket in list(self.sockets):
            socket.close(Close.GOING_AWAY, "restart")
        tasks = [task for task in [*self._tasks, self._control] if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._receiver.close()
        await asyncio.to_thread(threads.close)


def _tell(topic: str, what: str, socket: Socket) -> None:
    """Let the kind of topic know who follows; what it fails at does not concern the others."""
    found = kind_of(topic)
    if found is None:
        return
    kind, key = found
    try:
        getattr(kind, what)(key, socket)
    except Exception:
        logger.exception("%s could not be told of a follower", topic)
