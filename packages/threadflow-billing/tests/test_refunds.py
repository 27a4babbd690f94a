"""Money that goes back: the tax in it, and payments that were made in several."""

from __future__ import annotations

import itertools

import pytest
from django.core.management import call_command
from hypothesis import given
from hypothesis import strategies as st

from threadflow_billing.models import (
    Dispute,
    LedgerEntry,
    LedgerTransaction,
    PaymentOrder,
    PaymentPart,
    Refund,
)
from threadflow_billing.services import checkout, gifts, ledger, refunds
from threadflow_core.exceptions import Invalid

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("commits")]

URLS = {"success_url": "https://site.example/{order}/", "cancel_url": "https://site.example/"}


def balance(code, currency="eur"):
    return LedgerEntry.objects.balance(code, currency)


@pytest.fixture
def paid(client, world, ada, account_of, price_of):
    """`paid(595, tax=95)`: an order that came with an invoice; several amounts: several payments."""

    def make(*amounts, tax=0):
        account = account_of(ada)
        sub = world.subscription(account, price_of())
        intents = [world.payment(amount) for amount in amounts]
        invoice = world.invoice(account, sub, sum(amounts), tax=tax, intent=intents[0])
        for intent, amount in zip(intents[1:], amounts[1:], strict=True):
            row = {**invoice["payments"]["data"][0], "id": world.number("inpay")}
            row |= {"amount_paid": amount, "amount_requested": amount}
            row["payment"] = {**row["payment"], "payment_intent": intent}
            invoice["payments"]["data"].append(row)
        world.ring(client, "invoice.paid", invoice)
        return PaymentOrder.objects.get(invoice_id=invoice["id"])

    return make


def test_n_a_refund_lowers_the_tax_in_proportion_and_to_the_cent(world, admin, paid):
    order = paid(595, tax=95)
    for amount, owed, given_back in ((100, 79, 84), (295, 32, 332), (1, 32, 333), (199, 0, 500)):
        refunds.request(staff=admin, order=order, amount=amount, reason="Sorry")
        assert (balance("tax_payable"), balance("refunds")) == (-owed, given_back)
        assert ledger.audit() == []
    order.refresh_from_db()
    assert order.state == "refunded"
    assert balance("revenue") + balance("refunds") == 0
    call_command("billing_audit_ledger")


def test_n_cents_of_rounding_do_not_add_up(world, admin, paid):
    order = paid(10, tax=3)
    for _cent in range(10):
        refunds.request(staff=admin, order=order, amount=1, reason="Bit by bit")
        assert ledger.audit() == []
    assert (balance("tax_payable"), balance("refunds")) == (0, 7)


def test_n_a_refund_that_comes_back_is_owed_to_the_state_again(client, world, admin, paid):
    order = paid(595, tax=95)
    first = refunds.request(staff=admin, order=order, amount=200, reason="Sorry")
    refunds.request(staff=admin, order=order, amount=100, reason="Sorry")
    assert balance("tax_payable") == -47
    first.refresh_from_db()
    stored = world.there("refund", first.provider_id)
    stored.update(status="failed", failure_reason="lost_or_stolen_card")
    world.ring(client, "refund.failed", stored)
    assert balance("tax_payable") == -79
    assert ledger.audit() == []
    refunds.request(staff=admin, order=order, amount=495, reason="The rest")
    assert (balance("tax_payable"), balance("refunds")) == (0, 500)
    assert ledger.audit() == []


def test_n_the_audit_finds_tax_that_did_not_follow(world, admin, paid, monkeypatch):
    order = paid(595, tax=95)
    monkeypatch.setattr(ledger, "tax_back", lambda order, amount: 0)
    refunds.request(staff=admin, order=order, amount=595, reason="Sorry")
    (found,) = ledger.audit()
    assert "owes 95 of tax instead of 0" in found


