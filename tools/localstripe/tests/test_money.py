"""Fees, refunds, disputes, balance: integers that add up."""

import pytest
import stripe

DAY = 86_400


@pytest.fixture
def paid(v1, shop):
    """The charge of a first month."""
    sub = shop.buy()
    payment = v1.invoice_payments.list({"invoice": sub.latest_invoice}).data[0]
    return v1.payment_intents.retrieve(
        payment.payment.payment_intent, {"expand": ["latest_charge"]}
    ).latest_charge


def _balance(v1):
    sums = v1.balance.retrieve()
    return sums.available[0].amount, sums.pending[0].amount


def test_fees_and_balance(local, v1, paid):
    entry = v1.balance_transactions.list({"source": paid.id}).data[0]
    assert (entry.amount, entry.fee, entry.net, entry.type) == (900, 56, 844, "charge")
    assert entry.fee_details[0].amount == 56
    assert _balance(v1) == (0, 844)
    local.advance(seconds=2 * DAY)
    assert _balance(v1) == (844, 0)


def test_partial_refunds_to_the_last_cent_and_not_further(local, v1, receiver, paid):
    local.settle()
    receiver.clear()
    for amount in (300, 300):
        refund = v1.refunds.create({"payment_intent": paid.payment_intent, "amount": amount})
        assert refund.status == "succeeded" and refund.amount == amount
    with pytest.raises(
        stripe.InvalidRequestError, match="greater than unrefunded amount"
    ) as refusal:
        v1.refunds.create({"payment_intent": paid.payment_intent, "amount": 301})
    assert refusal.value.param == "amount"
    assert v1.refunds.create({"charge": paid.id, "reason": "requested_by_customer"}).amount == 300
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        v1.refunds.create({"charge": paid.id})
    assert refusal.value.code == "charge_already_refunded"
    made = v1.charges.retrieve(paid.id, {"expand": ["refunds"]})
    assert made.refunded and made.amount_refunded == 900 and len(made.refunds.data) == 3
    local.settle()
    assert receiver.types() == ["refund.created", "charge.refunded"] * 3
    entries = v1.balance_transactions.list({"limit": 100}).data
    assert sum(e.net for e in entries) == -56 and all(e.net == e.amount - e.fee for e in entries)


@pytest.mark.parametrize(("end", "left"), [("won", 844 - 1500), ("lost", 844 - 900 - 1500)])
def test_a_dispute_takes_the_money_and_may_bring_it_back(
    local, v1, receiver, person, paid, end, left
):
    local.settle()
    receiver.clear()
    dispute = person.json(f"/_local/charges/{paid.id}/dispute", reason="product_not_received")
    assert dispute["status"] == "needs_response"
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        v1.refunds.create({"charge": paid.id})
    assert refusal.value.code == "charge_disputed"
    answered = v1.disputes.update(
        dispute["id"], {"evidence": {"uncategorized_text": "It was used."}, "submit": True}
    )
    assert answered.status == "under_review"
    person.json(f"/_local/disputes/{dispute['id']}/close", status=end)
    assert v1.disputes.retrieve(dispute["id"]).status == end
    assert sum(_balance(v1)) == left
    local.settle()
    told = receiver.types()
    assert told[:3] == [
        "charge.dispute.created",
        "charge.updated",
        "charge.dispute.funds_withdrawn",
    ]
    assert told[-1] == "charge.dispute.closed"
    assert ("charge.dispute.funds_reinstated" in told) is (end == "won")
    if end == "won":
        assert v1.refunds.create({"charge": paid.id}).status == "succeeded"
    else:
        with pytest.raises(stripe.InvalidRequestError):
            v1.refunds.create({"charge": paid.id})


def test_a_card_that_is_disputed_at_once(local, v1, receiver, shop):
    shop.buy(card="4000000000000259")
    local.settle()
    assert receiver.types()[-3] == "charge.dispute.created"
    assert receiver.types().index("checkout.session.completed") < len(receiver.types()) - 3
    assert v1.disputes.list().data[0].reason == "fraudulent"


def test_accepting_a_dispute_loses_it(v1, person, paid):
    dispute = person.json(f"/_local/charges/{paid.id}/dispute")
    assert v1.disputes.close(dispute["id"]).status == "lost"


def test_a_refund_that_the_bank_sends_back(local, v1, receiver, person, paid):
    refund = v1.refunds.create({"charge": paid.id})
    person.json(f"/_local/refunds/{refund.id}/fail")
    failed = v1.refunds.retrieve(refund.id)
    assert failed.status == "failed" and failed.failure_balance_transaction
    assert v1.charges.retrieve(paid.id).amount_refunded == 0
    assert sum(_balance(v1)) == 844
    local.settle()
    assert "refund.failed" in receiver.types()


def test_a_card_whose_refund_fails_later(local, v1, shop):
    shop.buy(card="4000000000005126")
    refund = v1.refunds.create({"charge": v1.charges.list().data[0].id})
    assert refund.status == "succeeded"
    local.advance(seconds=60)
    assert v1.refunds.retrieve(refund.id).status == "failed"


