"""M: what time does to access, and who is told; nothing sleeps."""

from __future__ import annotations

import datetime as dt

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone

from threadflow_billing import checks, clock
from threadflow_billing.models import Grant, ReminderSent, Subscription, Transition
from threadflow_billing.services import gifts, grants, remind, watch
from threadflow_billing.services.sync import engine
from threadflow_core import jobs, ports

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("commits")]
DAY = dt.timedelta(days=1)


@pytest.fixture
def subscribe(client, world, account_of, price_of):
    def make(person, code="premium", interval="month", status="active", **more):
        sub = world.subscription(account_of(person), price_of(code, interval), status, **more)
        world.ring(client, "customer.subscription.created", sub)
        return Subscription.objects.get(provider_id=sub["id"])

    return make


@pytest.fixture
def at(monkeypatch):
    """`at(moment)`: from now on the clock of the process stands there."""

    def set_clock(moment):
        monkeypatch.setattr(timezone, "now", lambda: moment)

    return set_clock


def test_m_the_clock_walks_from_failure_over_grace_to_the_end(
    client, world, ada, subscribe, mailoutbox, at
):
    begin = timezone.now()
    row = subscribe(ada)
    ask = lambda: ports.entitlements().check(ada, "test.off").allowed  # noqa: E731
    heard = []

    def listen(person, **kwargs):
        heard.append(ask())

    stored = world.change({"object": "subscription", "id": row.provider_id}, status="past_due")
    world.ring(client, "customer.subscription.updated", stored)
    row.refresh_from_db()
    grant = Grant.objects.get()
    assert row.status == "past_due"
    assert grant.ends_at == row.grace_until
    assert dt.timedelta(days=6.9) < row.grace_until - begin < dt.timedelta(days=7.1)
    assert ask()
    # A second failure within the same row does not start the clock anew.
    world.ring(client, "invoice.payment_failed", world.invoice(
        row.account, world.there("subscription", row.provider_id), 500, status="open"))  # fmt: skip
    again = Subscription.objects.get(pk=row.pk)
    assert again.grace_until == row.grace_until

    for day in range(9):
        at(begin + day * DAY + dt.timedelta(hours=1))
        for _two_beats in range(2):
            remind.run(timezone.now())
        assert ask() is (day < 7), day
    subjects = [mail.subject for mail in mailoutbox]
    assert subjects.count("Your payment did not go through") == 3  # days 0, 3, 5
    assert subjects.count("Your access ends soon") == 1

    ports.entitlements_changed.connect(listen)
    try:
        assert grants.lapse(timezone.now()) == 1
        assert grants.lapse(timezone.now()) == 0
    finally:
        ports.entitlements_changed.disconnect(listen)
    assert heard == [False]
    assert Transition.objects.filter(entity="grant", after="ended").count() == 1

    # Paid after all: the same grant opens again.
    world.change({"object": "subscription", "id": row.provider_id}, status="active")
    world.ring(client, "customer.subscription.updated",
               world.there("subscription", row.provider_id))  # fmt: skip
    assert ask()
    assert Grant.objects.count() == 1
    row.refresh_from_db()
    assert (row.grace_until, row.past_due_at) == (None, None)


def test_m_unpaid_closes_at_once(client, world, ada, subscribe):
    row = subscribe(ada)
    stored = world.change({"object": "subscription", "id": row.provider_id}, status="unpaid")
    world.ring(client, "customer.subscription.updated", stored)
    assert not ports.entitlements().check(ada, "test.off")


def test_m_what_was_canceled_ends_with_its_period(client, world, ada, subscribe, at):
    row = subscribe(ada)
    stored = world.change(
        {"object": "subscription", "id": row.provider_id}, cancel_at_period_end=True
    )
    world.ring(client, "customer.subscription.updated", stored)
    row.refresh_from_db()
    at(row.period_end - dt.timedelta(seconds=1))
    assert ports.entitlements().check(ada, "test.off")
    at(row.period_end)
    assert not ports.entitlements().check(ada, "test.off")


def test_a_trial_opens_once_and_its_end_is_announced(
    client, world, ada, subscribe, mailoutbox, price_of
):
    from threadflow_billing.adapter import adapter

    end = world.now + 2 * 86400 + 3600
    row = subscribe(ada, status="trialing", trial_end=end, end=end)
    assert ports.entitlements().check(ada, "test.off")
    row.account.refresh_from_db()
    assert row.account.trial_used_at is not None
    price = price_of()
    price.plan.trial_days = 14
    assert adapter().trial_days(person=ada, account=row.account, price=price) == 0
    now = timezone.now()
    assert remind.run(now) == 1
    assert remind.run(now) == 0
    assert remind.run(now + DAY + dt.timedelta(hours=2)) == 1  # one day before
    assert len(mailoutbox) == 2
    assert "Your trial of Premium ends on" in mailoutbox[0].body


@pytest.mark.parametrize(("needs_card", "collection"), [(True, None), (False, "if_required")])
def test_a_trial_with_and_without_a_card(world, ada, price_of, needs_card, collection):
    from threadflow_billing.services import checkout
    from threadflow_billing.swaps import get_plan_model

    get_plan_model().objects.filter(code="premium").update(
        trial_days=14, trial_needs_card=needs_card
    )
    checkout.start(person=ada, price=price_of(), success_url="https://x/", cancel_url="https://x/")
    (call,) = world.mock.calls("POST", "/v1/checkout/sessions")
    assert call.params["subscription_data"]["trial_period_days"] == 14
    assert call.params.get("payment_method_collection") == collection


