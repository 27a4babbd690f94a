"""The checkout page: cards, 3-D Secure, trials, codes, tax, gifts, expiry."""

import re

import pytest
import stripe

DAY = 86_400


def test_declined_says_so_and_stays(v1, person, shop):
    session = shop.checkout()
    answer = person.send(session.url, card="4000 0000 0000 0002")
    assert (
        answer.status == 402
        and "Your card was declined." in answer.text
        and 'role="alert"' in answer.text
    )
    assert "4000 0000 0000 0002" in answer.text  # what was typed is still there
    again = v1.checkout.sessions.retrieve(session.id)
    assert again.status == "open" and again.subscription is None
    assert v1.subscriptions.list({"customer": session.customer, "status": "all"}).data == []
    assert person.send(session.url, card="4242424242424242").status == 303


def test_unknown_numbers_are_no_cards(person, shop):
    answer = person.send(shop.checkout().url, card="1234")
    assert answer.status == 402 and "test cards" in answer.text


def test_three_d_secure_passed_and_failed(v1, person, shop):
    session = shop.checkout()
    step = person.send(session.url, card="4000002500003155")
    assert step.to == f"/pay/{session.id}/3ds"
    assert "Complete authentication" in person.open(step.to).text
    failed = person.send(step.to, result="fail")
    assert failed.status == 402 and "unable to authenticate" in failed.text
    assert v1.checkout.sessions.retrieve(session.id).status == "open"
    step = person.send(session.url, card="4000002500003155")
    assert person.send(step.to, result="pass").to.startswith("https://site.test/done")
    done = v1.checkout.sessions.retrieve(session.id, {"expand": ["subscription"]})
    assert done.status == "complete" and done.subscription.status == "active"


def test_the_authenticated_card_renews_without_asking(local, shop):
    session = shop.checkout()
    step = shop.person.send(session.url, card="4000002500003155")
    shop.person.send(step.to, result="pass")
    sub = shop.v1.subscriptions.list({"customer": session.customer}).data[0]
    shop.to_end_of_period(sub, then=3600)
    assert [i.status for i in shop.invoices(sub)] == ["paid", "paid"]


def test_a_card_that_asks_at_each_renewal(local, v1, receiver, person, shop):
    session = shop.checkout()
    step = person.send(session.url, card="4000002760003184")
    assert person.send(step.to, result="pass").status == 303
    sub = v1.subscriptions.list({"customer": session.customer}).data[0]
    shop.to_end_of_period(sub, then=3600)
    bill = shop.invoices(sub)[-1]
    assert bill.status == "open" and shop.sub(sub).status == "past_due"
    local.settle()
    assert "invoice.payment_action_required" in receiver.types()
    step = person.send(bill.hosted_invoice_url.split("?")[0], card="4000002760003184")
    assert step.to.startswith("/3ds/pi_")
    person.send(step.to, result="pass")
    assert [i.status for i in shop.invoices(sub)] == ["paid", "paid"]
    assert shop.sub(sub).status == "active"


def test_sent_twice_buys_once(v1, person, shop):
    session = shop.checkout()
    for _ in range(2):
        assert person.send(session.url, card="4242424242424242").to.startswith(
            "https://site.test/done"
        )
    assert person.open(session.url).to.startswith("https://site.test/done")
    assert len(v1.subscriptions.list({"customer": session.customer}).data) == 1


def test_trial_with_a_card(local, v1, receiver, shop):
    sub = shop.buy(subscription_data={"trial_period_days": 7})
    assert sub.status == "trialing" and sub.trial_end == sub.trial_start + 7 * DAY
    assert sub["items"].data[0].current_period_end == sub.trial_end
    first = shop.invoices(sub)[0]
    assert (first.total, first.status) == (0, "paid")
    local.settle()
    receiver.clear()
    local.advance(to=sub.trial_end - 3 * DAY)
    local.settle()
    assert receiver.types() == ["customer.subscription.trial_will_end"]
    local.advance(to=sub.trial_end + 3600)
    assert shop.sub(sub).status == "active"
    assert [(i.total, i.status) for i in shop.invoices(sub)] == [(0, "paid"), (900, "paid")]


