"""The entitlement backend: core's contract, grants, overrides, and how few queries it takes."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.utils import timezone

from threadflow_billing import entitlements
from threadflow_billing.models import BillingAccount, Grant, Override, PlanFeature, UsageCounter
from threadflow_billing.services import accounts, grants
from threadflow_billing.swaps import get_plan_model
from threadflow_core import ports
from threadflow_core.ports import Feature
from threadflow_core.testing import assert_queries
from threadflow_core.testing.contracts import EntitlementsContract


@pytest.fixture(autouse=True)
def one_day(monkeypatch):
    """Time stands: uses are counted by the day, and no test here may see two of them."""
    now = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: now)


class TestContract(EntitlementsContract):
    @pytest.fixture
    def world(self, db, django_user_model):
        return SimpleNamespace(
            backend=ports.entitlements(),
            on="test.on",
            off="test.off",
            quota="test.quota",
            endless="test.endless",
            person=lambda name: django_user_model.objects.create_user(name),
        )

    def test_billing_is_the_backend(self, world):
        assert isinstance(world.backend, entitlements.Backend)

    def test_the_snapshot_is_one_query(self, world):
        ada = world.person("ada")
        with assert_queries(1):
            world.backend.snapshot(ada)


def plan(code):
    return get_plan_model().objects.get(code=code)


def grant(person, code="premium", **more):
    return Grant.objects.create(
        account=accounts.ensure(person), plan=plan(code), source="comp", **more
    )


@pytest.fixture
def ask():
    return ports.entitlements()


def test_a_grant_opens_and_its_end_closes(ada, ask):
    assert not ask.check(ada, "test.off")
    row = grant(ada)
    assert ask.check(ada, "test.off")
    assert ask.check(ada, "test.quota").limit == 10
    row.ends_at = timezone.now() - dt.timedelta(seconds=1)
    row.save()
    refused = ask.check(ada, "test.off")
    assert not refused
    assert refused.reason == "not_included"


def test_the_highest_of_several_grants_counts(ada, ask):
    grant(ada, "premium")
    grant(ada, "patron")
    assert ask.check(ada, "test.quota").limit is None
    assert ask.check(ada, "test.size").limit == 50


def test_a_revoked_or_future_grant_opens_nothing(ada, ask):
    grant(ada, revoked_at=timezone.now())
    grant(ada, starts_at=timezone.now() + dt.timedelta(days=1))
    assert not ask.check(ada, "test.off")


def test_an_override_stands_above_the_plan_and_a_removal_above_all(ada, ask):
    grant(ada, "patron")
    row = Override.objects.create(
        account=accounts.ensure(ada), feature="test.quota", amount=4, reason="x"
    )
    assert ask.check(ada, "test.quota").limit == 4
    row.removed = True
    row.save()
    assert ask.check(ada, "test.quota").limit == 0
    assert not ask.consume(ada, "test.quota")


def test_the_plan_of_everybody_says_what_is_free(ada, ask):
    PlanFeature.objects.filter(plan=plan("reader"), feature="test.quota").update(amount=1)
    assert ask.check(ada, "test.quota").limit == 1
    assert ask.check(AnonymousUser(), "test.quota").limit == 1


def test_a_closed_account_has_no_access(ada, ask):
    account = grant(ada).account
    BillingAccount.objects.filter(pk=account.pk).update(deleted_at=timezone.now())
    assert not ask.check(ada, "test.off")


@pytest.mark.parametrize("feature", ["test.off", "test.quota", "test.size", "test.endless"])
def test_x_a_check_is_one_query(ada, ask, feature):
    grant(ada)
    with assert_queries(1):
        ask.check(ada, feature)


def test_changes_are_announced_on_commit(ada, django_capture_on_commit_callbacks, admin):
    heard = []

    def listen(person, **kwargs):
        heard.append(person)

    ports.entitlements_changed.connect(listen)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            account = accounts.ensure(ada)
            before = account.epoch
            row = grants.give(
                staff=admin, account=account, plan=plan("premium"), days=3, reason="Thanks"
            )
            assert heard == []
        assert heard == [ada]
        with django_capture_on_commit_callbacks(execute=True):
            grants.take_back(staff=admin, grant=row, reason="Mistake")
    finally:
        ports.entitlements_changed.disconnect(listen)
    assert heard == [ada, ada]
    account.refresh_from_db()
    assert account.epoch == before + 2
    assert [t.entity for t in account.transitions.order_by("pk")] == ["grant", "grant"]


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_r_a_hundred_threads_at_a_limit_of_ten_let_exactly_ten_through(person, crowd):
    ada = person("ada")
    grant(ada)
    taken = crowd(lambda n: ports.entitlements().consume(ada, "test.quota").allowed, 100)
    assert sum(taken) == 10
    assert UsageCounter.objects.get(feature="test.quota").used == 10


@pytest.mark.django_db(transaction=True)
def test_r_the_first_use_of_many_makes_one_account(person, race):
    ada = person("ada")
    race(lambda n: ports.entitlements().consume(ada, "test.endless").allowed, 8)
    assert BillingAccount.objects.count() == 1
    assert UsageCounter.objects.get().used == 8


def test_r_days_turn_over_in_utc_whatever_the_clocks_do():
    day = Feature("quota", free=1, period="day")
    for text in ("2026-03-29T00:30:00+01:00", "2026-10-25T02:30:00+01:00"):
        now = dt.datetime.fromisoformat(text)
        period, reset = entitlements.period_of(day, now)
        assert period == f"{now.astimezone(dt.UTC):%Y-%m-%d}"
        assert reset - now.astimezone(dt.UTC).replace(
            hour=0, minute=0, second=0, microsecond=0
        ) == dt.timedelta(days=1)


def test_r_a_downgrade_below_the_use_refuses_and_deletes_nothing(ada, ask):
    row = grant(ada)
    ask.consume(ada, "test.quota", 8)
    row.revoked_at = timezone.now()
    row.save()
    decision = ask.consume(ada, "test.quota")
    assert (decision.allowed, decision.used, decision.limit, decision.remaining) == (
        False,
        8,
        3,
        0,
    )


def test_a_negative_amount_is_refused(ada, ask):
    with pytest.raises(ValueError, match="negative"):
        ask.consume(ada, "test.quota", -1)


def test_a_refused_use_under_a_key_rolls_back_with_its_transaction(ada, ask):
    with transaction.atomic():
        assert ask.consume(ada, "test.quota", 3, key="k").allowed
        transaction.set_rollback(True)
    assert ask.check(ada, "test.quota").used == 0
