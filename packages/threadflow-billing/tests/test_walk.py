"""The whole way with the local Stripe of the repository: real pages there, real webhooks here.

It keeps the life cycles (renewals, dunning, proration, refunds) that the stand-in of the other
tests does not have; what it would refuse, a test of ours would not notice otherwise.
"""

from __future__ import annotations

import re
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.core.management import call_command
from django.urls import reverse

from threadflow_billing.models import (
    Command,
    GiftCode,
    Grant,
    LedgerEntry,
    PaymentOrder,
    Price,
    Refund,
    Subscription,
    Transition,
    WebhookEvent,
)
from threadflow_billing.services import gifts, ledger, plans, reconcile, refunds
from threadflow_core import ports

TOOLS = Path(__file__).resolve().parents[3] / "tools"
if not (TOOLS / "localstripe").is_dir():
    pytest.skip("tools/localstripe of the repository is not here", allow_module_level=True)
sys.path.insert(0, str(TOOLS))

from localstripe import LocalStripe  # noqa: E402

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]
DAY = 86_400
GOOD, LATER, DECLINED = "4242424242424242", "4000000000000341", "4000000000000002"


class Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args):
        return None


@pytest.fixture
def local(live_server, settings, tmp_path):
    made = LocalStripe(
        tmp_path / "stripe.sqlite3",
        live_server.url + reverse("threadflow_billing:webhook"),
        "whsec_local",
        retries=(0.05, 0.2, 1),
    ).start()
    settings.THREADFLOW_BILLING = {
        **settings.THREADFLOW_BILLING,
        "API_BASE": made.url,
        "SECRET_KEY": "sk_test_local",
        "WEBHOOK_SECRETS": ["whsec_local"],
    }
    Price.objects.update(provider_id=None)
    plans.push()
    yield made
    problems = made.wire.problems()
    made.stop()
    assert not problems, problems


@pytest.fixture
def browser(client_of, ada):
    return client_of(ada)


def url(name, *args):
    return reverse(f"threadflow_billing:{name}", args=args)


def send(address, **form):
    """Send a form of the local Stripe; where it leads."""
    opener = urllib.request.build_opener(Stay)
    request = urllib.request.Request(address, urllib.parse.urlencode(form).encode())
    try:
        with opener.open(request) as answer:
            return SimpleNamespace(status=answer.status, to="", text=answer.read().decode())
    except urllib.error.HTTPError as answer:
        with answer:
            text = answer.read().decode("latin-1")
            return SimpleNamespace(
                status=answer.code, to=answer.headers.get("Location") or "", text=text
            )


def follow(browser, answer):
    """From our action over the page that waits to where it leads."""
    assert answer.status_code == 303, answer.content.decode()
    page = browser.get(answer["Location"])
    return page["Refresh"].partition("url=")[2], page


@pytest.fixture
def buy(browser, local):
    """Choose on our page, pay on theirs, come back; returns the order."""

    def make(plan="premium", interval="month", card=GOOD):
        answer = browser.post(url("checkout"), {"plan": plan, "interval": interval})
        address, _page = follow(browser, answer)
        paid = send(address, card=card, email="ada@example.org")
        assert paid.status == 303, re.sub(r"<[^>]+>", " ", paid.text)
        assert local.settle()
        return PaymentOrder.objects.filter(purpose="subscription").order_by("-pk")[0]

    return make


def open_to(person, feature="test.off"):
    return ports.entitlements().check(person, feature).allowed


def forward(local, **by):
    local.advance(**by)
    assert local.settle()


def period_end():
    return int(Subscription.objects.order_by("-pk")[0].period_end.timestamp())


def right():
    assert ledger.audit() == []
    assert reconcile.run() == []


def test_buy_renew_fail_grace_and_end(local, browser, ada, buy):
    order = buy(card=LATER)
    begin = time.monotonic()
    assert "Premium is yours" in browser.get(url("returned", order.pk)).content.decode()
    assert time.monotonic() - begin < 2
    assert open_to(ada)
    assert order.state == "paid"
    right()

    forward(local, to=period_end() + 3700)  # the renewal, whose card fails
    row = Subscription.objects.get()
    assert row.status == "past_due"
    assert row.grace_until is not None
    assert open_to(ada)
    assert "payment did not go through" in browser.get(url("manage")).content.decode()
    for _ in range(3):
        forward(local, seconds=4 * DAY)
    row.refresh_from_db()
    assert row.status == "canceled"
    assert not open_to(ada)
    steps = Transition.objects.filter(entity="subscription").order_by("pk")
    assert [s.after for s in steps][-2:] == ["past_due", "canceled"]
    assert not Transition.objects.filter(is_anomaly=True).exists()
    right()
    buy()  # and again, with a good card
    assert open_to(ada)
    right()