@given(st.integers(1, 10**9), st.data())
def test_q_any_refunds_return_the_whole_tax_and_never_more_than_they_are(amount, data):
    tax = data.draw(st.integers(0, amount))
    cuts = data.draw(st.lists(st.integers(1, amount), max_size=8))
    ends = [*sorted({*cuts, amount})]
    shares = [ledger.tax_share(tax, amount, end) for end in [0, *ends]]
    for (before, after), (start, end) in zip(
        itertools.pairwise(shares), itertools.pairwise([0, *ends]), strict=True
    ):
        assert 0 <= after - before <= end - start
    assert (shares[0], shares[-1]) == (0, tax)


def test_refunding_a_taxed_gift_leaves_nothing_owed(client, world, ada, admin, price_of):
    order, _ = checkout.start_gift(person=ada, price=price_of("premium", "gift", 3), **URLS)
    order.refresh_from_db()
    intent = world.payment(1500)
    session = world.complete(order, intent=intent)
    details = world.mock.fixture("checkout.session")["total_details"] or {}
    session["total_details"] = {**details, "amount_tax": 239, "amount_discount": 0}
    world.ring(client, "checkout.session.completed", session)
    assert (balance("gift_liability"), balance("tax_payable")) == (-1261, -239)
    order.refresh_from_db()
    refunds.request(staff=admin, order=order, amount=500, reason="A part")
    assert (balance("gift_liability"), balance("tax_payable")) == (-841, -159)
    refunds.request(staff=admin, order=order, amount=1000, reason="The rest")
    assert (balance("gift_liability"), balance("tax_payable"), balance("refunds")) == (0, 0, 0)
    assert ledger.audit() == []
    assert gifts.refunded_from(order) == "gift_liability"


def test_every_payment_of_an_invoice_leads_to_its_order(client, world, paid):
    order = paid(200, 395, tax=95)
    first, second = PaymentPart.objects.order_by("pk")
    assert (order.amount, order.intent_id) == (595, first.intent_id)
    assert [part.amount for part in (first, second)] == [200, 395]
    assert LedgerTransaction.objects.count() == 1
    assert balance("stripe_balance") == 595 - 2 * 45

    refund = world.mock.make(
        "refund", id="re_desk", amount=100, currency="eur", status="succeeded",
        charge=second.charge_id, payment_intent=second.intent_id,
        balance_transaction=world.balance(-100, kind="refund"),
    )  # fmt: skip
    world.ring(client, "refund.created", refund)
    order.refresh_from_db()
    assert (order.state, order.refunded) == ("partially_refunded", 100)
    assert Refund.objects.get().part == second

    taken = world.balance(-295, fee=1500, kind="adjustment")
    dispute = world.dispute(second.intent_id, 295, "needs_response", taken)
    world.ring(client, "charge.dispute.created", dispute)
    order.refresh_from_db()
    assert order.dispute == "open"
    assert Dispute.objects.get().order == order
    assert balance("disputes") == 295
    assert ledger.audit() == []


def test_what_no_single_payment_has_is_given_back_from_several(world, admin, paid):
    order = paid(200, 395, tax=95)
    first, second = PaymentPart.objects.order_by("pk")
    refunds.request(staff=admin, order=order, amount=300, reason="Fits the second")
    refunds.request(staff=admin, order=order, amount=250, reason="Fits none")
    asked = [(c.params["payment_intent"], c.params["amount"])
             for c in world.mock.calls("POST", "/v1/refunds")]  # fmt: skip
    assert asked == [
        (second.intent_id, 300), (first.intent_id, 200), (second.intent_id, 50),
    ]  # fmt: skip
    with pytest.raises(Invalid):
        refunds.request(staff=admin, order=order, amount=46, reason="Too much")
    refunds.request(staff=admin, order=order, amount=45, reason="The rest")
    order.refresh_from_db()
    assert order.state == "refunded"
    assert (balance("tax_payable"), balance("refunds")) == (0, 500)
    assert ledger.audit() == []
