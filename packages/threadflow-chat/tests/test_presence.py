"""Leases: who is vouched for, by whom, until when; in this process and in Redis alike."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from threadflow_chat.live import leases
from threadflow_chat.live.leases import Lease, LocalLeases


@pytest_asyncio.fixture(params=["local", pytest.param("redis", marks=pytest.mark.redis)])
async def store(request: Any, settings: Any) -> AsyncIterator[Any]:
    if request.param == "local":
        yield LocalLeases()
        return
    pytest.importorskip("redis")
    url = request.getfixturevalue("redis_server")
    settings.THREADFLOW_CORE = {
        **settings.THREADFLOW_CORE,
        "REALTIME_BACKEND": leases.REDIS,
        "REALTIME_REDIS_URL": url,
        "REALTIME_REDIS_PREFIX": f"chat-{uuid.uuid4().hex}",
    }
    made = leases.store()
    assert isinstance(made, leases.RedisLeases)
    yield made
    await made.close()


@pytest.fixture
def now(monkeypatch: Any) -> list[float]:
    """The clock of all leases, to be set."""
    at = [1_800_000_000.0]
    monkeypatch.setattr(leases, "clock", lambda: at[0])
    return at


def keys(found: list[Lease]) -> list[str]:
    return sorted(lease.key for lease in found)


async def test_people_stay_while_somebody_vouches_for_them(store: Any, now: list[float]) -> None:
    room = str(uuid.uuid4())
    ada, bo = Lease("1", "a"), Lease("2", "b")
    assert await store.apply(room, [ada], []) == ([], [ada])
    now[0] += 30
    _expired, present = await store.apply(room, [bo], [])
    assert keys(present) == ["1", "2"]
    now[0] += 30  # nobody has renewed ada for a minute
    expired, present = await store.apply(room, [bo], [])
    assert (expired, present) == ([ada], [bo])
    assert (await store.apply(room, [], []))[0] == []  # told once
    expired, present = await store.apply(room, [], [bo])
    assert (expired, present) == ([], [])


async def test_one_person_in_two_processes_leaves_with_the_last(
    store: Any, now: list[float]
) -> None:
    room = str(uuid.uuid4())
    left, right = Lease("1", "a"), Lease("1", "b", idle=True)
    await store.apply(room, [left, right], [])
    _expired, present = await store.apply(room, [], [left])
    assert present == [right]


async def test_redis_that_is_away_changes_nothing(settings: Any, now: list[float]) -> None:
    pytest.importorskip("redis")
    settings.THREADFLOW_CORE = {
        **settings.THREADFLOW_CORE,
        "REALTIME_BACKEND": leases.REDIS,
        "REALTIME_REDIS_URL": "redis://127.0.0.1:1/0",
    }
    store = leases.store()
    room = str(uuid.uuid4())
    ada, bo = Lease("1", "a"), Lease("2", "a")
    assert await store.apply(room, [ada], []) == ([], [ada])
    assert await store.apply(room, [bo], []) == ([], [ada, bo])
    assert await store.apply(room, [], [ada]) == ([], [bo])
    await store.close()


def test_a_lease_survives_its_text() -> None:
    for lease in (Lease("7", "abc"), Lease(str(uuid.uuid4()), "f00", idle=True)):
        assert Lease.unpack(lease.pack()) == lease
