"""Properties of the arithmetic, and of the books after any sequence of commands."""

import datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from localstripe import changes, clockwork, disputes, money, pausing, subscriptions
from localstripe.errors import StripeError
from localstripe.world import World

amounts = st.integers(-(10**9), 10**9)


@given(st.integers(0, 10**9), st.lists(st.integers(0, 10**6), min_size=1, max_size=9))
def test_parts_add_up(total, weights):
    parts = money.spread(total, weights)
    assert sum(parts) == (total if sum(weights) else 0)
    assert all(
        abs(p - total * w / (sum(weights) or 1)) <= 1 for p, w in zip(parts, weights, strict=True)
    )


@given(amounts, st.integers(0, 10**7), st.integers(1, 10**7))
def test_a_part_and_its_opposite_cancel(amount, part, whole):
    assert money.ratio(amount, part, whole) == -money.ratio(-amount, part, whole)
    assert abs(money.ratio(amount, part, whole) - amount * part / whole) <= max(
        0.5, abs(amount * part / whole) * 1e-12
    )


@pytest.mark.parametrize(
    ("amount", "fee"), [(50, 31), (100, 33), (900, 56), (1000, 59), (5000, 175), (999, 59)]
)
def test_fees(amount, fee):
    assert money.fee(amount) == fee


@given(
    st.datetimes(datetime.datetime(2024, 1, 1), datetime.datetime(2032, 1, 1)),
    st.sampled_from(["day", "week", "month", "year"]), st.integers(1, 3),
)  # fmt: skip
def test_periods_follow_each_other_on_the_grid(start, interval, count):
    anchor = int(start.replace(tzinfo=datetime.UTC).timestamp())
    at = anchor
    for number in range(1, 16):
        end = money.period_after(anchor, at, interval, count)
        assert end == money.step(anchor, interval, count, number) > at
        at = end


def shop():
    """A world with two prices and a subscription, without HTTP."""
    from localstripe import catalog, customers

    w = World()
    clock = clockwork.Clockwork(w)
    with w.work():
        product = catalog.create_product(w, {"name": "P"})
        prices = [
            catalog.create_price(w, {"product": product["id"], "currency": "usd", "unit_amount": n,
                                     "recurring": {"interval": i}})["id"]
            for n, i in ((900, "month"), (2001, "month"), (9999, "year"))
        ]  # fmt: skip
        customer = customers.create_customer(w, {"email": "a@x.test", "address": {"country": "DE"}})
        coupon = catalog.create_coupon(w, {"percent_off": 33.33, "duration": "forever"})
        pm = customers.attach(w, customers.new_method(w, "4242424242424242"), customer)
        customer["invoice_settings"]["default_payment_method"] = pm["id"]
        sub = subscriptions.create_subscription(w, {
            "customer": customer["id"], "items": [{"price": prices[0]}], "automatic_tax": {"enabled": True},
            "discounts": [{"coupon": coupon["id"]}]})  # fmt: skip
    return w, clock, sub["id"], prices


commands = st.one_of(
    st.tuples(st.just("wait"), st.integers(1, 40 * money.DAY)),
    st.tuples(st.just("swap"), st.tuples(st.integers(0, 2), st.sampled_from(["always_invoice", "create_prorations", "none"]))),
    st.tuples(st.just("quantity"), st.integers(1, 4)),
    st.tuples(st.just("refund"), st.integers(1, 3000)),
    st.tuples(st.just("dispute"), st.sampled_from(["won", "lost", "open"])),
    st.tuples(st.just("card"), st.sampled_from(["4242424242424242", "4000000000000341"])),
    st.tuples(st.just("pause"), st.sampled_from(["now", "unchanged"])),
)  # fmt: skip


def obey(w, clock, sid, prices, name, value):
    sub = w.get("subscription", sid)
    item = sub["items"]["data"][0]
    paid = w.find("charge", status="succeeded")
    if name == "wait":
        clock.advance(seconds=value)
    elif name == "swap":
        swap(
            w,
            sub,
            {
                "items": [{"id": item["id"], "price": prices[value[0]]}],
                "proration_behavior": value[1],
            },
        )
    elif name == "quantity":
        changes.update(
            w,
            {
                "items": [{"id": item["id"], "quantity": value}],
                "proration_behavior": "always_invoice",
            },
            sid,
        )
    elif name == "refund":
        disputes.create_refund(w, {"charge": paid[-1]["id"], "amount": value})
    elif name == "dispute":
        made = disputes.open_dispute(w, paid[-1])
        if value != "open":
            disputes.close_dispute(w, made, value)
    elif name == "card":
        from localstripe import customers

        customer = w.get("customer", sub["customer"])
        pm = customers.attach(w, customers.new_method(w, value), customer)
        customer["invoice_settings"]["default_payment_method"] = pm["id"]
    elif name == "pause":
        pausing.pause(w, {}, sid)
        clock.advance(seconds=5 * money.DAY)
        pausing.resume(w, {"billing_cycle_anchor": {"type": value}}, sid)


def swap(w, sub, change):
    """Change the plan; what is billed for it is what the preview said."""
    sid = sub["id"]
    change = {**change, "proration_date": w.now()}
    preview = changes.create_preview(w, {"subscription": sid, "subscription_details": change})
    bills = len(w.find("invoice"))
    changes.update(w, change, sid)
    made = w.find("invoice")[bills:]
    for bill in made[:1]:
        for key in ("subtotal", "total", "amount_due", "starting_balance"):
            assert bill[key] == preview[key], key
        assert [r["amount"] for r in bill["lines"]["data"]] == [
            r["amount"] for r in preview["lines"]["data"]
        ]


def books_are_right(w):
    for row in w.find("balance_transaction"):
        assert row["net"] == row["amount"] - row["fee"]
    for made in w.find("charge", status="succeeded"):
        back = sum(
            r["amount"] for r in w.find("refund", charge=made["id"]) if r["status"] == "succeeded"
        )
        assert made["amount_refunded"] == back <= made["amount"]
    for bill in w.find("invoice"):
        off = sum(d["amount"] for d in bill["total_discount_amounts"])
        tax = sum(t["amount"] for t in bill["total_taxes"])
        assert bill["subtotal"] == sum(r["amount"] for r in bill["lines"]["data"])
        assert bill["total"] == bill["subtotal"] - off + tax
        assert tax == sum(t["amount"] for r in bill["lines"]["data"] for t in r["taxes"])
        assert bill["amount_due"] >= 0 and bill["amount_remaining"] >= 0
        if bill["status"] == "paid":
            taken = sum(w.get("payment_intent", p["payment"]["payment_intent"])["amount_received"]
                        for p in w.find("invoice_payment", invoice=bill["id"], status="paid"))  # fmt: skip
            assert bill["amount_paid"] == bill["amount_due"] == taken
    for customer in w.find("customer"):
        moved = w.find("customer_balance_transaction", customer=customer["id"])
        assert customer["balance"] == sum(m["amount"] for m in moved) <= 0
    numbers = [b["number"] for b in w.find("invoice") if b["number"]]
    assert len(set(numbers)) == len(numbers)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(commands, min_size=1, max_size=7))
def test_after_any_commands_the_books_are_right(steps):
    from conftest import unfit

    w, clock, sid, prices = shop()
    for name, value in steps:
        try:
            with w.work():
                obey(w, clock, sid, prices, name, value)
                w.run_later()
        except (
            StripeError,
            IndexError,
        ):  # refused, or nothing was paid yet: nothing may have changed
            assert w.store._depth == 0
        books_are_right(w)
    assert unfit(w) == []
    w.store.close()
