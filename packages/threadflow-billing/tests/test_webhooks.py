"""The doorbell and what follows: duplicates, disorder, loss, and what is not Stripe's."""

from __future__ import annotations

import datetime as dt
import itertools
import json
import time

import pytest
from django.test import Client
from django.utils import timezone

from threadflow_billing.models import (
    BillingAccount,
    Grant,
    LedgerEntry,
    LedgerTransaction,
    ObjectSync,
    PaymentOrder,
    Subscription,
    Transition,
    WebhookEvent,
)
from threadflow_billing.services import ledger, sync, webhooks
from threadflow_core import jobs, ports
from threadflow_core.jobs.models import OutboxEvent
from threadflow_core.testing import assert_queries

from .world import post

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("commits")]


@pytest.fixture
def by_hand(settings):
    """Jobs wait until they are drained."""
    settings.THREADFLOW_CORE = {**settings.THREADFLOW_CORE, "JOBS_DRIVER": "worker"}


def has(person, feature="test.off"):
    return ports.entitlements().check(person, feature).allowed


def test_a_paid_subscription_opens_its_plan(client, world, ada, account_of, price_of):
    sub = world.subscription(account_of(ada), price_of())
    assert not has(ada)
    assert world.ring(client, "customer.subscription.created", sub).status_code == 200
    assert has(ada)
    row = Subscription.objects.get()
    assert (row.status, row.price.plan.code, row.anomaly) == ("active", "premium", "")
    assert row.period_end is not None
    assert WebhookEvent.objects.get().state == "done"
    step = Transition.objects.filter(entity="subscription").get()
    assert (step.before, step.after, step.actor_kind) == ("", "active", "stripe")
    assert step.cause == WebhookEvent.objects.get().event_id


@pytest.mark.django_db(transaction=True)
@pytest.mark.postgres
def test_a_the_same_event_fifty_times_at_once_has_one_effect(
    world, ada, account_of, price_of, crowd, by_hand
):
    account = account_of(ada)
    sub = world.subscription(account, price_of())
    invoice = world.invoice(account, sub, 500)
    event = world.event("invoice.paid", invoice)
    answers = crowd(lambda n: world.send(Client(), event).status_code, 50)
    assert answers == [200] * 50
    assert WebhookEvent.objects.count() == 1
    assert OutboxEvent.objects.filter(handler="billing.sync").count() == 1
    jobs.drain()
    assert PaymentOrder.objects.count() == 1
    assert LedgerTransaction.objects.count() == 1
    assert ledger.audit() == []


TYPES = (
    "customer.subscription.created",
    "customer.subscription.updated",
    "invoice.paid",
    "checkout.session.completed",
    "customer.subscription.deleted",
)
ORDERS = list(itertools.permutations(range(5)))


@pytest.mark.parametrize(
    "slice_", [0, *(pytest.param(n, marks=pytest.mark.slow) for n in range(1, 10))]
)
def test_b_all_120_orders_reach_the_same_end(
    client, world, person, account_of, price_of, slice_, by_hand
):
    """Each order is a subscription of its own; what was fetched is the state at the end."""
    price = price_of()
    ends = set()
    for number, order in enumerate(ORDERS[slice_::10]):
        ada = person(f"p{number}")
        account = account_of(ada)
        bought = PaymentOrder.objects.create(
            account=account, purpose="subscription", price=price, amount=500, currency="eur",
            session_id=f"cs_{number}", state="pending",
        )  # fmt: skip
        sub = world.subscription(account, price, order=bought)
        invoice = world.invoice(account, sub, 500, reason="subscription_create")
        session = world.mock.make(
            "checkout.session", id=f"cs_{number}", client_reference_id=str(bought.pk),
            customer=account.customer_id, subscription=sub["id"], invoice=invoice["id"],
            status="complete", payment_status="paid", amount_total=500, payment_intent=None,
        )  # fmt: skip
        things = [sub, sub, invoice, session, sub]
        gone = False
        for index in order:
            if index == 4:
                world.there("subscription", sub["id"]).update(status="canceled", ended_at=world.now)
                gone = True
            world.ring(client, TYPES[index], things[index])
            jobs.drain()
        assert gone
        row = Subscription.objects.get(provider_id=sub["id"])
        bought.refresh_from_db()
        revoked = [g.revoked_at is not None for g in Grant.objects.filter(account=account)]
        ends.add(
            (row.status, bought.state, bought.amount, bought.subscription_id == row.pk,
             PaymentOrder.objects.filter(account=account).count(), has(ada), all(revoked))
        )  # fmt: skip
    assert ends == {("canceled", "paid", 500, True, 1, False, True)}
    assert LedgerTransaction.objects.count() == 12
    assert ledger.audit() == []