@pytest.mark.parametrize(
    ("choice", "status"),
    [("cancel", "canceled"), ("pause", "paused"), ("create_invoice", "past_due")],
)
def test_trial_without_a_card(local, v1, person, shop, choice, status):
    session = shop.checkout(
        payment_method_collection="if_required",
        subscription_data={
            "trial_period_days": 7,
            "trial_settings": {"end_behavior": {"missing_payment_method": choice}},
        },
    )
    assert "Card number" not in person.open(session.url).text
    assert person.send(session.url).status == 303
    done = v1.checkout.sessions.retrieve(session.id)
    assert done.payment_status == "no_payment_required"
    sub = v1.subscriptions.retrieve(done.subscription)
    assert sub.status == "trialing" and sub.default_payment_method is None
    local.advance(to=sub.trial_end + 3600)
    ended = shop.sub(sub)
    assert ended.status == status
    if choice == "pause":
        assert ended.status_details.paused.subscription.type == "trial_end_without_payment_method"


def test_promotion_code_typed_on_the_page(v1, person, shop):
    coupon = v1.coupons.create({"percent_off": 25, "duration": "once"})
    code = v1.promotion_codes.create({"promotion": {"type": "coupon", "coupon": coupon.id}, "code": "WELCOME",
                                      "max_redemptions": 1})  # fmt: skip
    session = shop.checkout(allow_promotion_codes=True)
    wrong = person.send(f"{session.url}/code", code="NOPE")
    assert wrong.status == 400 and "invalid" in wrong.text
    assert person.send(f"{session.url}/code", code="welcome").status == 303
    assert "$6.75" in person.open(session.url).text
    person.send(session.url, card="4242424242424242")
    done = v1.checkout.sessions.retrieve(session.id, {"expand": ["invoice", "line_items"]})
    assert (done.amount_subtotal, done.amount_total, done.total_details.amount_discount) == (
        900,
        675,
        225,
    )
    assert done.invoice.total == 675 and done.line_items.data[0].amount_total == 675
    assert v1.promotion_codes.retrieve(code.id).times_redeemed == 1
    sub = v1.subscriptions.retrieve(done.subscription)
    assert sub.discounts == []  # once: used up
    late = shop.checkout(allow_promotion_codes=True)
    assert "used up" in person.send(f"{late.url}/code", code="WELCOME").text


def test_coupon_for_some_months(local, v1, shop):
    coupon = v1.coupons.create(
        {"amount_off": 300, "currency": "usd", "duration": "repeating", "duration_in_months": 2}
    )
    sub = shop.buy(discounts=[{"coupon": coupon.id}])
    full = v1.subscriptions.retrieve(sub.id, {"expand": ["discounts"]})
    assert full.discounts[0].source.coupon == coupon.id
    for _ in range(2):
        shop.to_end_of_period(sub, then=3600)
    assert [i.total for i in shop.invoices(sub)] == [600, 600, 900]


def test_automatic_tax_by_the_country_of_the_page(v1, person, shop):
    customer = v1.customers.create({"email": "ada@example.com"})
    session = shop.checkout(
        customer=customer.id, automatic_tax={"enabled": True}, customer_update={"address": "auto"}
    )
    assert session.automatic_tax.status == "requires_location_inputs"
    person.send(session.url, card="4242424242424242", country="DE")
    done = v1.checkout.sessions.retrieve(session.id, {"expand": ["invoice"]})
    assert (done.amount_subtotal, done.amount_total, done.total_details.amount_tax) == (
        900,
        1071,
        171,
    )
    assert done.invoice.total == 1071 and done.invoice.total_taxes[0].amount == 171
    assert v1.customers.retrieve(customer.id).address.country == "DE"


def test_nothing_is_charged_that_the_page_did_not_show(v1, person, shop):
    session = shop.checkout(automatic_tax={"enabled": True}, customer_email="ada@example.com")
    form = {"card": "4242424242424242", "country": "DE"}
    seen = re.search(r'name="seen" value="(\d+)"', person.open(session.url).text)[1]
    answer = person.send(session.url, seen=seen, **form)
    assert answer.status == 400 and "$10.71" in answer.text
    assert (
        v1.checkout.sessions.retrieve(session.id).status == "open"
        and v1.customers.list().data == []
    )
    seen = re.search(r'name="seen" value="(\d+)"', answer.text)[1]
    assert 'value="DE" selected' in answer.text
    assert person.send(session.url, seen=seen, **form).status == 303
    assert v1.invoices.list().data[0].amount_paid == int(seen) == 1071


