"""Products, prices, coupons, promotion codes, and the tax rates that automatic tax uses."""

from __future__ import annotations

from . import money
from .errors import refused
from .params import assign, metadata, need, one_of
from .wire import list_filter, plain, route

# Products


@route("POST", "/v1/products")
def create_product(w, p):
    if "id" in p and w.store.get("product", p["id"]):
        raise refused("Product already exists.", param="id", code="resource_already_exists")
    product = w.new(
        "product", id=p.get("id") or w.new_id("product"), name=p["name"], type="service",
        active=p.get("active", True), updated=w.now(), metadata=metadata(None, p.get("metadata")),
        marketing_features=p.get("marketing_features", []), images=p.get("images", []),
    )  # fmt: skip
    assign(product, p, "description", "tax_code", "unit_label", "url", "statement_descriptor")
    w.emit("product.created", product)
    if "default_price_data" in p:
        data = p["default_price_data"]
        product["default_price"] = create_price(w, {**data, "product": product["id"]})["id"]
    return product


@route("POST", "/v1/products/{id}")
def update_product(w, p, oid):
    product = w.get("product", oid)
    with w.changing(product, "product.updated"):
        assign(product, p, "name", "active", "description", "default_price", "tax_code", "unit_label",
               "url", "statement_descriptor", "marketing_features", "images")  # fmt: skip
        product["updated"] = w.now()
    return product


@route("DELETE", "/v1/products/{id}")
def delete_product(w, p, oid):
    product = w.get("product", oid)
    if w.find("price", product=oid):
        raise refused(
            "This product cannot be deleted because it has one or more user-created prices."
        )
    w.store.remove("product", oid)
    w.emit("product.deleted", product)
    return {**product, "deleted": True}


# Prices


@route("POST", "/v1/prices")
def create_price(w, p):
    one_of(p, "product", "product_data")
    if p.get("billing_scheme") == "tiered" or "tiers" in p:
        raise refused("This stand-in has no tiered prices.", param="billing_scheme")
    amount = one_of(p, "unit_amount", "unit_amount_decimal")
    cents = int(p[amount]) if float(p[amount]) == int(float(p[amount])) else None
    if cents is None or cents < 0:
        raise refused("Invalid non-negative integer", param=amount)
    if "product_data" in p:
        product = create_product(w, p["product_data"])
    else:
        product = w.get("product", p["product"], "product")
    recurring = p.get("recurring")
    if recurring:
        if recurring.get("usage_type") == "metered":
            raise refused("This stand-in has no metered prices.", param="recurring[usage_type]")
        recurring = {
            "interval": recurring["interval"], "interval_count": recurring.get("interval_count", 1),
            "meter": None, "trial_period_days": recurring.get("trial_period_days"), "usage_type": "licensed",
        }  # fmt: skip
    price = w.new(
        "price", active=p.get("active", True), billing_scheme="per_unit", currency=p["currency"].lower(),
        product=product["id"], recurring=recurring, type="recurring" if recurring else "one_time",
        tax_behavior=p.get("tax_behavior", "unspecified"), unit_amount=cents,
        unit_amount_decimal=str(cents), metadata=metadata(None, p.get("metadata")),
        nickname=p.get("nickname"),
    )  # fmt: skip
    _take_lookup_key(w, price, p)
    w.emit("price.created", price)
    return price


def _take_lookup_key(w, price, p):
    """A lookup key is unique in the account; it moves only when asked to."""
    key = p.get("lookup_key")
    if key is None:
        return
    for other in w.find("price", lambda o: o["id"] != price["id"], lookup_key=key):
        if not p.get("transfer_lookup_key"):
            raise refused(
                f"A price (`{other['id']}`) already uses that lookup key. To transfer it, set"
                " `transfer_lookup_key` to true.", param="lookup_key",
            )  # fmt: skip
        w.update(other, "price.updated", lookup_key=None)
    price["lookup_key"] = key or None


@route("POST", "/v1/prices/{price}")
def update_price(w, p, oid):
    price = w.get("price", oid)
    with w.changing(price, "price.updated"):
        assign(price, p, "active", "nickname", "tax_behavior")
        _take_lookup_key(w, price, p)
    return price


@list_filter("price")
def prices(w, p):
    keys = p.get("lookup_keys")
    if keys is not None and len(keys) > 10:
        raise refused("You may specify at most 10 lookup keys.", param="lookup_keys")
    return w.find(
        "price",
        lambda row: (
            plain(row, p, skip=("recurring", "lookup_keys"))
            and (keys is None or row["lookup_key"] in keys)
            and all((row["recurring"] or {}).get(k) == v for k, v in p.get("recurring", {}).items())
        ),
    )


def plan_of(price):
    """The old name of a recurring price, still on each item."""
    recurring = price["recurring"]
    return {
        "id": price["id"], "object": "plan", "active": price["active"], "amount": price["unit_amount"],
        "amount_decimal": price["unit_amount_decimal"], "billing_scheme": "per_unit",
        "created": price["created"], "currency": price["currency"], "interval": recurring["interval"],
        "interval_count": recurring["interval_count"], "livemode": False, "metadata": price["metadata"],
        "meter": None, "nickname": price["nickname"], "product": price["product"], "tiers_mode": None,
        "transform_usage": None, "trial_period_days": recurring["trial_period_days"],
        "usage_type": "licensed",
    }  # fmt: skip


# Coupons and promotion codes