@pytest.mark.slow
def test_renewals_are_booked_month_by_month(local, browser, ada, buy):
    buy()
    for _ in range(3):
        forward(local, to=period_end() + 3700)
    assert PaymentOrder.objects.filter(state="paid").count() == 4
    assert PaymentOrder.objects.filter(purpose="renewal").count() == 3
    assert -LedgerEntry.objects.balance("revenue", "eur") == 2000
    page = browser.get(url("invoices")).content.decode()
    assert page.count("€5") >= 4
    order = PaymentOrder.objects.order_by("-pk")[0]
    answer = browser.post(url("open_invoice"), {"order": str(order.pk)})
    address, _page = follow(browser, answer)
    assert address.startswith(local.url)
    with urllib.request.urlopen(address) as invoice:
        assert order.number in invoice.read().decode()
    right()


@pytest.mark.slow
def test_k_a_declined_card_can_be_tried_again(local, browser, ada):
    answer = browser.post(url("checkout"), {"plan": "premium", "interval": "month"})
    address, _page = follow(browser, answer)
    assert send(address, card=DECLINED, email="ada@example.org").status != 303
    local.settle()
    assert PaymentOrder.objects.get().state == "pending"
    assert not open_to(ada)
    again = browser.post(url("checkout"), {"plan": "premium", "interval": "month"})
    assert follow(browser, again)[0] == address
    assert send(address, card=GOOD, email="ada@example.org").status == 303
    local.settle()
    assert open_to(ada)
    right()


def test_l_an_upgrade_costs_what_was_shown_and_a_downgrade_waits(local, browser, ada, buy):
    buy()
    forward(local, seconds=10 * DAY)
    answer = browser.post(url("change"), {"plan": "patron", "interval": "month"})
    address, _page = follow(browser, answer)
    page = browser.get(address).content.decode()
    figures = Command.objects.get(kind="preview").result
    fields = dict(re.findall(r'name="(plan|interval|preview)" value="([^"]+)"', page))
    follow(browser, browser.post(url("apply"), fields))
    assert local.settle()
    assert Command.objects.get(kind="upgrade").error == ""
    order = PaymentOrder.objects.get(purpose="renewal")
    assert order.amount == figures["amount_due"]
    assert 0 < order.amount < 500
    assert ports.entitlements().check(ada, "test.size").limit == 50
    right()

    browser.post(url("downgrade"), {"plan": "premium", "interval": "month"})
    assert local.settle()
    command = Command.objects.get(kind="downgrade")
    assert command.state == "done", command.error
    assert "Changes to Premium" in browser.get(url("manage")).content.decode()
    assert ports.entitlements().check(ada, "test.size").limit == 50
    forward(local, to=period_end() + 3700)
    row = Subscription.objects.get()
    assert row.price.plan.code == "premium"
    assert row.pending_price is None
    assert ports.entitlements().check(ada, "test.size").limit == 20
    right()


@pytest.mark.slow
def test_a_downgrade_that_is_called_off(local, browser, ada, buy):
    buy("patron")
    browser.post(url("downgrade"), {"plan": "premium", "interval": "month"})
    local.settle()
    browser.post(url("keep_plan"))
    local.settle()
    row = Subscription.objects.get()
    assert (row.pending_price, row.schedule_id) == (None, "")
    forward(local, to=period_end() + 3700)
    assert Subscription.objects.get().price.plan.code == "patron"
    right()


@pytest.mark.slow
def test_cancel_take_it_back_and_let_it_end(local, browser, ada, buy):
    buy()
    browser.post(url("cancel"), {"reason": "Too dear"})
    assert local.settle()
    assert Subscription.objects.get().ends_at is not None
    browser.post(url("resume"))
    assert local.settle()
    assert Subscription.objects.get().ends_at is None
    browser.post(url("cancel"))
    forward(local, to=period_end() + 60)
    assert Subscription.objects.get().status == "canceled"
    assert not open_to(ada)
    right()


@pytest.mark.slow
def test_pause_and_go_on(local, browser, ada, buy):
    buy()
    browser.post(url("pause"))
    assert local.settle()
    command = Command.objects.get(kind="pause")
    assert command.state == "done", command.error
    assert Subscription.objects.get().status == "paused"
    assert not open_to(ada)
    forward(local, seconds=3 * DAY)
    browser.post(url("resume"))
    assert local.settle()
    command = Command.objects.get(kind="resume")
    assert command.state == "done", command.error
    assert Subscription.objects.get().status == "active"
    assert open_to(ada)
    right()


