"""Where leases of presence are kept: in Redis for several processes, else in this one."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from typing import Any, Protocol

from threadflow_core.app_settings import app_settings as core_settings

from ..app_settings import app_settings

logger = logging.getLogger("threadflow.chat")

REDIS = "threadflow_core.realtime.backends.redis.RedisBackend"


@dataclass(frozen=True, slots=True)
class Lease:
    """That a process vouches for the presence of the person with `key`."""

    key: str
    process: str
    idle: bool = False

    def pack(self) -> str:
        return f"{self.key}|{self.process}|{'i' if self.idle else 'a'}"

    @classmethod
    def unpack(cls, text: str) -> Lease:
        key, process, how = text.rsplit("|", 2)
        return cls(key, process, how == "i")


class Store(Protocol):
    """Keeps leases. One call changes a room and tells what it looks like afterwards."""

    async def apply(
        self, room: str, add: list[Lease], drop: list[Lease]
    ) -> tuple[list[Lease], list[Lease]]:
        """Take `add` for another lease time, end `drop`; return (those that had run out, those
        that stand). Each that ran out is returned to one caller only."""

    async def close(self) -> None: ...


def read(room: str) -> list[Lease]:
    """The leases of a room that stand, for pages: one look, at most a short wait.

    Without Redis nobody is known of.
    """
    now = clock()
    if core_settings.REALTIME_BACKEND == REDIS:
        return _read_redis(room, now)
    with _lock:
        return [lease for lease, end in _local.get(room, {}).items() if end > now]


def store() -> Store:
    """The store that goes with the site's way of carrying frames."""
    if core_settings.REALTIME_BACKEND == REDIS:
        return RedisLeases()
    return LocalLeases()


#: Seconds since the epoch; tests put their own clock here.
clock = time.time

_local: dict[str, dict[Lease, float]] = {}
_lock = threading.Lock()


class LocalLeases:
    """Leases of one process, for all its event loops."""

    async def apply(
        self, room: str, add: list[Lease], drop: list[Lease]
    ) -> tuple[list[Lease], list[Lease]]:
        now = clock()
        with _lock:
            leases = _local.setdefault(room, {})
            for lease in drop:
                leases.pop(lease, None)
            for lease in add:
                leases[lease] = now + app_settings.PRESENCE_LEASE_SECONDS
            expired = [lease for lease, end in leases.items() if end <= now]
            for lease in expired:
                del leases[lease]
            present = list(leases)
            if not leases:
                del _local[room]
        return expired, present

    async def close(self) -> None:
        return None


class RedisLeases:
    """A sorted set per room: leases by their end. Without Redis, what was last known stands."""

    def __init__(self) -> None:
        import redis.asyncio

        self._prefix = _prefix()
        self._client: Any = redis.asyncio.Redis.from_url(
            core_settings.REALTIME_REDIS_URL,
            socket_timeout=2,
            socket_connect_timeout=2,
            protocol=2,
            decode_responses=True,
        )
        self._known: dict[str, list[Lease]] = {}

    async def apply(
        self, room: str, add: list[Lease], drop: list[Lease]
    ) -> tuple[list[Lease], list[Lease]]:
        import redis

        now, lease = clock(), app_settings.PRESENCE_LEASE_SECONDS
        key = self._prefix + room
        pipe = self._client.pipeline(transaction=True)
        if drop:
            pipe.zrem(key, *(one.pack() for one in drop))
        if add:
            pipe.zadd(key, {one.pack(): now + lease for one in add})
        pipe.zrangebyscore(key, "-inf", now)
        pipe.zremrangebyscore(key, "-inf", now)
        pipe.zrange(key, 0, -1)
        pipe.expire(key, 2 * lease)
        try:
            answers = await pipe.execute()
        except (TimeoutError, redis.RedisError, OSError) as error:
            logger.warning("Redis is away, presence stands still: %s", error)
            return [], self._guess(room, add, drop)
        expired, _removed, present, _kept = answers[-4:]
        self._known[room] = [Lease.unpack(one) for one in present]
        if not present:
            del self._known[room]
        return [Lease.unpack(one) for one in expired], [Lease.unpack(one) for one in present]

    def _guess(self, room: str, add: list[Lease], drop: list[Lease]) -> list[Lease]:
        kept = [one for one in self._known.get(room, []) if one not in drop and one not in add]
        self._known[room] = [*kept, *add]
        return self._known[room]

    async def close(self) -> None:
        await self._client.aclose()


def _prefix() -> str:
    return f"{core_settings.REALTIME_REDIS_PREFIX}:here:"


#: Seconds that a page waits for Redis, and for which it is left alone when it did not answer.
PATIENCE, REST = 0.25, 2.0

_readers: dict[str, Any] = {}
_resting: dict[str, float] = {}


def _read_redis(room: str, now: float) -> list[Lease]:
    import redis

    url = core_settings.REALTIME_REDIS_URL
    if time.monotonic() < _resting.get(url, 0.0):
        return []
    if url not in _readers:
        _readers[url] = redis.Redis.from_url(
            url,
            socket_timeout=PATIENCE,
            socket_connect_timeout=PATIENCE,
            retry=None,
            decode_responses=True,
        )
    try:
        found = _readers[url].zrangebyscore(_prefix() + room, f"({now}", "+inf")
    except (redis.RedisError, OSError) as error:
        _resting[url] = time.monotonic() + REST
        logger.warning("Redis is away, pages show nobody as present: %s", error)
        return []
    return [Lease.unpack(one) for one in found]
