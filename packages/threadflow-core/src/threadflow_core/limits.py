"""How often something may be tried: exact under any burst, in SQL or in Redis.

A limit counts tries in a window that starts with the first one and carries the last window's
count over, weighted by what is left of it. So a burst lets exactly `amount` through, there is no
edge where twice as many pass, and a refused try stays counted: hammering does not help.
"""

from __future__ import annotations

import ipaddress
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from django.core.checks import CheckMessage, Error, Warning
from django.db import connections, router
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from .app_settings import app_settings
from .exceptions import LimitExceeded

#: The address of who has none: unix sockets and garbage share one key.
NOWHERE = "0.0.0.0"  # noqa: S104 - nothing is bound to it

_RATE = re.compile(r"(\d+)/(\d*)([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}

declared: dict[str, Limit] = {}


@dataclass(frozen=True, slots=True)
class Limit:
    """`amount` tries per `period` seconds, written `"6/10m"`, `"100/h"`, `"5/s"`.

    A `secret` limit guards a password, a code or money: it is always counted in SQL, so
    that emptying Redis gives nobody new tries. Sites override the rate by name in `LIMITS`.
    """

    name: str
    rate: str
    secret: bool = False
    amount: int = field(init=False, default=0)
    period: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        amount, period = parse_rate(self.rate)
        object.__setattr__(self, "amount", amount)
        object.__setattr__(self, "period", period)
        declared.setdefault(self.name, self)

    @classmethod
    def parse(cls, name: str, rate: str, *, secret: bool = False) -> Limit:
        return cls(name, rate, secret)

    def effective(self) -> tuple[int, int] | None:
        """Amount and period after the site's override, None where the site switched it off."""
        overrides = app_settings.LIMITS
        if self.name in overrides or "*" in overrides:
            rate = overrides.get(self.name, overrides.get("*"))
            return None if rate is None else parse_rate(rate)
        return self.amount, self.period


@dataclass(frozen=True, slots=True)
class Count:
    """State of a window right after a try: both counts and the seconds since it began."""

    current: int
    previous: int
    age: float


@lru_cache(maxsize=512)
def parse_rate(rate: str) -> tuple[int, int]:
    """`"6/10m"` → `(6, 600)`; raises ValueError."""
    match = _RATE.fullmatch(rate.replace(" ", ""))
    if match is None or (match[2] and int(match[2]) == 0):
        raise ValueError(f"{rate!r} is not a rate such as '6/10m', '100/h' or '5/s'.")
    return int(match[1]), int(match[2] or 1) * _SECONDS[match[3]]


def spend(limit: Limit, who: Any, cost: int = 1) -> int:
    """Count `cost` tries of `who` and return how many are left; raises LimitExceeded.

    `who` is a request (its person, else its address), a person, an address or any other
    string. Call it before the transaction of the work: a rollback must not give tries back.
    """
    rule = limit.effective()
    if rule is None:
        return cost
    amount, period = rule
    count = _count(limit, key_of(limit, who), cost, amount, period)
    left = amount - _used(count, period)
    if left < 0:
        raise LimitExceeded(_wait(count, amount, period, cost))
    return math.floor(left)


def forget(limit: Limit, who: Any) -> None:
    """Give `who` a fresh start, for example after a correct code."""
    from . import limits_redis, limits_sql

    key = key_of(limit, who)
    limits_sql.forget(_database(), key)
    if app_settings.LIMITS_REDIS_URL and not limit.secret:
        limits_redis.forget(app_settings.LIMITS_REDIS_URL, key)


def key_of(limit: Limit, who: Any) -> str:
    """The stored key: a keyed hash, so that the table holds no address and no name."""
    text = f"{limit.name}|{identity(who)}".encode("utf-8", "backslashreplace")
    return salted_hmac("threadflow.limits", text, algorithm="sha256").hexdigest()


def identity(who: Any) -> str:
    """`u:<pk>` of a person, `ip:<network>` of an address, else the string itself."""
    if isinstance(who, HttpRequest) or hasattr(who, "META"):
        person = getattr(who, "user", None)
        if person is not None and person.is_authenticated:
            return f"u:{person.pk}"
        return identity(client_ip(who))
    if isinstance(who, str):
        try:
            return f"ip:{network(who)}"
        except ValueError:
            return f"s:{who}"
    if getattr(who, "pk", None) is None:
        raise TypeError(f"Nobody to count: {who!r} is no request, person or string.")
    return f"u:{who.pk}"


def network(address: str) -> str:
    """What is counted for an address: an IPv4 address itself, the /64 of an IPv6 address."""
    ip = ipaddress.ip_address(address.strip())
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return str(ip.ipv4_mapped)
        return str(ipaddress.ip_network((int(ip) >> 64 << 64, 64)))
    return str(ip)


def client_ip(request: Any) -> str:
    """The client's address, seen through the proxies of `TRUSTED_PROXIES` and no others.

    `X-Forwarded-For` is read from its right end for as long as the speaker is trusted, so a
    client cannot write its own.
    """
    address = str(request.META.get("REMOTE_ADDR") or NOWHERE)
    trusted = _networks(tuple(app_settings.TRUSTED_PROXIES))
    hops = [h.strip() for h in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if h.strip()]
    while hops and _within(address, trusted):
        address = hops.pop()
    try:
        return str(ipaddress.ip_address(address))
    except ValueError:
        return NOWHERE


def limits_check(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Report overrides that are no rate or name no limit."""
    found: list[CheckMessage] = []
    for name, rate in app_settings.LIMITS.items():
        if name != "*" and name not in declared:
            found.append(
                Warning(
                    f"THREADFLOW_CORE['LIMITS'] names {name!r}, which no installed app declares.",
                    id="threadflow_core.W021",
                )
            )
        try:
            parse_rate(rate) if rate is not None else None
        except (ValueError, AttributeError) as error:
            found.append(Error(f"LIMITS[{name!r}]: {error}", id="threadflow_core.E021"))
    return found


def _count(limit: Limit, key: str, cost: int, amount: int, period: int) -> Count:
    from . import limits_redis, limits_sql

    # The count stops at twice the amount: who hammered waits at most two periods.
    cap = amount + max(amount, 1)
    url = app_settings.LIMITS_REDIS_URL
    if url and not limit.secret:
        count = limits_redis.count(url, key, cost, period, cap)
        if count is not None:
            return count
    return limits_sql.count(_database(), key, cost, period, cap)


def _database() -> Any:
    from .records import RateCount

    return connections[router.db_for_write(RateCount)]


def _used(count: Count, period: int) -> float:
    return count.current + count.previous * max(0.0, 1 - count.age / period)


def _wait(count: Count, amount: int, period: int, cost: int) -> int:
    """Seconds until `cost` would pass, if nothing is tried meanwhile."""
    room = amount - cost
    if room < 0:
        return period
    if count.current <= room:
        seconds = period * (1 - (room - count.current) / count.previous) - count.age
    else:
        seconds = period - count.age + period * (1 - room / count.current)
    return max(1, math.ceil(seconds))


@lru_cache(maxsize=8)
def _networks(
    ranges: tuple[str, ...],
) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    return tuple(ipaddress.ip_network(r, strict=False) for r in ranges)


def _within(address: str, networks: tuple[Any, ...]) -> bool:
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(ip in network for network in networks)


#: Replaces the database's and Redis' clock in tests (`testing.clock`); epoch seconds.
clock: Callable[[], float] | None = None
