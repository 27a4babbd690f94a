"""Fixtures of the drills: Redis behind a proxy that fails when told, servers, an end of threads."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import pytest_asyncio

from threadflow_core.testing.proxy import FaultProxy

from .drill_hooks import Gate
from .drilling import REDIS, Server, servers


@pytest.fixture
def proxy(redis_server: str) -> Iterator[FaultProxy]:
    parts = urlsplit(REDIS)
    with FaultProxy(parts.hostname or "127.0.0.1", parts.port or 6379) as one:
        yield one


@pytest.fixture
def core(settings: Any, proxy: FaultProxy) -> dict[str, Any]:
    """The settings of all processes of a test, this one included; Redis is behind the proxy."""
    database = urlsplit(REDIS).path or "/0"
    values = {
        "JOBS_DRIVER": "worker",
        "LIMITS": {"*": None},
        "PEOPLE": "tests.hosted.people.HostedPeople",
        "REALTIME_BACKEND": "threadflow_core.realtime.backends.redis.RedisBackend",
        "REALTIME_REDIS_URL": f"redis://127.0.0.1:{proxy.port}{database}",
        "REALTIME_REDIS_PREFIX": f"chat-{uuid.uuid4().hex}",
        "REALTIME_POSITION_SECONDS": 1.0,
    }
    settings.THREADFLOW_CORE = values
    return values


@pytest.fixture
def served_by() -> str:
    """The server that is started; F21 asks for others."""
    return "uvicorn"


@pytest.fixture
def start(
    core: Any, served_by: str, django_db_setup: None, tmp_path: Path
) -> Iterator[Callable[..., Server]]:
    yield from servers(core, served_by, tmp_path)


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    """Where a server that was started with `GATE=f"…:…:{tmp_path}"` waits."""
    return Gate(tmp_path)


@pytest_asyncio.fixture
async def threads(core: Any) -> AsyncIterator[None]:
    """Ends the threads and connections of a drill."""
    from threadflow_core.realtime import backends
    from threadflow_core.realtime.threads import close

    yield
    backends._backend = None
    await asyncio.to_thread(close)