def test_c_a_late_active_after_the_end_stays_ended(client, world, ada, account_of, price_of):
    sub = world.subscription(account_of(ada), price_of())
    world.ring(client, "customer.subscription.created", sub)
    ended = world.change(sub, status="canceled", ended_at=world.now)
    world.ring(client, "customer.subscription.deleted", ended)
    assert not has(ada)
    revived = world.change(sub, status="active", ended_at=None)
    world.ring(client, "customer.subscription.updated", revived)
    row = Subscription.objects.get()
    assert row.status == "canceled"
    assert "active" in row.anomaly
    assert not has(ada)


def test_d_the_end_of_an_old_subscription_leaves_the_new_one(
    client, world, ada, account_of, price_of
):
    account = account_of(ada)
    old = world.subscription(account, price_of())
    world.ring(client, "customer.subscription.created", old)
    new = world.subscription(account, price_of("patron"))
    world.ring(client, "customer.subscription.created", new)
    stored = world.there("subscription", old["id"])
    stored.update(status="canceled", ended_at=world.now)
    world.ring(client, "customer.subscription.deleted", stored)
    assert has(ada)
    assert ports.entitlements().check(ada, "test.size").limit == 50
    assert Subscription.objects.get(provider_id=new["id"]).previous.provider_id == old["id"]


@pytest.mark.allow_bad_requests
def test_e_three_failures_are_tried_again_and_have_one_effect(
    client, world, ada, account_of, price_of, by_hand
):
    account = account_of(ada)
    sub = world.subscription(account, price_of())
    invoice = world.invoice(account, sub, 500)
    world.mock.fail_next(times=3, status=500, match="/v1/invoices")
    world.ring(client, "invoice.paid", invoice)
    now = timezone.now()
    for n in range(1, 8):
        jobs.drain(now=now + dt.timedelta(hours=n))
    assert PaymentOrder.objects.get().state == "paid"
    assert LedgerTransaction.objects.count() == 1
    assert ObjectSync.objects.get(pk=f"invoice:{invoice['id']}").error == ""


def test_e_what_was_fetched_before_a_newer_picture_is_not_applied(
    world, ada, account_of, price_of, by_hand
):
    """A worker that slept between fetch and apply finds that somebody was faster."""
    account = account_of(ada)
    sub = world.subscription(account, price_of())
    key = f"subscription:{sub['id']}"
    sync.mark(key)
    sync.run(key)
    later = timezone.now() + dt.timedelta(minutes=1)
    ObjectSync.objects.filter(pk=key).update(fetched_at=later)
    world.there("subscription", sub["id"])["status"] = "past_due"
    sync.mark(key)
    assert sync.run(key) == "stale"
    assert Subscription.objects.get().status == "active"


def test_e_an_effect_that_was_applied_and_not_acknowledged_is_not_repeated(
    world, ada, account_of, price_of, by_hand
):
    account = account_of(ada)
    sub = world.subscription(account, price_of())
    invoice = world.invoice(account, sub, 500)
    key = f"invoice:{invoice['id']}"
    sync.mark(key)
    for _ in range(3):
        sync.run(key, force=True)
    assert LedgerTransaction.objects.count() == 1
    assert LedgerEntry.objects.balance("stripe_balance", "eur") == 455
    assert Transition.objects.filter(entity="order", after="paid").count() == 1