@pytest.mark.slow
def test_refund_dispute_and_a_refund_that_comes_back(local, browser, ada, admin, buy):
    order = buy()
    refunds.request(staff=admin, order=order, amount=200, reason="Sorry")
    assert local.settle()
    order.refresh_from_db()
    assert (order.state, order.refunded) == ("partially_refunded", 200)
    right()
    send(f"{local.url}/_local/charges/{order.charge_id}/refund", amount="100")
    assert local.settle()
    order.refresh_from_db()
    assert order.refunded == 300
    assert Refund.objects.count() == 2
    right()
    refund = Refund.objects.order_by("pk")[0]
    send(f"{local.url}/_local/refunds/{refund.provider_id}/fail")
    assert local.settle()
    order.refresh_from_db()
    refund.refresh_from_db()
    assert (refund.state, order.refunded) == ("failed", 100)
    right()


@pytest.mark.slow
def test_o_a_dispute_that_is_won(local, browser, ada, buy):
    order = buy()
    send(f"{local.url}/_local/charges/{order.charge_id}/dispute", reason="fraudulent")
    assert local.settle()
    order.refresh_from_db()
    assert order.dispute == "open"
    dispute = order.disputes.get()
    assert LedgerEntry.objects.balance("disputes", "eur") == 500
    send(f"{local.url}/_local/disputes/{dispute.provider_id}/close", status="won")
    assert local.settle()
    order.refresh_from_db()
    assert order.dispute == "won"
    assert LedgerEntry.objects.balance("disputes", "eur") == 0
    right()


@pytest.mark.slow
def test_a_gift_from_the_shop_to_the_friend(local, browser, client_of, ada, bo):
    address, _page = follow(browser, browser.post(url("buy_gift"), {"gift": "premium:3"}))
    assert send(address, card=GOOD, email="ada@example.org").status == 303
    assert local.settle()
    gift = GiftCode.objects.get()
    client_of(bo).post(url("redeem"), {"code": gifts.code_of(gift)})
    assert open_to(bo)
    assert Grant.objects.get().source == "gift"
    right()


@pytest.mark.slow
def test_the_portal_leads_there_and_what_is_done_there_is_seen_here(local, browser, ada, buy):
    buy()
    address, _page = follow(browser, browser.post(url("portal")))
    assert address.startswith(local.url)
    row = Subscription.objects.get()
    assert send(f"{address}/cancel", subscription=row.provider_id).status == 303
    assert local.settle()
    assert Subscription.objects.get().ends_at is not None


@pytest.mark.slow
def test_lost_doubled_and_shuffled_webhooks_end_alike(local, browser, ada, buy):
    send(f"{local.url}/_local/webhooks", lose="-1")
    answer = browser.post(url("checkout"), {"plan": "premium", "interval": "month"})
    address, _page = follow(browser, answer)
    assert send(address, card=GOOD, email="ada@example.org").status == 303
    local.settle()
    assert not WebhookEvent.objects.exclude(state="ignored").exists()
    assert not open_to(ada)
    call_command("billing_catchup", hours=1)
    assert open_to(ada)
    right()
    send(f"{local.url}/_local/webhooks", lose="0", duplicate="-1", reorder="-1")
    forward(local, to=period_end() + 3700)
    assert PaymentOrder.objects.filter(state="paid").count() == 2
    right()


@pytest.mark.slow
@pytest.mark.parametrize("needs_card", [True, False])
def test_a_trial_is_free_and_then_paid_or_ended(local, browser, ada, needs_card):
    from threadflow_billing.swaps import get_plan_model

    get_plan_model().objects.filter(code="premium").update(
        trial_days=14, trial_needs_card=needs_card
    )
    answer = browser.post(url("checkout"), {"plan": "premium", "interval": "month"})
    address, _page = follow(browser, answer)
    typed = {"card": GOOD} if needs_card else {}
    assert send(address, email="ada@example.org", **typed).status == 303
    assert local.settle()
    row = Subscription.objects.get()
    assert row.status == "trialing"
    assert open_to(ada)
    order = PaymentOrder.objects.get()
    assert (order.state, order.amount) == ("paid", 0)
    assert "Premium is yours" in browser.get(url("returned", order.pk)).content.decode()
    right()
    forward(local, to=int(row.trial_end.timestamp()) + 3700)
    row.refresh_from_db()
    assert row.status == ("active" if needs_card else "canceled")
    assert open_to(ada) is needs_card
    assert PaymentOrder.objects.filter(amount=500).exists() is needs_card
    right()
