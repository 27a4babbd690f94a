"""Contract suites: what every backend of a port promises, as classes to inherit in a test.

class TestMyEntitlements(EntitlementsContract):
    @pytest.fixture
    def world(self): return MyWorld()
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol

import pytest

from ..ports import Decision, Entitlements
from .racing import race


class World(Protocol):
    """What the suite needs of a backend's surroundings."""

    backend: Entitlements
    #: Codes of a bool feature that is on, one that is off, a quota of 3 and an unlimited one.
    on: str
    off: str
    quota: str
    endless: str

    def person(self, name: str) -> Any:
        """A saved person with these features."""


class EntitlementsContract:
    """Of `check`, `consume`, `settle`, `release` and `snapshot`."""

    @pytest.fixture
    def world(self, db: None) -> World:
        raise NotImplementedError("Give the suite a `world` fixture.")

    def test_on_and_off(self, world: World) -> None:
        ada = world.person("ada")
        assert world.backend.check(ada, world.on).allowed
        refused = world.backend.check(ada, world.off)
        assert not refused.allowed
        assert refused.reason

    def test_nobody_is_answered_too(self, world: World) -> None:
        from django.contrib.auth.models import AnonymousUser

        assert isinstance(world.backend.check(AnonymousUser(), world.off), Decision)

    def test_checking_takes_nothing(self, world: World) -> None:
        ada = world.person("ada")
        before = world.backend.check(ada, world.quota)
        after = world.backend.check(ada, world.quota)
        assert before.used == after.used == 0
        assert (after.limit, after.remaining) == (3, 3)

    def test_a_quota_ends(self, world: World) -> None:
        ada = world.person("ada")
        used = [world.backend.consume(ada, world.quota).used for _ in range(3)]
        assert used == [1, 2, 3]
        refused = world.backend.consume(ada, world.quota)
        assert (refused.allowed, refused.used, refused.remaining) == (False, 3, 0)
        assert refused.reason
        assert not world.backend.check(ada, world.quota).allowed
        assert world.backend.consume(world.person("bo"), world.quota).allowed

    def test_all_or_nothing(self, world: World) -> None:
        ada = world.person("ada")
        world.backend.consume(ada, world.quota, 2)
        assert not world.backend.consume(ada, world.quota, 2).allowed
        assert not world.backend.consume(ada, world.quota, 99).allowed
        assert world.backend.check(ada, world.quota).remaining == 1

    def test_without_end(self, world: World) -> None:
        decision = world.backend.consume(world.person("ada"), world.endless, 1_000)
        assert decision.allowed
        assert decision.limit is None

    def test_a_quota_says_when_it_starts_anew(self, world: World) -> None:
        decision = world.backend.check(world.person("ada"), world.quota)
        assert isinstance(decision.reset_at, datetime)
        assert decision.reset_at.tzinfo is not None

    def test_a_key_takes_once(self, world: World) -> None:
        ada = world.person("ada")
        for _ in range(3):
            assert world.backend.consume(ada, world.quota, 2, key="k1").allowed
        assert world.backend.check(ada, world.quota).used == 2

    def test_settling_corrects_once(self, world: World) -> None:
        ada = world.person("ada")
        world.backend.consume(ada, world.quota, 3, key="k1")
        world.backend.settle("k1", 1)
        world.backend.settle("k1", 3)
        world.backend.release("k1")
        assert world.backend.check(ada, world.quota).used == 1

    def test_the_actual_use_may_pass_the_limit(self, world: World) -> None:
        ada = world.person("ada")
        world.backend.consume(ada, world.quota, 2, key="k1")
        world.backend.settle("k1", 5)
        assert world.backend.check(ada, world.quota).remaining == 0

    def test_releasing_gives_back_once(self, world: World) -> None:
        ada = world.person("ada")
        world.backend.consume(ada, world.quota, 2, key="k1")
        world.backend.release("k1")
        world.backend.release("k1")
        world.backend.settle("k1", 3)
        assert world.backend.check(ada, world.quota).used == 0

    def test_unknown_keys_change_nothing(self, world: World) -> None:
        world.backend.settle("nobody", 3)
        world.backend.release("nobody")

    def test_a_refused_key_holds_nothing(self, world: World) -> None:
        ada = world.person("ada")
        assert not world.backend.consume(ada, world.quota, 4, key="k1").allowed
        world.backend.settle("k1", 3)
        assert world.backend.check(ada, world.quota).used == 0

    def test_a_snapshot_holds_every_feature(self, world: World) -> None:
        ada = world.person("ada")
        world.backend.consume(ada, world.quota)
        found = world.backend.snapshot(ada)
        assert {world.on, world.off, world.quota, world.endless} <= set(found)
        assert found[world.quota].used == 1
        assert not found[world.off].allowed

    @pytest.mark.django_db(transaction=True)
    def test_a_burst_takes_exactly_the_quota(self, world: World) -> None:
        ada = world.person("ada")
        taken = race(lambda n: world.backend.consume(ada, world.quota).allowed, 20)
        assert sum(taken) == 3
        assert world.backend.check(ada, world.quota).used == 3

    @pytest.mark.django_db(transaction=True)
    def test_a_key_used_by_many_at_once_takes_once(self, world: World) -> None:
        ada = world.person("ada")
        race(lambda n: world.backend.consume(ada, world.quota, 2, key="k1"), 10)
        assert world.backend.check(ada, world.quota).used == 2


class JobsDriverContract:
    """Of a jobs driver: what was committed is run, once and soon; what was rolled back is not.

    `emit(n)` emits the n-th event in a transaction of its own, `finish()` lets the driver work
    until it is idle, `ran()` lists the numbers whose handler has run.
    """

    @pytest.fixture
    def driver(self) -> JobsDriver:
        raise NotImplementedError("Give the suite a `driver` fixture.")

    @pytest.mark.django_db(transaction=True)
    def test_runs_what_was_committed(self, driver: JobsDriver) -> None:
        for number in range(5):
            driver.emit(number)
        driver.finish()
        assert sorted(driver.ran()) == [0, 1, 2, 3, 4]

    @pytest.mark.django_db(transaction=True)
    def test_forgets_what_was_rolled_back(self, driver: JobsDriver) -> None:
        from django.db import transaction

        with transaction.atomic():
            driver.emit(1)
            transaction.set_rollback(True)
        driver.finish()
        assert driver.ran() == []

    @pytest.mark.django_db(transaction=True)
    def test_many_at_once_run_once_each(self, driver: JobsDriver) -> None:
        race(driver.emit, 20)
        driver.finish()
        assert sorted(driver.ran()) == list(range(20))


class JobsDriver(Protocol):
    emit: Callable[[int], Any]
    finish: Callable[[], Any]
    ran: Callable[[], list[int]]
