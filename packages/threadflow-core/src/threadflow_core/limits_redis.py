"""The limiter's count in Redis: one script. When Redis fails, the caller counts in SQL."""

from __future__ import annotations

import logging
import os
import time
from typing import Any

from . import limits
from .limits import Count

log = logging.getLogger(__name__)

REST = 5.0  # seconds without asking Redis after a failure, so that a hang costs one short wait
TIMEOUT = 0.25

_SCRIPT = """
local cost, period, cap, now = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
if now == '' then
  local t = redis.call('TIME')
  now = tonumber(t[1]) + tonumber(t[2]) / 1000000
else
  now = tonumber(now)
end
local row = redis.call('HMGET', KEYS[1], 's', 'c', 'p')
local started, count, previous = tonumber(row[1]), tonumber(row[2]), tonumber(row[3])
if not started or now - started >= 2 * period then
  started, count, previous = now, 0, 0
elseif now - started >= period then
  started, count, previous = started + period, 0, count
end
count = math.min(count + cost, cap)
redis.call('HSET', KEYS[1], 's', string.format('%.6f', started), 'c', count, 'p', previous)
redis.call('PEXPIRE', KEYS[1], 2000 * period)
return {count, previous, string.format('%.6f', now - started)}
"""

_clients: dict[tuple[int, str], Any] = {}
_resting: dict[str, float] = {}


def count(url: str, key: str, cost: int, period: int, cap: int) -> Count | None:
    """Add `cost` to the key's window and return it; None when Redis does not answer."""
    if _resting.get(url, 0.0) > time.monotonic():
        return None
    now = "" if limits.clock is None else repr(float(limits.clock()))
    try:
        _, script = _client(url)
        current, previous, age = script(keys=[_name(key)], args=[cost, period, cap, now])
    except _errors() as error:
        _rest(url, error)
        return None
    return Count(int(current), int(previous), max(0.0, float(age)))


def forget(url: str, key: str) -> None:
    try:
        _client(url)[0].delete(_name(key))
    except _errors() as error:
        _rest(url, error)


def _name(key: str) -> str:
    return f"threadflow:limit:{key}"


def _rest(url: str, error: BaseException) -> None:
    _resting[url] = time.monotonic() + REST
    log.warning("limits are counted in SQL for %s s: %s", REST, error)


def _client(url: str) -> Any:
    key = (os.getpid(), url)  # a socket must not be shared with a forked worker
    if key not in _clients:
        import redis

        client = redis.Redis.from_url(
            url, socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT, retry=None
        )
        _clients[key] = (client, client.register_script(_SCRIPT))
    return _clients[key]


def _errors() -> tuple[type[BaseException], ...]:
    import redis

    return (redis.RedisError, OSError)
