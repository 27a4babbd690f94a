"""The staff's side: money is read-only, what acts has a reason and a permission."""

from __future__ import annotations

import pytest
from django.contrib import admin as site
from django.urls import reverse

from threadflow_billing.models import (
    Command,
    Drift,
    Grant,
    Override,
    PaymentOrder,
    PlanFeature,
    Refund,
    Subscription,
    Transition,
    WebhookEvent,
)
from threadflow_billing.services import accounts
from threadflow_billing.swaps import get_plan_model
from threadflow_core import ports

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("commits")]


@pytest.fixture
def staff(client_of, admin):
    return client_of(admin)


@pytest.fixture
def helper(person, client_of):
    """Staff who may look at everything and change nothing."""
    from django.contrib.auth.models import Permission

    someone = person("helper", is_staff=True)
    rows = Permission.objects.filter(
        content_type__app_label="threadflow_billing", codename__startswith="view_"
    )
    someone.user_permissions.set(rows)
    return client_of(someone)


@pytest.fixture
def subscribed(client, world, ada, account_of, price_of):
    account = account_of(ada)
    sub = world.subscription(account, price_of("premium", "month"))
    world.ring(client, "customer.subscription.created", sub)
    world.ring(client, "invoice.paid", world.invoice(account, sub, 500))
    return Subscription.objects.get()


def ours():
    return [m for m in site.site._registry if m._meta.app_label == "threadflow_billing"]


def test_every_list_opens_and_none_lets_money_be_written(staff, subscribed):
    Drift.objects.create(kind="missing", object_key="subscription:x", detail="y")
    writable = {"Plan", "Grant", "Override"}
    for model in ours():
        name = f"admin:threadflow_billing_{model._meta.model_name}"
        assert staff.get(reverse(f"{name}_changelist")).status_code == 200, name
        adds = staff.get(reverse(f"{name}_add")).status_code
        assert adds == (200 if model.__name__ in writable else 403), name
        row = model._default_manager.first()
        if row is not None:
            page = staff.get(reverse(f"{name}_change", args=[row.pk]))
            assert page.status_code == 200, name
            gone = staff.post(reverse(f"{name}_delete", args=[row.pk]), {"post": "yes"})
            assert gone.status_code == 403, name


def test_a_body_of_a_webhook_is_not_shown(staff, subscribed):
    row = WebhookEvent.objects.first()
    assert row.body
    url = reverse("admin:threadflow_billing_webhookevent_change", args=[row.pk])
    assert "data&quot;" not in staff.get(url).content.decode()


def act(client, model, action, row, **more):
    url = reverse(f"admin:threadflow_billing_{model}_changelist")
    return client.post(
        url, {"action": action, "_selected_action": [str(row.pk)], "index": 0, **more}, follow=True
    )


def test_a_refund_needs_a_reason_and_a_permission(staff, helper, subscribed):
    order = PaymentOrder.objects.get()
    act(helper, "paymentorder", "refund_rest", order, reason="x")
    assert not Refund.objects.exists()
    act(staff, "paymentorder", "refund_rest", order)
    assert not Refund.objects.exists()
    url = reverse("admin:billing_refund", args=[order.pk])
    assert helper.get(url).status_code == 403
    assert "can be given back" in staff.get(url).content.decode()
    assert staff.post(url, {"amount": 200, "reason": "Sorry"}).status_code == 302
    assert Refund.objects.get().state == "succeeded"
    assert "what is left" in staff.post(url, {"amount": 400, "reason": "No"}).content.decode()
    act(staff, "paymentorder", "refund_rest", order, reason="All of it")
    order.refresh_from_db()
    assert order.state == "refunded"


def test_ending_at_once_is_written_down_with_its_reason(staff, helper, subscribed):
    act(helper, "subscription", "end_now", subscribed, reason="x")
    assert not Command.objects.exists()
    act(staff, "subscription", "end_now", subscribed, reason="Fraud")
    subscribed.refresh_from_db()
    assert subscribed.status == "canceled"
    assert Transition.objects.filter(entity="command", reason="Fraud").exists()


def test_replay(staff, helper, world, subscribed):
    event = WebhookEvent.objects.filter(type="customer.subscription.created").get()
    world.there("subscription", subscribed.provider_id)["status"] = "past_due"
    act(helper, "webhookevent", "replay", event)
    subscribed.refresh_from_db()
    assert subscribed.status == "active"
    act(staff, "webhookevent", "replay", event)
    subscribed.refresh_from_db()
    assert subscribed.status == "past_due"


def test_a_favour_and_an_override(staff, ada):
    account = accounts.ensure(ada)
    plan = get_plan_model().objects.get(code="patron")
    url = reverse("admin:threadflow_billing_grant_add")
    answer = staff.post(
        url, {"account": account.pk, "plan": plan.pk, "days": 30, "reason": "Thank you"}
    )
    assert answer.status_code == 302
    grant = Grant.objects.get()
    assert (grant.source, grant.reason) == ("comp", "Thank you")
    assert ports.entitlements().check(ada, "test.off")
    url = reverse("admin:threadflow_billing_override_add")
    fields = {"account": account.pk, "feature": "test.quota", "allowed": "on", "amount": 7,
              "reason": "Asked"}  # fmt: skip
    assert staff.post(url, {**fields, "feature": "no.such"}).status_code == 200
    assert staff.post(url, fields).status_code == 302
    assert Override.objects.get().created_by.username == "admin"
    assert ports.entitlements().check(ada, "test.quota").limit == 7


def test_the_matrix_changes_what_a_plan_opens(staff, helper, ada):
    url = reverse("admin:billing_matrix")
    assert helper.get(url).status_code == 403
    page = staff.get(url).content.decode()
    assert "Live rooms" in page
    fields = {"premium|test.off": "on", "premium|test.quota": "25", "premium|test.size": "∞",
              "patron|test.off": "on", "reader|test.quota": "1"}  # fmt: skip
    assert staff.post(url, {**fields, "premium|test.quota": "many"}).status_code == 422
    assert staff.post(url, fields).status_code == 302
    row = PlanFeature.objects.get(plan__code="premium", feature="test.quota")
    assert (row.amount, row.is_pinned) == (25, True)
    assert ports.entitlements().check(ada, "test.quota").limit == 1
    from threadflow_billing import catalog

    catalog.declare()  # the settings leave alone what was set by hand
    row.refresh_from_db()
    assert row.amount == 25
    assert Transition.objects.filter(entity="plan").exists()


def test_the_dashboard_draws_what_came_in(staff, helper, client_of, ada, subscribed):
    url = reverse("admin:billing_dashboard")
    page = staff.get(url).content.decode()
    assert "<svg" in page
    assert "€5" in page
    assert "The books are right." in page
    assert helper.get(url).status_code == 200
    assert client_of(ada).get(url).status_code == 302
