"""Refusals: the rules across fields that a description of shapes does not have."""

import pytest
import stripe
from conftest import client_of


def refused(call, match=None, **wanted):
    with pytest.raises(stripe.InvalidRequestError, match=match) as refusal:
        call()
    for name, value in wanted.items():
        assert getattr(refusal.value, name) == value, str(refusal.value)
    return refusal.value


def test_unknown_ids_are_404(v1, shop):
    for call in (
        lambda: v1.customers.retrieve("cus_x"),
        lambda: v1.subscriptions.retrieve("sub_x"),
        lambda: v1.checkout.sessions.retrieve("cs_x"),
        lambda: v1.subscriptions.update("sub_x", {"cancel_at_period_end": True}),
        lambda: v1.refunds.create({"charge": "ch_x"}),
        lambda: shop.checkout(customer="cus_x"),
        lambda: v1.promotion_codes.create({"promotion": {"type": "coupon", "coupon": "x"}}),
        lambda: v1.billing_portal.sessions.create({"customer": "cus_x"}),
    ):
        refused(call, code="resource_missing", http_status=404)


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"customer_email": "a@x.test", "customer": "CUS"}, "customer_email"),
        ({"line_items": []}, "line_items"),
        ({"line_items": [{"price": "PRICE", "quantity": 0}]}, "line_items[0][quantity]"),
        ({"line_items": [{"price": "PRICE", "quantity": -1}]}, "line_items[0][quantity]"),
        ({"line_items": [{"price": "PRICE"}]}, "line_items[0][quantity]"),
        ({"mode": "payment"}, "line_items[0][price]"),
        ({"allow_promotion_codes": True, "discounts": [{"coupon": "x"}]}, "discounts"),
        ({"submit_type": "pay"}, "submit_type"),
        ({"success_url": ""}, "success_url"),
        ({"subscription_data": {"trial_period_days": 0}}, "subscription_data[trial_period_days]"),
        ({"expires_at": 1}, "expires_at"),
        ({"automatic_tax": {"enabled": True}, "customer": "CUS"}, "customer_update[address]"),
    ],
)
def test_checkout_rules(v1, shop, more, param):
    customer = v1.customers.create({"email": "a@x.test"}).id
    names = {"CUS": customer, "PRICE": shop.month.id}
    more = {k: names.get(v, v) if isinstance(v, str) else v for k, v in more.items()}
    for item in more.get("line_items", []):
        item["price"] = names.get(item["price"], item["price"])
    refused(lambda: shop.checkout(**more), param=param)


def test_one_currency_for_a_customer(v1, shop):
    sub = shop.buy()
    euro = shop.price(900, "month", currency="eur")
    refused(lambda: shop.checkout(euro, customer=sub.customer), match="same currency")
    refused(
        lambda: v1.subscriptions.create({"customer": sub.customer, "items": [{"price": euro.id}]}),
        match="expected currency: `usd`",
    )
    coupon = v1.coupons.create({"amount_off": 100, "currency": "eur"})
    refused(lambda: shop.checkout(discounts=[{"coupon": coupon.id}]), match="Currency of coupon")


def test_lookup_keys_are_unique_and_move_when_asked(v1, shop):
    asked = {"product": shop.product.id, "currency": "usd", "unit_amount": 1000,
             "recurring": {"interval": "month"}, "lookup_key": "premium_monthly"}  # fmt: skip
    refused(lambda: v1.prices.create(asked), match="already uses that lookup key")
    moved = v1.prices.create({**asked, "transfer_lookup_key": True})
    assert v1.prices.retrieve(shop.month.id).lookup_key is None
    assert [p.id for p in v1.prices.list({"lookup_keys": ["premium_monthly"]}).data] == [moved.id]


def test_inactive_prices_are_not_sold(v1, shop):
    v1.prices.update(shop.month.id, {"active": False})
    refused(shop.checkout, match="inactive")


def test_coupons_and_codes_have_limits(v1, shop):
    refused(lambda: v1.coupons.create({"percent_off": 10, "amount_off": 10}))
    refused(lambda: v1.coupons.create({"amount_off": 10}), param="currency")
    refused(
        lambda: v1.coupons.create({"percent_off": 10, "duration": "repeating"}),
        param="duration_in_months",
    )
    coupon = v1.coupons.create({"percent_off": 10, "max_redemptions": 1})
    v1.promotion_codes.create({"promotion": {"type": "coupon", "coupon": coupon.id}, "code": "TEN"})
    refused(
        lambda: v1.promotion_codes.create(
            {"promotion": {"type": "coupon", "coupon": coupon.id}, "code": "ten"}
        ),
        param="code",
    )
    shop.buy(discounts=[{"coupon": coupon.id}])
    refused(lambda: shop.checkout(discounts=[{"coupon": coupon.id}]), code="coupon_expired")
    assert v1.coupons.retrieve(coupon.id).valid is False


