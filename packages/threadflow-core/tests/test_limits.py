"""The limiter: exact in a burst, in each store, and hard to talk out of it."""

from __future__ import annotations

import math

import pytest
from django.db import connection
from django.test import RequestFactory, override_settings

from threadflow_core import limits, limits_redis, limits_sql
from threadflow_core.exceptions import LimitExceeded
from threadflow_core.limits import Limit
from threadflow_core.testing import clock, race

POST = Limit("test.post", "6/10m")
CODE = Limit("test.code", "5/m", secret=True)


def tries(limit, who, times, cost=1):
    passed = 0
    for _ in range(times):
        try:
            limits.spend(limit, who, cost)
            passed += 1
        except LimitExceeded:
            pass
    return passed


@pytest.fixture(params=["sql", "redis"])
def store(request, settings, db):
    if request.param == "redis":
        settings.THREADFLOW_CORE = {
            **settings.THREADFLOW_CORE,
            "LIMITS_REDIS_URL": request.getfixturevalue("redis_url"),
        }
    return request.param


@pytest.mark.parametrize(
    ("rate", "parsed"),
    [("6/10m", (6, 600)), ("100/h", (100, 3600)), ("5/s", (5, 1)), ("1/2d", (1, 172800))],
)
def test_rates(rate, parsed):
    assert limits.parse_rate(rate) == parsed


@pytest.mark.parametrize("rate", ["", "6", "6/x", "6/0m", "m/6", "-1/m", "1/m extra"])
def test_what_is_no_rate_is_refused_when_declared(rate):
    with pytest.raises(ValueError, match="not a rate"):
        Limit("test.bad", rate)


def test_lets_the_amount_through_and_then_says_when_to_return(store):
    with clock(1_000_000) as now:
        assert [limits.spend(POST, "ada") for _ in range(6)] == [5, 4, 3, 2, 1, 0]
        with pytest.raises(LimitExceeded) as refused:
            limits.spend(POST, "ada")
        wait = refused.value.retry_after
        assert 600 < wait <= 1200
        now.forward(wait)
        limits.spend(POST, "ada")


def test_people_do_not_share_a_count(store):
    assert tries(POST, "ada", 10) == 6
    assert tries(POST, "bo", 10) == 6


def test_the_last_window_counts_on_by_what_is_left_of_it(store):
    with clock(1_000_000) as now:
        assert tries(POST, "ada", 6) == 6
        now.forward(600)
        assert tries(POST, "ada", 6) == 0, "a new window is no fresh start"
    with clock(2_000_000) as now:
        assert tries(POST, "bo", 6) == 6
        now.forward(900)
        assert tries(POST, "bo", 6) == 3, "half a window later, half is free"


def test_a_refused_try_stays_counted_but_waiting_is_bounded(store):
    with clock(1_000_000) as now:
        tries(POST, "ada", 500)
        now.forward(1199)
        assert tries(POST, "ada", 1) == 1


def test_a_try_may_cost_more(store):
    assert tries(POST, "ada", 3, cost=3) == 2
    with pytest.raises(LimitExceeded):
        limits.spend(POST, "bo", cost=7)


def test_the_wait_is_right_for_any_cost(store):
    with clock(1_000_000) as now:
        tries(POST, "ada", 4)
        now.forward(650)
        with pytest.raises(LimitExceeded) as refused:
            limits.spend(POST, "ada", cost=4)
        now.forward(refused.value.retry_after)
        limits.spend(POST, "ada", cost=4)


def test_forget_gives_a_fresh_start(store):
    tries(POST, "ada", 9)
    limits.forget(POST, "ada")
    assert tries(POST, "ada", 9) == 6


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", ["sql", "redis"])
def test_a_burst_of_sixty_lets_exactly_the_amount_through(kind, settings, request):
    if kind == "redis":
        settings.THREADFLOW_CORE = {
            **settings.THREADFLOW_CORE,
            "LIMITS_REDIS_URL": request.getfixturevalue("redis_url"),
        }

    def one(_number):
        try:
            limits.spend(POST, "burst")
        except LimitExceeded:
            return False
        return True

    assert sum(race(one, 60)) == 6
    assert sum(race(one, 20)) == 0


def test_a_secret_limit_never_asks_redis(db, settings, redis_url, monkeypatch):
    settings.THREADFLOW_CORE = {**settings.THREADFLOW_CORE, "LIMITS_REDIS_URL": redis_url}
    monkeypatch.setattr(limits_redis, "count", lambda *a: pytest.fail("asked Redis"))
    assert tries(CODE, "ada", 9) == 5


