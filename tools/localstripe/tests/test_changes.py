"""Upgrades, downgrades, previews, pauses."""

import pytest
import stripe

DAY = 86_400


def _figures(invoice):
    return {
        "lines": [(row.amount, row.description, row.period.start, row.period.end) for row in invoice.lines.data],
        "sums": (invoice.subtotal, invoice.total, invoice.amount_due, invoice.starting_balance),
        "tax": [(t.amount, t.taxable_amount) for t in invoice.total_taxes],
        "off": [d.amount for d in invoice.total_discount_amounts],
    }  # fmt: skip


def _swap(sub, price):
    return [{"id": sub["items"].data[0].id, "price": price.id}]


def _preview(v1, sub, at, price, behaviour="always_invoice"):
    return v1.invoices.create_preview({
        "customer": sub.customer, "subscription": sub.id,
        "subscription_details": {"items": _swap(sub, price), "proration_behavior": behaviour, "proration_date": at},
    })  # fmt: skip


def test_upgrade_is_what_the_preview_said_to_the_cent(local, v1, shop, receiver):
    sub = shop.buy()
    item = sub["items"].data[0]
    local.advance(seconds=10 * DAY + 12_345)
    at = local.world.now()
    local.settle()
    receiver.clear()
    preview = _preview(v1, sub, at, shop.more)
    local.settle()
    assert receiver.events == []  # a preview leaves nothing behind
    left, whole = item.current_period_end - at, item.current_period_end - item.current_period_start
    credit, debit = (row.amount for row in preview.lines.data)
    assert credit == -((2 * 900 * left + whole) // (2 * whole))
    assert debit == (2 * 2000 * left + whole) // (2 * whole)
    after = v1.subscriptions.update(sub.id, {
        "items": _swap(sub, shop.more), "proration_behavior": "always_invoice", "proration_date": at,
        "payment_behavior": "pending_if_incomplete",
    })  # fmt: skip
    invoice = v1.invoices.retrieve(after.latest_invoice)
    assert _figures(invoice) == _figures(preview)
    assert (invoice.status, invoice.billing_reason) == ("paid", "subscription_update")
    moved = after["items"].data[0]
    assert moved.id == item.id and moved.price.id == shop.more.id
    assert moved.current_period_end == item.current_period_end
    assert all(row.parent.invoice_item_details.proration for row in invoice.lines.data)


def test_preview_equals_with_tax_discount_and_balance(local, v1, shop):
    customer = v1.customers.create({"email": "ada@example.com", "address": {"country": "FR"}})
    coupon = v1.coupons.create({"percent_off": 12.5, "duration": "forever"})
    sub = shop.buy(
        customer=customer.id, automatic_tax={"enabled": True}, discounts=[{"coupon": coupon.id}]
    )
    v1.customers.balance_transactions.create(customer.id, {"amount": -333, "currency": "usd"})
    local.advance(seconds=7 * DAY + 77)
    at = local.world.now()
    for price in (shop.more, shop.year):
        preview = _preview(v1, sub, at, price)
        after = v1.subscriptions.update(sub.id, {
            "items": _swap(sub, price), "proration_behavior": "always_invoice", "proration_date": at})  # fmt: skip
        invoice = v1.invoices.retrieve(after.latest_invoice)
        assert _figures(invoice) == _figures(preview)
        off = sum(d.amount for d in invoice.total_discount_amounts)
        tax = sum(t.amount for t in invoice.total_taxes)
        assert off > 0 and tax > 0 and invoice.total == invoice.subtotal - off + tax
        assert sum(row.amount for row in invoice.lines.data) == invoice.subtotal
        at = local.world.now()
    upcoming = v1.invoices.create_preview({"subscription": sub.id})
    shop.to_end_of_period(sub, then=3600)
    assert _figures(shop.invoices(sub)[-1]) == _figures(upcoming)


def test_preview_of_a_new_subscription(v1, shop):
    coupon = v1.coupons.create({"amount_off": 100, "currency": "usd"})
    preview = v1.invoices.create_preview({
        "subscription_details": {"items": [{"price": shop.month.id, "quantity": 2}]},
        "discounts": [{"coupon": coupon.id}]})  # fmt: skip
    assert (preview.subtotal, preview.total) == (1800, 1700)
    assert v1.subscriptions.list().data == [] and v1.coupons.retrieve(coupon.id).times_redeemed == 0


def test_an_upgrade_that_fails_without_waiting_is_retried(local, v1, shop):
    sub = shop.buy(card="4000000000000341")
    after = v1.subscriptions.update(sub.id, {
        "items": _swap(sub, shop.more), "proration_behavior": "always_invoice"})  # fmt: skip
    assert after.status == "past_due" and after["items"].data[0].price.id == shop.more.id
    local.advance(seconds=7 * DAY)
    assert shop.sub(sub).status == "canceled"


def test_upgrade_to_a_year_begins_a_new_cycle(local, v1, shop):
    sub = shop.buy()
    local.advance(seconds=15 * DAY)
    at = local.world.now()
    preview = _preview(v1, sub, at, shop.year)
    after = v1.subscriptions.update(sub.id, {
        "items": _swap(sub, shop.year), "proration_behavior": "always_invoice", "proration_date": at})  # fmt: skip
    invoice = v1.invoices.retrieve(after.latest_invoice)
    assert _figures(invoice) == _figures(preview)
    assert invoice.lines.data[0].amount < 0 and invoice.lines.data[1].amount == 9000
    item = after["items"].data[0]
    assert item.current_period_start == at and item.current_period_end >= at + 365 * DAY
    assert after.billing_cycle_anchor == at


def test_upgrade_that_is_not_paid_keeps_the_old_plan(local, v1, receiver, person, shop):
    sub = shop.buy(card="4000000000000341")
    local.settle()
    receiver.clear()
    after = v1.subscriptions.update(sub.id, {
        "items": _swap(sub, shop.more), "proration_behavior": "always_invoice",
        "payment_behavior": "pending_if_incomplete"})  # fmt: skip
    assert after.status == "active" and after["items"].data[0].price.id == shop.month.id
    assert after.pending_update.subscription_items[0].price.id == shop.more.id
    local.settle()
    assert "invoice.payment_failed" in receiver.types()
    invoice = v1.invoices.retrieve(after.latest_invoice)
    assert invoice.status == "open"
    assert (
        person.send(invoice.hosted_invoice_url.split("?")[0], card="4242424242424242").status == 303
    )
    healed = shop.sub(sub)
    assert healed.pending_update is None and healed["items"].data[0].price.id == shop.more.id
    local.settle()
    assert "customer.subscription.pending_update_applied" in receiver.types()


def test_an_unpaid_upgrade_expires_after_23_hours(local, v1, shop):
    sub = shop.buy(card="4000000000000341")
    after = v1.subscriptions.update(sub.id, {
        "items": _swap(sub, shop.more), "proration_behavior": "always_invoice",
        "payment_behavior": "pending_if_incomplete"})  # fmt: skip
    local.advance(seconds=23 * 3600)
    late = shop.sub(sub)
    assert late.pending_update is None and late["items"].data[0].price.id == shop.month.id
    assert v1.invoices.retrieve(after.latest_invoice).status == "void"


def test_a_newer_change_takes_the_place_of_one_that_waits(v1, person, shop):
    sub = shop.buy(card="4000000000000341")
    asked = {"proration_behavior": "always_invoice", "payment_behavior": "pending_if_incomplete"}
    first = v1.subscriptions.update(
        sub.id, {"items": _swap(sub, shop.more), **asked}
    ).latest_invoice
    second = v1.subscriptions.update(
        sub.id, {"items": _swap(sub, shop.year), **asked}
    ).latest_invoice
    assert [v1.invoices.retrieve(i).status for i in (first, second)] == ["void", "open"]
    person.send(f"/invoice/{second}", card="4242424242424242")
    assert shop.sub(sub)["items"].data[0].price.id == shop.year.id


def test_nothing_is_left_to_pay_for_a_change_of_what_is_cancelled(v1, shop):
    sub = shop.buy(card="4000000000000341")
    waiting = v1.subscriptions.update(sub.id, {
        "items": _swap(sub, shop.more), "proration_behavior": "always_invoice",
        "payment_behavior": "pending_if_incomplete"})  # fmt: skip
    v1.subscriptions.cancel(sub.id)
    assert v1.invoices.retrieve(waiting.latest_invoice).status == "void"


def test_an_archived_price_stays_for_those_who_have_it(local, v1, shop):
    sub = shop.buy(shop.more)
    v1.prices.update(shop.more.id, {"active": False})
    v1.subscriptions.update(sub.id, {"items": [{"id": sub["items"].data[0].id, "quantity": 2}]})
    schedule = v1.subscription_schedules.create({"from_subscription": sub.id})
    now = schedule.phases[0]
    v1.subscription_schedules.update(schedule.id, {"phases": [
        {"items": [{"price": shop.more.id, "quantity": 2}], "start_date": now.start_date, "end_date": now.end_date},
        {"items": [{"price": shop.month.id}]},
    ]})  # fmt: skip
    shop.to_end_of_period(sub, then=3600)
    assert shop.sub(sub)["items"].data[0].price.id == shop.month.id


def test_upgrade_that_needs_authentication(v1, person, shop):
    sub = shop.buy()
    pm = v1.payment_methods.attach("pm_card_authenticationRequired", {"customer": sub.customer})
    v1.subscriptions.update(sub.id, {"default_payment_method": pm.id})
    after = v1.subscriptions.update(sub.id, {
        "items": _swap(sub, shop.more), "proration_behavior": "always_invoice",
        "payment_behavior": "pending_if_incomplete", "expand": ["latest_invoice.payments"]})  # fmt: skip
    assert after["items"].data[0].price.id == shop.month.id
    intent = v1.payment_intents.retrieve(
        after.latest_invoice.payments.data[0].payment.payment_intent
    )
    assert intent.status == "requires_action"
    person.send(intent.next_action.redirect_to_url.url, result="pass")
    assert shop.sub(sub)["items"].data[0].price.id == shop.more.id


def test_error_if_incomplete_changes_nothing(v1, shop):
    sub = shop.buy(card="4000000000000341")
    with pytest.raises(stripe.CardError) as refusal:
        v1.subscriptions.update(sub.id, {
            "items": _swap(sub, shop.more), "proration_behavior": "always_invoice",
            "payment_behavior": "error_if_incomplete"})  # fmt: skip
    assert refusal.value.code == "card_declined"
    assert shop.sub(sub)["items"].data[0].price.id == shop.month.id
    assert len(shop.invoices(sub)) == 1


def test_prorations_that_wait_are_on_the_next_invoice(local, v1, shop):
    sub = shop.buy()
    local.advance(seconds=10 * DAY)
    at = local.world.now()
    preview = _preview(v1, sub, at, shop.more, "create_prorations")
    v1.subscriptions.update(sub.id, {
        "items": _swap(sub, shop.more), "proration_behavior": "create_prorations", "proration_date": at})  # fmt: skip
    assert len(shop.invoices(sub)) == 1
    again = v1.invoices.create_preview({"subscription": sub.id})
    shop.to_end_of_period(sub, then=3600)
    invoice = shop.invoices(sub)[-1]
    assert _figures(invoice) == _figures(preview) == _figures(again)
    assert len(invoice.lines.data) == 3


def test_a_change_without_proration_costs_at_renewal(local, v1, shop):
    sub = shop.buy()
    v1.subscriptions.update(sub.id, {"items": _swap(sub, shop.more), "proration_behavior": "none"})
    shop.to_end_of_period(sub, then=3600)
    assert [i.total for i in shop.invoices(sub)] == [900, 2000]


def test_the_credit_is_what_was_paid_after_the_discount(local, v1, shop):
    coupon = v1.coupons.create({"percent_off": 50, "duration": "once"})
    sub = shop.buy(discounts=[{"coupon": coupon.id}])
    assert shop.invoices(sub)[0].total == 450
    at = sub["items"].data[0].current_period_start
    preview = _preview(v1, sub, at, shop.more)
    assert [row.amount for row in preview.lines.data] == [-450, 2000]


def test_downgrade_with_credit_goes_to_the_balance_and_is_used(local, v1, shop):
    sub = shop.buy(shop.more)
    local.advance(seconds=DAY)
    v1.subscriptions.update(
        sub.id, {"items": _swap(sub, shop.month), "proration_behavior": "always_invoice"}
    )
    credit = shop.invoices(sub)[-1]
    assert credit.total < 0 and credit.amount_due == 0 and credit.status == "paid"
    assert v1.customers.retrieve(sub.customer).balance == credit.total
    preview = v1.invoices.create_preview({"subscription": sub.id})
    shop.to_end_of_period(sub, then=3600)
    bill = shop.invoices(sub)[-1]
    assert (bill.total, bill.amount_due) == (900, max(0, 900 + credit.total))
    assert (preview.amount_due, bill.ending_balance) == (
        bill.amount_due,
        min(0, credit.total + 900),
    )
    log = v1.customers.balance_transactions.list(sub.customer).data
    assert sum(entry.amount for entry in log) == v1.customers.retrieve(sub.customer).balance


def test_downgrade_at_the_end_of_the_period_by_schedule(local, v1, receiver, shop):
    sub = shop.buy(shop.more)
    item = sub["items"].data[0]
    schedule = v1.subscription_schedules.create({"from_subscription": sub.id})
    assert shop.sub(sub).schedule == schedule.id
    now = schedule.phases[0]
    schedule = v1.subscription_schedules.update(schedule.id, {"end_behavior": "release", "phases": [
        {"items": [{"price": shop.more.id, "quantity": 1}], "start_date": now.start_date, "end_date": now.end_date},
        {"items": [{"price": shop.month.id, "quantity": 1}], "duration": {"interval": "month"}},
    ]})  # fmt: skip
    assert len(schedule.phases) == 2
    with pytest.raises(stripe.InvalidRequestError, match="managed by the subscription schedule"):
        v1.subscriptions.update(sub.id, {"cancel_at_period_end": True})
    local.advance(to=item.current_period_end + 3600)
    moved = shop.sub(sub)["items"].data[0]
    assert moved.price.id == shop.month.id and moved.current_period_start == item.current_period_end
    assert [i.total for i in shop.invoices(sub)] == [2000, 900]
    shop.to_end_of_period(sub, then=3600)
    over = v1.subscription_schedules.retrieve(schedule.id)
    assert over.status == "released" and shop.sub(sub).schedule is None
    assert [i.total for i in shop.invoices(sub)] == [2000, 900, 900]


def test_downgrade_from_year_to_month_by_schedule(local, v1, shop):
    sub = shop.buy(shop.year)
    end = sub["items"].data[0].current_period_end
    schedule = v1.subscription_schedules.create({"from_subscription": sub.id})
    v1.subscription_schedules.update(schedule.id, {"phases": [
        {"items": [{"price": shop.year.id}], "start_date": schedule.phases[0].start_date, "end_date": end},
        {"items": [{"price": shop.month.id}], "duration": {"interval": "month"}},
    ]})  # fmt: skip
    local.advance(to=end + 3600)
    item = shop.sub(sub)["items"].data[0]
    assert item.price.id == shop.month.id and end < item.current_period_end <= end + 31 * DAY
    assert [i.total for i in shop.invoices(sub)] == [9000, 900]


def test_a_schedule_can_be_released(v1, shop):
    sub = shop.buy()
    schedule = v1.subscription_schedules.create({"from_subscription": sub.id})
    released = v1.subscription_schedules.release(schedule.id)
    assert released.status == "released" and released.released_subscription == sub.id
    assert shop.sub(sub).schedule is None and shop.sub(sub).status == "active"


def test_pause_and_resume(local, v1, receiver, shop):
    sub = shop.buy()
    local.advance(seconds=5 * DAY)
    paused = v1.subscriptions.pause(sub.id, {"bill_for": {"unused_time_from": {"type": "none"}}})
    assert paused.status == "paused"
    assert paused.status_details.paused.subscription.type == "pause_requested"
    local.advance(seconds=90 * DAY)
    assert len(shop.invoices(sub)) == 1  # nothing is billed meanwhile
    back = v1.subscriptions.resume(sub.id, {"billing_cycle_anchor": {"type": "now"}})
    assert back.status == "active" and back.status_details is None
    assert [i.status for i in shop.invoices(sub)] == ["paid", "paid"]
    assert (
        back["items"].data[0].current_period_start
        >= paused.status_details.paused.transitioned_at + 90 * DAY
    )
    local.settle()
    assert {"customer.subscription.paused", "customer.subscription.resumed"} <= set(
        receiver.types()
    )


def test_resume_waits_for_the_payment(v1, shop):
    sub = shop.buy(card="4000000000000341")
    v1.subscriptions.pause(sub.id, {"bill_for": {"unused_time_from": {"type": "none"}}})
    waiting = v1.subscriptions.resume(sub.id, {"payment_behavior": "resume_on_payment_success"})
    assert waiting.status == "paused"
    v1.payment_methods.attach("pm_card_visa", {"customer": sub.customer})
    pm = v1.payment_methods.list({"customer": sub.customer}).data[0]
    v1.invoices.pay(waiting.latest_invoice, {"payment_method": pm.id})
    assert shop.sub(sub).status == "active"


def test_a_pause_credits_unused_time_and_resuming_charges_it_again(local, v1, shop):
    sub = shop.buy()
    local.advance(seconds=15 * DAY)
    v1.subscriptions.pause(sub.id)
    credit = v1.invoice_items.list({"customer": sub.customer, "pending": True}).data[0]
    assert credit.amount < 0 and credit.proration
    v1.subscriptions.resume(sub.id, {"billing_cycle_anchor": {"type": "unchanged"}})
    amounts = [
        i.amount for i in v1.invoice_items.list({"customer": sub.customer, "pending": True}).data
    ]
    assert len(amounts) == 2 and abs(sum(amounts)) <= 1


def test_pause_collection_leaves_the_status_alone(local, v1, shop):
    sub = shop.buy()
    held = v1.subscriptions.update(sub.id, {"pause_collection": {"behavior": "void"}})
    assert held.status == "active" and held.pause_collection.behavior == "void"
    shop.to_end_of_period(sub, then=3600)
    assert [i.status for i in shop.invoices(sub)] == ["paid", "void"]
    v1.subscriptions.update(sub.id, {"pause_collection": ""})
    shop.to_end_of_period(sub, then=3600)
    assert [i.status for i in shop.invoices(sub)] == ["paid", "void", "paid"]


def test_default_incomplete_waits_and_expires_after_23_hours(local, v1, receiver, shop):
    customer = v1.customers.create({"email": "ada@example.com"})
    sub = v1.subscriptions.create({
        "customer": customer.id, "items": [{"price": shop.month.id}], "payment_behavior": "default_incomplete",
        "expand": ["latest_invoice.confirmation_secret"]})  # fmt: skip
    assert sub.status == "incomplete" and sub.latest_invoice.confirmation_secret.client_secret
    local.advance(seconds=23 * 3600)
    assert shop.sub(sub).status == "incomplete_expired"
    assert v1.invoices.retrieve(sub.latest_invoice.id).status == "void"


def test_the_payment_of_an_incomplete_subscription_makes_it_active(v1, shop):
    customer = v1.customers.create({"email": "ada@example.com"})
    sub = v1.subscriptions.create({
        "customer": customer.id, "items": [{"price": shop.month.id}], "payment_behavior": "default_incomplete",
        "expand": ["latest_invoice.payments"]})  # fmt: skip
    intent = sub.latest_invoice.payments.data[0].payment.payment_intent
    v1.payment_intents.confirm(intent, {"payment_method": "pm_card_visa"})
    assert shop.sub(sub).status == "active"
    found = v1.invoice_payments.list(
        {"payment": {"type": "payment_intent", "payment_intent": intent}}
    )
    assert found.data[0].invoice == sub.latest_invoice.id and found.data[0].status == "paid"


def test_end_a_trial_now(v1, shop):
    sub = shop.subscribe(trial_period_days=14)
    after = v1.subscriptions.update(sub.id, {"trial_end": "now"})
    assert after.status == "active"
    assert [(i.total, i.status) for i in shop.invoices(sub)] == [(0, "paid"), (900, "paid")]


def test_quantity_and_added_items(local, v1, shop):
    sub = shop.subscribe()
    start = sub["items"].data[0].current_period_start
    v1.subscriptions.update(sub.id, {
        "items": [{"id": sub["items"].data[0].id, "quantity": 3}], "proration_behavior": "always_invoice",
        "proration_date": start})  # fmt: skip
    assert shop.invoices(sub)[-1].total == 1800
    assert shop.sub(sub)["items"].data[0].quantity == 3