def test_f_nothing_is_lost_while_no_worker_runs(client, world, ada, account_of, price_of, by_hand):
    sub = world.subscription(account_of(ada), price_of())
    for _ in range(14):
        world.ring(client, "customer.subscription.updated", sub)
    assert not has(ada)
    assert webhooks.behind().count() == 1
    before = len(world.mock.calls("GET", "/v1/subscriptions"))
    jobs.drain()
    assert has(ada)
    assert webhooks.behind().count() == 0
    # Fourteen rings, one look.
    assert len(world.mock.calls("GET", "/v1/subscriptions")) - before == 1
    assert set(WebhookEvent.objects.values_list("state", flat=True)) == {"done"}


@pytest.mark.django_db(transaction=True)
def test_g_a_database_that_fails_answers_500_and_keeps_nothing(
    client, world, ada, account_of, price_of
):
    from django.db import connection

    sub = world.subscription(account_of(ada), price_of())
    client.raise_request_exception = False

    def broken(execute, sql, params, many, context):
        if "objectsync" in sql:
            raise RuntimeError("the database is away")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(broken):
        assert world.ring(client, "customer.subscription.created", sub).status_code == 500
    assert not WebhookEvent.objects.exists()
    assert not OutboxEvent.objects.exists()


class TestH:
    """What is not a fresh, signed event of ours is refused and leaves nothing behind."""

    @pytest.fixture(autouse=True)
    def nothing_is_kept(self):
        yield
        assert not WebhookEvent.objects.exists()
        assert not ObjectSync.objects.exists()

    @pytest.fixture
    def event(self, world):
        return world.event("customer.created", world.mock.make("customer"))

    def test_h_bad_signature(self, client, world, event):
        assert world.send(client, event, secret="whsec_other").status_code == 400

    def test_h_no_signature(self, client, event):
        assert post(client, json.dumps(event)).status_code == 400

    def test_h_301_seconds_old(self, client, world, event):
        old = int(time.time()) - 301
        assert world.send(client, event, timestamp=old).status_code == 400

    def test_h_truncated(self, client, world, event):
        body, headers = world.mock.signed(event, "whsec_one")
        assert post(client, body[:-9], headers["Stripe-Signature"]).status_code == 400

    def test_h_two_mebibytes(self, client):
        assert post(client, b"x" * (2 * 1024 * 1024), "t=1,v1=x").status_code == 413

    def test_h_not_utf_8(self, client):
        assert post(client, b"\xff\xfe{}", "t=1,v1=x").status_code == 400

    def test_h_a_thin_body(self, client, world, event):
        thin = {"id": "evt_1", "object": "v2.core.event", "type": "v1.customer.created"}
        assert world.send(client, thin).status_code == 400

    def test_h_signed_garbage(self, client, world):
        import stripe

        for body in ("[1]", "not json", '"text"', '{"object":"event"}'):
            header = stripe.WebhookSignature.generate_signature_header(body, "whsec_one")
            assert post(client, body, header).status_code == 400

    def test_h_the_other_mode(self, client, world, event):
        event["livemode"] = True
        assert world.send(client, event).status_code == 400

    def test_h_a_length_that_is_no_number(self, client):
        answer = client.post("/premium/webhooks/stripe/", data=b"{}", content_type="x/y",
                             CONTENT_LENGTH="many")  # fmt: skip
        assert answer.status_code == 400

    def test_h_another_method(self, client):
        assert client.get("/premium/webhooks/stripe/").status_code == 405


def test_h_the_second_secret_is_good_too(client, world):
    event = world.event("customer.created", world.mock.make("customer"))
    assert world.send(client, event, secret="whsec_two").status_code == 200


def test_s_webhooks_for_somebody_who_is_gone_are_nobodys(client, world, ada, account_of, price_of):
    account = account_of(ada)
    sub = world.subscription(account, price_of())
    invoice = world.invoice(account, sub, 500)
    ada.delete()
    account.refresh_from_db()
    assert account.owner is None
    assert world.ring(client, "customer.subscription.created", sub).status_code == 200
    assert world.ring(client, "invoice.paid", invoice).status_code == 200
    assert set(WebhookEvent.objects.values_list("state", flat=True)) == {"orphaned"}
    # The books are right all the same.
    assert LedgerEntry.objects.balance("revenue", "eur") == -500


