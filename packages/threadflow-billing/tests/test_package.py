"""The package as such: versions, checks, plans as data, privacy, migrations, what it does alone."""

from __future__ import annotations

import io
import logging
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import override_settings

from threadflow_billing import catalog, checks
from threadflow_billing.app_settings import TESTED_VERSION
from threadflow_billing.models import (
    BillingAccount,
    LedgerTransaction,
    PaymentOrder,
    PlanFeature,
    Price,
    Subscription,
    Transition,
    WebhookEvent,
)
from threadflow_billing.services import plans
from threadflow_billing.swaps import get_plan_model
from threadflow_core import privacy
from threadflow_core.swaps import is_swapped

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("commits")]


def ids(found):
    return sorted(message.id.partition(".")[2] for message in found)


def with_settings(**more):
    from django.conf import settings

    return override_settings(THREADFLOW_BILLING={**settings.THREADFLOW_BILLING, **more})


def test_z_the_library_speaks_the_version_that_was_tested():
    import stripe

    text = (
        "stripe was upgraded. Run tools/vendormock/build_stripe_spec.py, review the difference, "
        "set TESTED_VERSION (and checks.STRIPE_MAJOR), and commit all of it together."
    )
    assert stripe.api_version == TESTED_VERSION, text
    assert version("stripe").split(".")[0] == checks.STRIPE_MAJOR, text


def test_z_the_description_is_of_the_same_version(stripe_mock):
    assert stripe_mock.version == TESTED_VERSION