def test_a_gift_is_one_payment(local, v1, receiver, person, shop):
    gift = shop.price(5000)
    session = shop.checkout(gift, mode="payment", customer_email="ada@example.com",
                            payment_intent_data={"metadata": {"gift": "1"}})  # fmt: skip
    declined = person.send(session.url, card="4000000000009995")
    assert declined.status == 402 and "insufficient funds" in declined.text
    person.send(session.url, card="4242424242424242")
    done = v1.checkout.sessions.retrieve(
        session.id, {"expand": ["payment_intent.latest_charge.balance_transaction"]}
    )
    intent = done.payment_intent
    assert done.payment_status == "paid" and done.subscription is None and done.customer is None
    assert intent.amount_received == 5000 and intent.metadata["gift"] == "1"
    entry = intent.latest_charge.balance_transaction
    assert (entry.amount, entry.fee, entry.net) == (5000, 175, 4825)
    local.settle()
    assert "payment_intent.payment_failed" in receiver.types()
    assert receiver.types()[-1] == "checkout.session.completed"


def test_expires_after_a_day_or_when_told(local, v1, receiver, person, shop):
    session, other = shop.checkout(), shop.checkout()
    assert v1.checkout.sessions.expire(other.id).status == "expired"
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        v1.checkout.sessions.expire(other.id)
    assert refusal.value.code == "resource_not_expirable"
    local.advance(seconds=DAY)
    assert v1.checkout.sessions.retrieve(session.id).status == "expired"
    local.settle()
    assert receiver.types().count("checkout.session.expired") == 2
    assert person.open(f"/pay/{session.id}").status == 410
    assert person.send(f"/pay/{session.id}", card="4242424242424242").status == 400


def test_the_page_is_plain_and_complete_html(person, shop):
    page = person.open(shop.checkout(allow_promotion_codes=True).url)
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert "<script" not in page.text and "style=" not in page.text
    names = re.findall(r'<(?:input|select)[^>]* id="([^"]+)"', page.text)
    assert names and all(f'<label for="{name}"' in page.text for name in names)
    assert 'href="https://site.test/plans"' in page.text
    assert person.open("/_local/style.css").headers["Content-Type"].startswith("text/css")


def test_what_comes_from_outside_is_escaped(v1, person, shop):
    session = shop.checkout(customer_email='"><script>@x.test')
    assert "<script" not in person.open(session.url).text


def test_setup_mode_saves_a_card(v1, person, shop):
    customer = v1.customers.create({"email": "ada@example.com"})
    session = v1.checkout.sessions.create({"mode": "setup", "currency": "usd", "customer": customer.id,
                                           "success_url": "https://site.test/ok"})  # fmt: skip
    assert person.send(session.url, card="4242424242424242").to == "https://site.test/ok"
    assert len(v1.payment_methods.list({"customer": customer.id}).data) == 1
    done = v1.checkout.sessions.retrieve(session.id, {"expand": ["setup_intent"]})
    assert done.setup_intent.status == "succeeded"


def test_a_gift_with_an_invoice(v1, person, shop):
    gift = shop.price(5000)
    coupon = v1.coupons.create({"percent_off": 10})
    session = shop.checkout(gift, mode="payment", invoice_creation={"enabled": True},
                            discounts=[{"coupon": coupon.id}])  # fmt: skip
    person.send(session.url, card="4242424242424242")
    done = v1.checkout.sessions.retrieve(session.id, {"expand": ["invoice.payments"]})
    assert (done.invoice.status, done.invoice.total, done.invoice.amount_paid) == (
        "paid",
        4500,
        4500,
    )
    assert done.invoice.payments.data[0].payment.payment_intent == done.payment_intent
    assert len(v1.charges.list().data) == 1


def test_everything_off_needs_no_money(v1, person, shop):
    coupon = v1.coupons.create({"percent_off": 100, "duration": "once"})
    session = shop.checkout(
        discounts=[{"coupon": coupon.id}], payment_method_collection="if_required"
    )
    assert session.amount_total == 0
    person.send(session.url)
    done = v1.checkout.sessions.retrieve(session.id, {"expand": ["subscription"]})
    assert done.payment_status == "no_payment_required" and done.subscription.status == "active"
    assert v1.charges.list().data == []