def test_s_a_customer_that_we_do_not_know_is_nobodys(client, world, price_of):
    stranger = BillingAccount(customer_id="cus_stranger")
    sub = world.subscription(stranger, price_of())
    assert world.ring(client, "customer.subscription.created", sub).status_code == 200
    assert WebhookEvent.objects.get().state == "orphaned"
    assert not Subscription.objects.exists()


def test_t_an_unknown_type_is_kept_and_looks_at_nothing(client, world):
    event = world.event("customer.created", world.mock.make("customer"))
    event["type"] = "something.brand_new"
    assert world.send(client, event).status_code == 200
    row = WebhookEvent.objects.get()
    assert (row.state, row.object_key) == ("ignored", "")
    assert json.loads(row.body)["type"] == "something.brand_new"


def test_t_an_unknown_status_is_stored_marked_and_opens_nothing(
    client, world, ada, account_of, price_of
):
    sub = world.subscription(account_of(ada), price_of())
    world.ring(client, "customer.subscription.created", sub)
    assert has(ada)
    # The description knows no such status: the answer is scripted past it.
    unknown = {**world.there("subscription", sub["id"]), "status": "hibernating", "new_field": 1}
    world.mock.on("get", "/v1/subscriptions/{subscription_exposed_id}", (200, unknown))
    sync.mark(f"subscription:{sub['id']}")
    row = Subscription.objects.get()
    assert row.status == "hibernating"
    assert "hibernating" in row.anomaly
    assert not has(ada)


def test_t_an_unknown_price_opens_nothing(client, world, ada, account_of, price_of):
    sub = world.subscription(account_of(ada), "price_somebody_elses")
    world.ring(client, "customer.subscription.created", sub)
    row = Subscription.objects.get()
    assert (row.status, row.price) == ("active", None)
    assert row.anomaly
    assert not has(ada)


@pytest.mark.django_db(transaction=True)
def test_x_the_view_takes_at_most_four_queries(client, world, ada, account_of, price_of, by_hand):
    sub = world.subscription(account_of(ada), price_of())
    event = world.event("customer.subscription.created", sub)
    with assert_queries(at_most=4):
        world.send(client, event)
    with assert_queries(at_most=1):
        world.send(client, event)


def test_the_period_is_that_of_the_items(client, world, ada, account_of, price_of):
    price = price_of()
    sub = world.subscription(account_of(ada), price)
    stored = world.there("subscription", sub["id"])
    second = world.items(price.provider_id, start=world.now - 99, end=world.now + 9 * 86400)
    stored["items"]["data"] += second["data"]
    world.ring(client, "customer.subscription.updated", stored)
    row = Subscription.objects.get()
    assert int(row.period_start.timestamp()) == world.now - 99
    assert int(row.period_end.timestamp()) == world.now + 30 * 86400


def test_a_replay_looks_again(client, world, ada, account_of, price_of):
    from django.core.management import call_command

    sub = world.subscription(account_of(ada), price_of())
    world.ring(client, "customer.subscription.created", sub)
    world.there("subscription", sub["id"])["status"] = "past_due"
    call_command("billing_replay", event=WebhookEvent.objects.get().event_id)
    assert Subscription.objects.get().status == "past_due"


def test_what_stripe_forgot_to_tell_is_caught_up(client, world, ada, account_of, price_of, capsys):
    from django.core.management import call_command

    sub = world.subscription(account_of(ada), price_of())
    world.event("customer.subscription.created", sub)  # made there, never delivered
    call_command("billing_catchup", hours=2)
    assert "1 events were new" in capsys.readouterr().out
    assert has(ada)


def test_old_bodies_are_forgotten_and_rows_stay(client, world):
    world.ring(client, "customer.created", world.mock.make("customer"))
    assert webhooks.forget_bodies(timezone.now() + dt.timedelta(seconds=1)) == 1
    assert WebhookEvent.objects.get().body == ""