def test_a_coupon_for_some_products(v1, shop):
    other = v1.products.create({"name": "Other"})
    coupon = v1.coupons.create({"percent_off": 50, "applies_to": {"products": [other.id]}})
    assert v1.coupons.retrieve(coupon.id, {"expand": ["applies_to"]}).applies_to.products == [
        other.id
    ]
    assert shop.checkout(discounts=[{"coupon": coupon.id}]).amount_total == 900


def test_a_canceled_subscription_stays_so(v1, shop):
    sub = shop.buy()
    v1.subscriptions.cancel(sub.id)
    refused(
        lambda: v1.subscriptions.update(sub.id, {"cancel_at_period_end": False}),
        match="canceled subscription",
    )
    refused(lambda: v1.subscriptions.cancel(sub.id), code="resource_missing")
    refused(lambda: v1.subscriptions.resume(sub.id))
    assert v1.subscriptions.update(sub.id, {"metadata": {"a": "b"}}).metadata["a"] == "b"


def test_pending_if_incomplete_goes_with_the_change_only(v1, shop):
    sub = shop.buy()
    refused(
        lambda: v1.subscriptions.update(sub.id, {
            "items": [{"id": sub["items"].data[0].id, "price": shop.more.id}],
            "payment_behavior": "pending_if_incomplete", "metadata": {"a": "b"}}),
        param="payment_behavior",
    )  # fmt: skip


def test_what_is_not_built_says_so(v1, shop):
    sub = shop.buy()
    refused(
        lambda: v1.subscriptions.update(sub.id, {"days_until_due": 3}),
        match="does not do `days_until_due`",
    )
    with pytest.raises(stripe.APIError, match="not part of this stand-in"):
        v1.accounts.create({})


def test_expand_of_nothing(v1, shop):
    refused(
        lambda: v1.customers.retrieve(shop.buy().customer, {"expand": ["nonsense"]}),
        match="cannot be expanded",
    )


def test_lists_go_on_by_cursor(v1):
    made = [v1.customers.create({"email": f"{n}@x.test"}).id for n in range(5)]
    page = v1.customers.list({"limit": 2})
    assert [c.id for c in page.data] == made[:2:-1] and page.has_more
    rest = v1.customers.list({"limit": 3, "starting_after": page.data[-1].id})
    assert [c.id for c in rest.data] == made[2::-1] and not rest.has_more
    assert [c.id for c in page.auto_paging_iter()] == made[::-1]
    back = v1.customers.list({"limit": 1, "ending_before": made[2]})
    assert [c.id for c in back.data] == [made[3]]
    refused(lambda: v1.customers.list({"starting_after": "cus_x"}))
    assert len(v1.customers.list({"created": {"gte": 1}}).data) == 5


def test_a_deleted_customer(v1, shop, local, receiver):
    sub = shop.buy()
    assert v1.customers.delete(sub.customer).deleted
    assert v1.customers.retrieve(sub.customer).deleted
    assert shop.sub(sub).status == "canceled"


@pytest.mark.allow_bad_requests
def test_live_keys_and_other_versions_are_refused(local):
    live = stripe.StripeClient(
        "sk_live_x", base_addresses={"api": local.url}, max_network_retries=0
    )
    with pytest.raises(stripe.AuthenticationError):
        live.v1.balance.retrieve()
    old = client_of(local, stripe_version="2024-06-20")
    with pytest.raises(stripe.InvalidRequestError, match="Stripe-Version"):
        old.v1.balance.retrieve()


@pytest.mark.allow_bad_requests
def test_shapes_are_held_to_the_description(v1, shop):
    sub = shop.buy()
    refused(
        lambda: v1.subscriptions.update(sub.id, {"coupon": "x"}),
        code="parameter_unknown",
        param="coupon",
    )
    refused(
        lambda: v1.subscriptions.update(sub.id, {"proration_behavior": "yes"}),
        param="proration_behavior",
    )


def test_metadata_merges(v1):
    made = v1.customers.create({"metadata": {"a": "1", "b": "2"}})
    assert v1.customers.update(made.id, {"metadata": {"a": "", "c": "3"}}).metadata.to_dict() == {
        "b": "2",
        "c": "3",
    }
    assert v1.customers.update(made.id, {"metadata": ""}).metadata.to_dict() == {}