def test_payment_intents_by_the_api(v1, person):
    with pytest.raises(stripe.CardError) as refusal:
        v1.payment_intents.create({
            "amount": 700, "currency": "usd", "payment_method": "pm_card_chargeDeclined", "confirm": True})  # fmt: skip
    assert (refusal.value.code, refusal.value.json_body["error"]["decline_code"]) == (
        "card_declined",
        "generic_decline",
    )
    kept = v1.payment_intents.list().data[0]
    assert (
        kept.status == "requires_payment_method" and kept.last_payment_error.code == "card_declined"
    )
    assert (
        v1.payment_intents.confirm(kept.id, {"payment_method": "pm_card_visa"}).status
        == "succeeded"
    )
    asked = v1.payment_intents.create({
        "amount": 700, "currency": "usd", "payment_method": "pm_card_threeDSecure2Required", "confirm": True,
        "return_url": "https://site.test/back"})  # fmt: skip
    assert asked.status == "requires_action"
    url = asked.next_action.redirect_to_url.url
    assert person.send(url, result="fail").to == "https://site.test/back"
    assert (
        v1.payment_intents.retrieve(asked.id).last_payment_error.code
        == "payment_intent_authentication_failure"
    )


def test_invoices_of_ones_own(v1, person):
    customer = v1.customers.create({"email": "ada@example.com"})
    v1.invoice_items.create(
        {"customer": customer.id, "amount": 1200, "currency": "usd", "description": "Help"}
    )
    draft = v1.invoices.create(
        {"customer": customer.id, "pending_invoice_items_behavior": "include"}
    )
    assert (draft.status, draft.total) == ("draft", 1200)
    bill = v1.invoices.finalize_invoice(draft.id)
    assert bill.status == "open" and bill.number.endswith("-0001")
    assert v1.invoices.mark_uncollectible(bill.id).status == "uncollectible"
    assert person.send(f"/invoice/{bill.id}", card="4000000000000002").status == 402
    assert person.send(f"/invoice/{bill.id}", card="4242424242424242").status == 303
    assert v1.invoices.retrieve(bill.id).status == "paid"
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        v1.invoices.pay(bill.id)
    assert refusal.value.code == "invoice_already_paid"
    other = v1.invoices.create({"customer": customer.id})
    assert v1.invoices.delete(other.id).deleted
    third = v1.invoices.finalize_invoice(v1.invoices.create({"customer": customer.id}).id)
    assert (third.status, third.amount_due) == ("paid", 0)


def test_hosted_invoice_and_its_pdf(v1, person, shop):
    invoice = v1.invoices.retrieve(shop.buy().latest_invoice)
    page = person.open(invoice.hosted_invoice_url)
    assert page.status == 200 and invoice.number in page.text and "$9.00" in page.text
    pdf = person.open(invoice.invoice_pdf)
    assert pdf.headers["Content-Type"] == "application/pdf" and pdf.raw.startswith(b"%PDF-1.4")
    where = int(pdf.raw.rsplit(b"startxref\n", 1)[1].split(b"\n")[0])
    assert pdf.raw[where : where + 4] == b"xref"
    for number, line in enumerate(pdf.raw[where:].split(b"\n")[3:9], 1):
        offset = int(line.split()[0])
        assert pdf.raw[offset:].startswith(b"%d 0 obj" % number)
    assert invoice.number.encode() in pdf.raw


def test_saving_cards_by_setup_intents(v1, person, local, receiver):
    customer = v1.customers.create({"email": "ada@example.com"})
    intent = v1.setup_intents.create(
        {"customer": customer.id, "payment_method": "pm_card_visa", "confirm": True}
    )
    assert intent.status == "succeeded"
    pm = v1.payment_methods.retrieve(intent.payment_method)
    assert pm.customer == customer.id and pm.card.last4 == "4242"
    with pytest.raises(stripe.CardError) as refusal:
        v1.setup_intents.create(
            {"customer": customer.id, "payment_method": "pm_card_chargeDeclined", "confirm": True}
        )
    assert refusal.value.code == "card_declined"
    asked = v1.setup_intents.create({
        "customer": customer.id, "payment_method": "pm_card_authenticationRequiredOnSetup", "confirm": True,
        "return_url": "https://site.test/back"})  # fmt: skip
    assert asked.status == "requires_action"
    assert (
        person.send(asked.next_action.redirect_to_url.url, result="pass").to
        == "https://site.test/back"
    )
    assert v1.setup_intents.retrieve(asked.id).status == "succeeded"
    assert len(v1.customers.payment_methods.list(customer.id).data) == 2
    assert v1.payment_methods.detach(pm.id).customer is None
    with pytest.raises(stripe.InvalidRequestError):
        v1.setup_intents.confirm(intent.id)
    local.settle()
    assert {"setup_intent.succeeded", "setup_intent.setup_failed", "setup_intent.requires_action",
            "payment_method.detached"} <= set(receiver.types())  # fmt: skip


def test_a_declined_card_cannot_be_attached(v1):
    customer = v1.customers.create({"email": "ada@example.com"})
    with pytest.raises(stripe.CardError) as refusal:
        v1.payment_methods.attach("pm_card_chargeDeclined", {"customer": customer.id})
    assert refusal.value.http_status == 402
    later = v1.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": customer.id})
    with pytest.raises(stripe.CardError):
        v1.payment_intents.create({"amount": 500, "currency": "usd", "customer": customer.id,
                                   "payment_method": later.id, "confirm": True, "off_session": True})  # fmt: skip