def test_stripe_is_not_imported_at_start():
    code = (
        "import django, sys; django.setup(); "
        "assert not any(n == 'stripe' or n.startswith('stripe.') for n in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=Path(__file__).parent.parent, capture_output=True,
        text=True, env={**__import__("os").environ, "DJANGO_SETTINGS_MODULE": "tests.settings"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_za_no_model_is_without_its_migration():
    out = io.StringIO()
    call_command("makemigrations", check=True, dry_run=True, stdout=out)
    assert "No changes" in out.getvalue()


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(is_swapped("threadflow_billing", "Plan"), reason="goes back to before Plan")
def test_za_the_migrations_run_back_and_forth():
    call_command("migrate", "threadflow_billing", "zero", verbosity=0)
    assert "threadflow_billing_plan" not in connection.introspection.table_names()
    call_command("migrate", verbosity=0)
    assert get_plan_model().objects.filter(code="premium").exists()


def test_the_checks_are_quiet_here():
    assert ids(checks.check_plans(None) + checks.check_version(None)) == []


@pytest.mark.parametrize(
    ("plan", "found"),
    [
        ({"code": "a", "name": "A", "features": {"no.such": True}}, ["E203"]),
        ({"code": "a", "name": "A", "features": {"test.off": 3}}, ["E204"]),
        ({"code": "a", "name": "A", "features": {"test.quota": True}}, ["E204"]),
        ({"code": "a", "name": "A", "prices": {"week": 1}}, ["E201"]),
        ({"code": "a", "name": "A", "prices": {"month": 0}}, ["E201"]),
        ({"code": "a", "name": "A", "prices": {"month": 4.5}}, ["E201"]),
        ({"code": "a", "name": "A", "colour": "red"}, ["E201"]),
        ({"name": "A"}, ["E201"]),
        ({"code": "a", "name": "A", "default": True, "prices": {"month": 1}}, ["E201"]),
    ],
)
def test_plans_that_make_no_sense_are_said_at_start(plan, found):
    with with_settings(PLANS=[plan]):
        assert ids(checks.check_plans(None)) == found


def test_two_plans_of_one_code_and_two_for_everybody():
    one = {"code": "a", "name": "A", "default": True}
    with with_settings(PLANS=[one, one]):
        assert ids(checks.check_plans(None)) == ["E202", "E205"]


def test_secrets_and_versions_are_checked_for_a_deployment():
    with with_settings(SECRET_KEY=""):
        assert ids(checks.check_secrets(None)) == ["W203"]
    with with_settings(WEBHOOK_SECRETS=[]):
        assert ids(checks.check_secrets(None)) == ["E207"]
    with with_settings(SECRET_KEY="sk_live_x", API_BASE="http://127.0.0.1:1"):
        assert ids(checks.check_secrets(None)) == ["E208"]
    with with_settings(STRIPE_VERSION="2020-08-27"):
        assert ids(checks.check_version(None)) == ["W202"]


def test_declaring_plans_again_changes_nothing_and_a_new_amount_is_a_new_price():
    before = list(Price.objects.values_list("pk", "amount", "is_active"))
    catalog.declare()
    assert list(Price.objects.values_list("pk", "amount", "is_active")) == before
    old = Price.objects.get(plan__code="premium", interval="month")
    from django.conf import settings

    changed = [dict(plan) for plan in settings.THREADFLOW_BILLING["PLANS"]]
    changed[1] = {**changed[1], "prices": {"month": 600, "year": 4800}, "features": {}}
    with with_settings(PLANS=changed):
        catalog.declare()
    old.refresh_from_db()
    assert (old.amount, old.is_active) == (500, False)
    new = Price.objects.get(plan__code="premium", interval="month", is_active=True)
    assert (new.amount, new.provider_id) == (600, None)
    assert not PlanFeature.objects.filter(plan__code="premium").exists()


def test_plans_are_pushed_once_and_found_by_their_lookup_key(world):
    Price.objects.update(provider_id=None)
    out = io.StringIO()
    call_command("billing_push_plans", stdout=out)
    assert "made tf_premium_month_eur_500" in out.getvalue()
    assert not Price.objects.filter(provider_id=None).exists()
    made = {
        call.params["lookup_key"]: call.params for call in world.mock.calls("POST", "/v1/prices")
    }
    assert made["tf_premium_year_eur_4800"]["recurring"] == {"interval": "year"}
    assert "recurring" not in made["tf_premium_gift3_eur_1500"]
    assert len(world.mock.calls("POST", "/v1/products")) == 2
    assert plans.push() == []
    # Another database, the same Stripe account: nothing is made twice.
    Price.objects.update(provider_id=None)
    found = plans.push()
    assert found
    assert all(line.startswith("found") for line in found)
    assert len(world.mock.calls("POST", "/v1/prices")) == len(made)


@pytest.mark.allow_bad_requests
@pytest.mark.parametrize(
    ("status", "said"), [(401, "does not know this key"), (503, "does not answer")]
)
@pytest.mark.parametrize(
    "command",
    [["billing_push_plans"], ["billing_reconcile"], ["billing_catchup", "--hours", "1"],
     ["billing_audit_ledger", "--stripe"]],
)  # fmt: skip
def test_commands_say_in_a_sentence_what_stripe_did_not_do(world, command, status, said):
    Price.objects.update(provider_id=None)
    body = {"error": {"type": "invalid_request_error", "message": "No."}}
    world.mock.fail_next(times=9, status=status, body=body, match="/v1/")
    with pytest.raises(CommandError, match=said):
        call_command(*command)


def test_without_a_key_nothing_is_for_sale_and_everything_else_works(client, ada, client_of):
    from django.urls import reverse

    with with_settings(SECRET_KEY=""):
        assert client.get(reverse("threadflow_billing:plans")).status_code == 200
        answer = client_of(ada).post(
            reverse("threadflow_billing:checkout"), {"plan": "premium", "interval": "month"}
        )
        assert answer.status_code in (403, 422)


def test_every_model_about_people_says_how_it_is_forgotten(ada, account_of):
    ours = [name for name in privacy.unregistered_models() if "billing" in name]
    assert ours == []
    account = account_of(ada)
    order = PaymentOrder.objects.create(
        account=account, purpose="renewal", amount=5, currency="eur", state="paid"
    )
    Transition.objects.create(
        account=account, entity="order", entity_id=order.pk, after="paid", actor_kind="user",
        actor=ada, cause="test",
    )  # fmt: skip
    exported = [label for label, _values in privacy.export(ada)]
    assert BillingAccount._meta.label in exported
    privacy.erase(ada)
    account.refresh_from_db()
    assert (account.owner, account.email) == (None, "")
    assert Transition.objects.get().actor is None
    assert PaymentOrder.objects.count() == 1


def test_forgetting_somebody_empties_what_stripe_told_about_them(
    client, world, ada, account_of, price_of
):
    account = account_of(ada)
    sub = world.subscription(account, price_of())
    world.ring(client, "customer.subscription.created", sub)
    world.ring(client, "invoice.paid", world.invoice(account, sub, 500))
    assert WebhookEvent.objects.exclude(body="").count() == 2
    privacy.erase(ada)
    row = Subscription.objects.get()
    assert (row.remote, row.card) == ({}, {})
    assert not WebhookEvent.objects.exclude(body="").exists()
    assert LedgerTransaction.objects.count() == 1


def test_links_are_kept_for_a_day(ada, account_of):
    import datetime as dt

    from django.utils import timezone

    from threadflow_billing.models import Command
    from threadflow_billing.services import commands

    now = timezone.now()
    for hours in (1, 25):
        Command.objects.create(
            kind="portal", account=account_of(ada), state="done", result={"url": "https://x"},
            finished_at=now - dt.timedelta(hours=hours),
        )  # fmt: skip
    assert commands.forget_links(now) == 1
    assert Command.objects.exclude(result={}).count() == 1


@pytest.mark.allow_bad_requests
def test_y_no_secret_and_no_body_is_logged(client, world, ada, account_of, price_of, caplog):
    caplog.set_level(logging.DEBUG)
    sub = world.subscription(account_of(ada), price_of())
    world.ring(client, "customer.subscription.created", sub)
    world.mock.fail_next(status=500, match="/v1/subscriptions")
    world.ring(client, "customer.subscription.updated", sub, secret="whsec_wrong")
    world.ring(client, "customer.subscription.updated", sub)
    text = "\n".join(
        record.getMessage() for record in caplog.records if record.name.startswith("threadflow")
    )
    for secret in ("sk_test_mock", "whsec_", "billing_cycle_anchor", "cus_ada", "@example.org"):
        assert secret not in text, secret


def test_w_the_package_needs_nothing_but_core():
    """Its modules name no sibling; the suites of the siblings run without it in their own."""
    source = Path(catalog.__file__).parent
    for file in source.rglob("*.py"):
        if "integrations" in file.parts:
            continue
        for name in ("forum", "chat", "ai", "notify"):
            assert f"threadflow_{name}" not in file.read_text(), file


def test_closing_an_account_hides_it_and_keeps_its_numbers(ada, admin, account_of):
    from threadflow_billing.machines import By
    from threadflow_billing.services import accounts

    account = account_of(ada)
    accounts.close(account=account, by=By.user(admin, "close", "Asked for it"))
    assert BillingAccount.objects.of(ada) is None
    account.refresh_from_db()
    assert (account.deleted_by, account.deleted_reason) == (admin, "Asked for it")
    assert accounts.ensure(ada).pk != account.pk
    assert LedgerTransaction.objects.count() == 0