def test_a_dead_redis_is_counted_in_sql_and_then_left_alone(db, settings, caplog):
    url = "redis://127.0.0.1:1/0"
    settings.THREADFLOW_CORE = {**settings.THREADFLOW_CORE, "LIMITS_REDIS_URL": url}
    assert tries(POST, "ada", 9) == 6
    assert caplog.text.count("counted in SQL") == 1, "asked once, not nine times"
    limits_redis._resting.clear()


def test_overrides_by_name_and_for_all(db, settings):
    base = settings.THREADFLOW_CORE
    settings.THREADFLOW_CORE = {**base, "LIMITS": {"test.post": "2/m"}}
    assert tries(POST, "ada", 9) == 2
    settings.THREADFLOW_CORE = {**base, "LIMITS": {"test.post": None}}
    assert tries(POST, "ada", 9) == 9
    settings.THREADFLOW_CORE = {**base, "LIMITS": {"*": None, "test.post": "1/m"}}
    assert (tries(POST, "bo", 9), tries(CODE, "bo", 9)) == (1, 9)


def test_the_check_names_bad_overrides(settings):
    settings.THREADFLOW_CORE = {"LIMITS": {"test.post": "often", "nobody.knows": "1/m", "*": None}}
    assert [m.id for m in limits.limits_check(None)] == [
        "threadflow_core.E021",
        "threadflow_core.W021",
    ]


def test_the_table_holds_no_address(db):
    from threadflow_core.models import RateCount

    limits.spend(POST, "203.0.113.9")
    (row,) = RateCount.objects.all()
    assert "203" not in row.key and len(row.key) == 64


def test_prune_removes_what_no_longer_counts(db):
    with clock(1_000):
        limits.spend(POST, "old")
    limits.spend(POST, "new")
    assert limits_sql.prune(connection) == 1
    assert tries(POST, "new", 9) == 5


def test_any_string_can_be_counted(db):
    assert tries(POST, "\ud800", 9) == 6


def test_one_statement_per_try(db, django_assert_num_queries):
    with django_assert_num_queries(1):
        limits.spend(POST, "ada")


class TestWho:
    def test_a_person_counts_wherever_they_are(self, django_user_model):
        ada = django_user_model(pk=7, username="ada")
        request = RequestFactory().get("/", REMOTE_ADDR="203.0.113.9")
        request.user = ada
        assert limits.identity(request) == limits.identity(ada) == "u:7"

    def test_an_address_with_v6_by_its_64(self):
        assert limits.identity("203.0.113.9") == "ip:203.0.113.9"
        assert limits.identity("2001:db8::1") == limits.identity("2001:db8::ffff")
        assert limits.identity("2001:db8::1") != limits.identity("2001:db8:0:1::1")
        assert limits.identity("::ffff:203.0.113.9") == "ip:203.0.113.9"

    def test_any_other_string(self):
        assert limits.identity("+4930123456") == "s:+4930123456"

    def test_nobody_is_an_error(self, django_user_model):
        with pytest.raises(TypeError):
            limits.identity(django_user_model())

    def ip(self, forwarded, remote="203.0.113.9", trusted=()):
        request = RequestFactory().get("/", REMOTE_ADDR=remote, HTTP_X_FORWARDED_FOR=forwarded)
        with override_settings(THREADFLOW_CORE={"TRUSTED_PROXIES": trusted}):
            return limits.client_ip(request)

    def test_a_client_cannot_write_its_own_address(self):
        assert self.ip("198.51.100.7") == "203.0.113.9"

    def test_trusted_proxies_are_seen_through_from_the_right(self):
        own = ("10.0.0.0/8",)
        assert self.ip("198.51.100.7", "10.0.0.1", own) == "198.51.100.7"
        assert self.ip("6.6.6.6, 198.51.100.7, 10.0.0.2", "10.0.0.1", own) == "198.51.100.7"
        assert self.ip("rubbish", "10.0.0.1", own) == limits.NOWHERE
        assert self.ip("", "10.0.0.1", own) == "10.0.0.1"

    def test_a_unix_socket_has_an_address_too(self):
        assert self.ip("", "") == limits.NOWHERE


def test_wait_is_never_zero():
    assert limits._wait(limits.Count(7, 0, 599.99), 6, 600, 1) >= 1
    assert math.isfinite(limits._wait(limits.Count(0, 12, 0.0), 6, 600, 6))