@route("POST", "/v1/coupons")
def create_coupon(w, p):
    one_of(p, "percent_off", "amount_off")
    if "amount_off" in p:
        need(p, "currency", "It belongs to amount_off.")
    if p.get("duration", "once") == "repeating":
        need(p, "duration_in_months")
    if "percent_off" in p and not 0 < p["percent_off"] <= 100:
        raise refused("Invalid percent_off: must be above 0 and at most 100.", param="percent_off")
    if "amount_off" in p and p["amount_off"] < 1:
        raise refused("Invalid positive integer", param="amount_off")
    if "id" in p and w.store.get("coupon", p["id"]):
        raise refused("Coupon already exists.", param="id", code="resource_already_exists")
    coupon = w.new(
        "coupon", id=p.get("id") or w.new_id("coupon"), duration=p.get("duration", "once"), valid=True,
        metadata=metadata(None, p.get("metadata")), _products=p.get("applies_to", {}).get("products"),
    )  # fmt: skip
    assign(coupon, p, "percent_off", "amount_off", "currency", "duration_in_months", "max_redemptions",
           "name", "redeem_by")  # fmt: skip
    w.emit("coupon.created", coupon)
    return coupon


@route("POST", "/v1/coupons/{coupon}")
def update_coupon(w, p, oid):
    coupon = w.get("coupon", oid)
    with w.changing(coupon, "coupon.updated"):
        assign(coupon, p, "name")
    return coupon


@route("DELETE", "/v1/coupons/{coupon}")
def delete_coupon(w, p, oid):
    """No new use; discounts that exist keep their arithmetic."""
    coupon = w.get("coupon", oid)
    w.store.remove("coupon", oid)
    w.emit("coupon.deleted", coupon)
    return {**coupon, "deleted": True}


@route("POST", "/v1/promotion_codes")
def create_promotion_code(w, p):
    coupon = w.get("coupon", p["promotion"].get("coupon"), "promotion[coupon]")
    code = p.get("code") or w.new_id("coupon").upper()
    taken = w.find("promotion_code", lambda o: o["code"].lower() == code.lower(), active=True)
    if any(o["customer"] in (None, p.get("customer")) for o in taken):
        raise refused(f"An active promotion code with `code: {code}` already exists.", param="code")
    limits = p.get("restrictions", {})
    promo = w.new(
        "promotion_code", active=p.get("active", True), code=code, metadata=metadata(None, p.get("metadata")),
        promotion={"type": "coupon", "coupon": coupon["id"]},
        restrictions={
            "currency_options": None, "first_time_transaction": limits.get("first_time_transaction", False),
            "minimum_amount": limits.get("minimum_amount"),
            "minimum_amount_currency": limits.get("minimum_amount_currency"),
        },
    )  # fmt: skip
    del promo["restrictions"]["currency_options"]
    assign(promo, p, "customer", "expires_at", "max_redemptions")
    w.emit("promotion_code.created", promo)
    return promo


@route("POST", "/v1/promotion_codes/{promotion_code}")
def update_promotion_code(w, p, oid):
    promo = w.get("promotion_code", oid)
    with w.changing(promo, "promotion_code.updated"):
        assign(promo, p, "active")
    return promo


@list_filter("promotion_code")
def promotion_codes(w, p):
    coupon = p.get("coupon")
    return w.find(
        "promotion_code",
        lambda row: (
            plain(row, p, skip=("code",))
            and ("code" not in p or row["code"].lower() == p["code"].lower())
            and (coupon is None or row["promotion"]["coupon"] == coupon)
        ),
    )


def usable_coupon(w, coupon, param="discounts"):
    """The coupon if it may still be redeemed; else Stripe's refusal."""
    full = coupon["max_redemptions"] is not None and (
        coupon["times_redeemed"] >= coupon["max_redemptions"]
    )
    over = coupon["redeem_by"] is not None and coupon["redeem_by"] < w.now()
    if full or over or not coupon["valid"]:
        raise refused(
            f"Coupon {coupon['id']} is not valid any more.", param=param, code="coupon_expired"
        )
    return coupon


def usable_code(w, promo, *, customer=None, amount=None, param="discounts"):
    """The coupon behind a promotion code, after every restriction of the code."""
    bad = None
    if not promo["active"] or (promo["expires_at"] and promo["expires_at"] < w.now()):
        bad = "This code is invalid."
    elif (
        promo["max_redemptions"] is not None and promo["times_redeemed"] >= promo["max_redemptions"]
    ):
        bad = "This code has been used up."
    elif promo["customer"] and promo["customer"] != customer:
        bad = "This code is for another customer."
    elif (
        promo["restrictions"]["first_time_transaction"]
        and customer
        and w.find("charge", customer=customer, status="succeeded")
    ):
        bad = "This code is for a first purchase."
    elif amount is not None and amount < (promo["restrictions"]["minimum_amount"] or 0):
        bad = "The amount is below the minimum of this code."
    if bad:
        raise refused(bad, param=param, code="promotion_code_invalid")
    return usable_coupon(w, w.get("coupon", promo["promotion"]["coupon"]), param)


def tax_rate_for(w, country):
    """The rate object of a country, made when first needed."""
    country = country.upper()
    for rate in w.find("tax_rate", country=country):
        return rate
    share = money.tax_rate(country) / 100
    return w.new(
        "tax_rate", active=True, country=country, display_name="VAT", inclusive=False, percentage=share,
        effective_percentage=share, jurisdiction=country, jurisdiction_level="country",
        rate_type="percentage", tax_type="vat", metadata={},
    )  # fmt: skip