def test_yearly_renewals_are_announced_and_monthly_ones_are_not(
    world, ada, bo, subscribe, mailoutbox
):
    end = world.now + 6 * 86400
    subscribe(ada, interval="year", end=end)
    subscribe(bo, interval="month", end=end)
    assert remind.run(timezone.now()) == 1
    assert [mail.to for mail in mailoutbox] == [["ada@example.org"]]
    assert "€48" in mailoutbox[0].body


def test_a_card_that_expires_is_announced(ada, subscribe, mailoutbox):
    row = subscribe(ada)
    soon = timezone.now() + dt.timedelta(days=3)
    card = {"brand": "visa", "last4": "4242", "exp_month": soon.month, "exp_year": soon.year}
    Subscription.objects.filter(pk=row.pk).update(card=card)
    last = dt.datetime(soon.year + soon.month // 12, soon.month % 12 + 1, 1, tzinfo=dt.UTC)
    assert remind.run(last - DAY) == 1
    assert remind.run(last + DAY) == 0
    assert "4242" in mailoutbox[0].body


def test_the_end_of_a_gift_is_announced(ada, account_of, mailoutbox, world):
    from threadflow_billing.swaps import get_plan_model

    now = timezone.now()
    Grant.objects.create(
        account=account_of(ada), plan=get_plan_model().objects.get(code="premium"),
        source="gift", starts_at=now, ends_at=now + 5 * DAY,
    )  # fmt: skip
    assert remind.run(now) == 1
    assert "does not renew" in mailoutbox[0].body


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_m_two_beats_at_once_send_each_reminder_once(
    client, world, ada, subscribe, mailoutbox, race
):
    row = subscribe(ada)
    stored = world.change({"object": "subscription", "id": row.provider_id}, status="past_due")
    world.ring(client, "customer.subscription.updated", stored)
    now = timezone.now()
    sent = race(lambda n: remind.run(now), 4)
    assert sum(sent) == 1
    assert ReminderSent.objects.filter(kind="payment_failed").count() == 1
    assert len(mailoutbox) == 1


def test_reminders_go_through_the_port(settings, ada, subscribe, world, mailoutbox):
    settings.THREADFLOW_BILLING = {
        **settings.THREADFLOW_BILLING,
        "REMINDERS": "tests.test_time.Collected",
    }
    Collected.heard.clear()
    subscribe(ada, interval="year", end=world.now + 6 * 86400)
    remind.run(timezone.now())
    (reminder,) = Collected.heard
    assert (reminder.kind, reminder.person, reminder.url) == ("renewal", ada, "/premium/manage/")
    assert mailoutbox == []


class Collected:
    heard = []

    def send(self, reminder):
        self.heard.append(reminder)


def test_a_kind_can_be_switched_off(settings, ada, subscribe, world):
    settings.THREADFLOW_BILLING = {**settings.THREADFLOW_BILLING, "REMIND": {"renewal": ()}}
    subscribe(ada, interval="year", end=world.now + 6 * 86400)
    assert remind.run(timezone.now()) == 0


def test_what_should_have_moved_is_looked_at_without_a_webhook(ada, subscribe, world):
    row = subscribe(ada, end=world.now + 60)
    world.change(
        {"object": "subscription", "id": row.provider_id}, status="canceled", ended_at=world.now
    )
    assert watch.overdue(timezone.now()) == 0
    later = timezone.now() + dt.timedelta(hours=3)
    assert watch.overdue(later) == 1
    row.refresh_from_db()
    assert row.status == "canceled"
    assert not ports.entitlements().check(ada, "test.off")


def test_months_are_added_as_people_count_them():
    def ends(text, months):
        return gifts.add_months(dt.datetime.fromisoformat(text + "T10:00+00:00"), months)

    assert f"{ends('2026-01-31', 1):%F}" == "2026-02-28"
    assert f"{ends('2027-11-30', 3):%F}" == "2028-02-29"
    assert f"{ends('2026-12-15', 12):%F}" == "2027-12-15"


def test_an_older_picture_is_not_applied_directly_either(ada, subscribe, world):
    """A command's answer and a webhook's fetch may cross."""
    from threadflow_billing import dto
    from threadflow_billing.services.sync import subscriptions

    row = subscribe(ada)
    raw = {**world.there("subscription", row.provider_id), "status": "paused"}
    old = engine.Context(fetched_at=row.remote_fetched_at - dt.timedelta(seconds=1))
    assert subscriptions.apply(dto.Subscription.parse(raw), old) == "stale"
    row.refresh_from_db()
    assert row.status == "active"


def ahead():
    """A clock that is a year ahead."""
    return timezone.now() + 365 * DAY


def test_a_clock_of_ones_own_decides_and_never_with_a_live_key(
    client, world, ada, subscribe, settings
):
    row = subscribe(ada)
    world.change({"object": "subscription", "id": row.provider_id}, cancel_at_period_end=True)
    world.ring(client, "customer.subscription.updated",
               world.there("subscription", row.provider_id))  # fmt: skip
    billing = settings.THREADFLOW_BILLING
    assert ports.entitlements().check(ada, "test.off")
    settings.THREADFLOW_BILLING = {**billing, "CLOCK": "tests.test_time.ahead"}
    assert checks.check_clock(None) == []
    assert not ports.entitlements().check(ada, "test.off")
    assert jobs.drain() == 0
    assert grants.lapse(clock.now()) == 1
    ended = Transition.objects.order_by("-pk").first()
    assert ended.after == "ended"
    assert ended.created_at > timezone.now() + 364 * DAY
    settings.THREADFLOW_BILLING = {
        **billing, "CLOCK": "tests.test_time.ahead", "SECRET_KEY": "sk_live_x",
    }  # fmt: skip
    assert [found.id for found in checks.check_clock(None)] == ["threadflow_billing.E209"]
    with pytest.raises(ImproperlyConfigured):
        ports.entitlements().check(ada, "test.off")
