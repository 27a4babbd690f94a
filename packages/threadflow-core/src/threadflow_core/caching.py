"""Caches of rendered pages that may vanish at any moment: a breaker, tags, one builder at a time."""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Any

from django.core.cache import caches
from django.core.cache.backends.redis import RedisCache, RedisCacheClient
from django.db import transaction

logger = logging.getLogger("threadflow.cache")

#: Seconds for which a failing cache is left alone after FAILURES errors in a row.
OPEN_SECONDS = 5.0
FAILURES = 2
#: Longest wait for another builder of the same block, in seconds.
WAIT_SECONDS = 0.5
#: Tagged blocks that a process keeps beside the cache.
MOST_NEAR = 100
#: Tags remembered while a cache is away; older ones are left to the age of their blocks.
MOST_OWED = 10_000


class Breaker:
    """Counts errors in a row; while open, nothing is tried. Safe to share between threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._errors = 0
        self._open_until = 0.0

    @property
    def is_open(self) -> bool:
        return self._clock() < self._open_until

    def failed(self, error: Exception) -> None:
        self._errors += 1
        if self._errors >= FAILURES:
            if not self.is_open:
                logger.warning("Cache is left alone for %s s: %s", OPEN_SECONDS, error)
            self._open_until = self._clock() + OPEN_SECONDS

    def worked(self) -> None:
        self._errors = 0


class LastingClient(RedisCacheClient):
    """Keeps one client per server. Django makes one per call, which costs more than the call."""

    def __init__(self, servers: Any, **options: Any) -> None:
        super().__init__(servers, **options)
        self._clients: dict[int, Any] = {}

    def get_client(self, key: Any = None, *, write: bool = False) -> Any:
        pool = self._get_connection_pool(write)  # type: ignore[attr-defined]
        # Pools live as long as this object, so that their ids stay theirs.
        client = self._clients.get(id(pool))
        if client is None:
            client = self._clients[id(pool)] = super().get_client(key, write=write)
        return client


class BreakerRedisCache(RedisCache):
    """Redis as a cache that a page can do without: reads miss and writes do nothing when it is cut.

    Not for locks, counters or anything that must be true: `add` answers True while it is cut.
    Give it short timeouts: `"OPTIONS": {"socket_timeout": 0.2, "socket_connect_timeout": 0.2}`.
    """

    def __init__(self, server: Any, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._class = LastingClient
        self.breaker = Breaker()

    def _try(self, instead: Any, call: Callable[[], Any]) -> Any:
        if self.breaker.is_open:
            return instead
        try:
            answer = call()
        except Exception as error:
            # Whatever the client raises (cut, timeout, loading, read-only replica): a miss.
            self.breaker.failed(error)
            return instead
        self.breaker.worked()
        return answer

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        return self._try(default, lambda: super(BreakerRedisCache, self).get(key, default, version))

    def get_many(self, keys: Iterable[Any], version: int | None = None) -> dict[Any, Any]:
        found: dict[Any, Any] = self._try(
            {}, lambda: super(BreakerRedisCache, self).get_many(keys, version)
        )
        return found

    def set(self, key: Any, value: Any, timeout: Any = 300, version: int | None = None) -> None:
        self._try(None, lambda: super(BreakerRedisCache, self).set(key, value, timeout, version))

    def set_many(
        self, data: dict[Any, Any], timeout: Any = 300, version: int | None = None
    ) -> list[Any]:
        failed: list[Any] = self._try(
            list(data), lambda: super(BreakerRedisCache, self).set_many(data, timeout, version)
        )
        return failed

    def add(self, key: Any, value: Any, timeout: Any = 300, version: int | None = None) -> bool:
        return bool(
            self._try(
                True, lambda: super(BreakerRedisCache, self).add(key, value, timeout, version)
            )
        )

    def delete(self, key: Any, version: int | None = None) -> bool:
        return bool(self._try(False, lambda: super(BreakerRedisCache, self).delete(key, version)))

    def delete_many(self, keys: Iterable[Any], version: int | None = None) -> None:
        self._try(None, lambda: super(BreakerRedisCache, self).delete_many(keys, version))


class Blocks:
    """Rendered things in one cache. Keys carry the version of what they show.

    A block may also carry tags: `expire(tag)` makes every block with that tag unreadable at
    once, also one that a slower process is building from older rows at that moment.

    The last few tagged blocks stay in the process, too; then only their tags are looked up,
    a few bytes instead of a page.
    """

    def __init__(self, alias: str | None, prefix: str) -> None:
        self.alias = alias
        self.prefix = prefix
        self._near: OrderedDict[str, tuple[dict[str, str], Any, float]] = OrderedDict()
        self._building: dict[str, threading.Lock] = {}
        #: Marks of tags that the cache has not taken yet.
        self._owed: dict[str, str] = {}
        self._guard = threading.Lock()

    def fetch(
        self, key: str, build: Callable[[], Any], *, seconds: int, tags: Iterable[str] = ()
    ) -> Any:
        """The block at `key`, built at most once at a time and kept for `seconds`.

        What `build` raises passes through. None is not kept.
        """
        if self.alias is None:
            return build()
        if self._owed:
            self._pay()
        names = [f"{self.prefix}:tag:{tag}" for tag in tags]
        found, marks = self._read(key, names)
        if found is not None:
            return found
        with self._lock_of(key):
            found, marks = self._read(key, names)
            if found is None and not caches[self.alias].add(f"{self.prefix}:lock:{key}", 1, 5):
                found, marks = self._wait(key, names)
            if found is not None:
                return found
            return self._build(key, names, marks, build, seconds)

    def expire(self, *tags: str) -> None:
        """After the commit, make every block with one of `tags` unreadable.

        What a cache that is away does not take is owed to it: this process reads no block with
        such a tag and pays before it next looks into the cache.
        """
        if self.alias is not None:
            marks = {f"{self.prefix}:tag:{tag}": secrets.token_hex(6) for tag in tags}
            transaction.on_commit(lambda: self._change(marks))

    def _change(self, marks: dict[str, str]) -> None:
        with self._guard:
            self._owed |= marks
        self._pay()

    def _pay(self) -> None:
        with self._guard:
            owed = dict(list(self._owed.items())[-MOST_OWED:])
        refused = set(caches[self.alias or "default"].set_many(owed, 86_400))
        with self._guard:
            self._owed = {
                name: mark
                for name, mark in self._owed.items()
                if name in refused or owed.get(name, mark) != mark
            }

    def _read(self, key: str, names: list[str]) -> tuple[Any, dict[str, str]]:
        cache = caches[self.alias or "default"]
        name = f"{self.prefix}:{key}"
        near = self._near.get(key) if names else None
        if near is not None and near[2] > time.monotonic():
            marks = self._marks(cache.get_many(names), names)
            if marks == near[0] and self._owed.keys().isdisjoint(names):
                return near[1], marks
        found = cache.get_many([name, *names]) if names else {name: cache.get(name)}
        marks = self._marks(found, names)
        entry = found.get(name)
        if entry is None or entry[0] != marks or not self._owed.keys().isdisjoint(names):
            return None, marks
        if names:
            self._keep_near(key, entry[0], entry[1], entry[2])
        return entry[1], marks

    @staticmethod
    def _marks(found: dict[str, Any], names: list[str]) -> dict[str, str]:
        return {name: found.get(name, "") for name in names}

    def _keep_near(self, key: str, marks: dict[str, str], block: Any, until: float) -> None:
        left = until - time.time()
        if left <= 0 or "" in marks.values():
            return
        with self._guard:
            self._near[key] = (marks, block, time.monotonic() + left)
            self._near.move_to_end(key)
            while len(self._near) > MOST_NEAR:
                self._near.popitem(last=False)

    def _build(
        self,
        key: str,
        names: list[str],
        marks: dict[str, str],
        build: Callable[[], Any],
        seconds: int,
    ) -> Any:
        cache = caches[self.alias or "default"]
        missing = {n: secrets.token_hex(6) for n in names if not marks.get(n)}
        if missing:
            # A tag that fell out of the cache starts anew, so nothing older can match it.
            cache.set_many(missing, 86_400)
            marks = {**marks, **missing}
        try:
            block = build()
            if block is not None:
                until = time.time() + seconds
                cache.set(f"{self.prefix}:{key}", (marks, block, until), seconds)
        finally:
            cache.delete(f"{self.prefix}:lock:{key}")
        return block

    def _wait(self, key: str, names: list[str]) -> tuple[Any, dict[str, str]]:
        """Another process is building: look for its result, but never longer than WAIT_SECONDS."""
        end = time.monotonic() + WAIT_SECONDS
        found, marks = None, dict.fromkeys(names, "")
        while found is None and time.monotonic() < end:
            time.sleep(0.01)
            found, marks = self._read(key, names)
        return found, marks

    def _lock_of(self, key: str) -> threading.Lock:
        with self._guard:
            if len(self._building) > 1_000:
                self._building = {k: lock for k, lock in self._building.items() if lock.locked()}
            return self._building.setdefault(key, threading.Lock())
