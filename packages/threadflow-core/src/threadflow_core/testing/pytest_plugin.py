"""Fixtures for the suites of packages and of sites: `pytest_plugins = ["…this module…"]`.

Every test runs under the socket guard; a service that is not there skips a test with the
reason, or fails it when `REQUIRE` names it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from . import sockets
from .racing import race as _race


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "postgres: needs PostgreSQL")
    config.addinivalue_line("markers", "redis: needs a Redis server")
    config.addinivalue_line("markers", "outside: may leave loopback (never in the shipped suites)")


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("postgres") is None:
        return
    from django.db import connection

    if connection.vendor != "postgresql":
        missing("postgres", "DATABASE_URL names no PostgreSQL")


@pytest.fixture(autouse=True)
def _stays_on_this_machine(request: pytest.FixtureRequest) -> Iterator[None]:
    if request.node.get_closest_marker("outside"):
        yield
        return
    with sockets.only_loopback() as refused:
        yield
    if refused:
        pytest.fail(f"The test tried to reach {', '.join(sorted(set(refused)))}.")


@pytest.fixture
def race() -> Callable[..., list[Any]]:
    """`race(fn, n)`: see `testing.race`."""
    return _race


@pytest.fixture(scope="session")
def redis_server() -> str:
    """Address of a Redis that answers: `REDIS_URL`, else this machine's."""
    url = os.environ.get("REDIS_URL", "redis://127.0.0.1:6379/0")
    try:
        import redis

        redis.Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2).ping()
    except Exception as error:
        missing("redis", f"{url} does not answer: {error}")
    return url


@pytest.fixture
def redis_url(redis_server: str) -> Iterator[str]:
    """A Redis without our keys, before and after the test."""
    import redis

    client = redis.Redis.from_url(redis_server)

    def clear() -> None:
        keys = list(client.scan_iter("threadflow:limit:*"))
        if keys:
            client.delete(*keys)

    clear()
    yield redis_server
    clear()


def missing(what: str, why: str) -> None:
    """Skip with the reason, or fail where `REQUIRE` says that it must be there."""
    required = os.environ.get("REQUIRE", "").replace(" ", "").split(",")
    if what in required:
        pytest.fail(f"{what} is required: {why}")
    pytest.skip(why)
