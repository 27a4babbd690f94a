"""Discounts: a coupon at work on a subscription or an invoice."""

from __future__ import annotations

from . import money
from .catalog import usable_code, usable_coupon
from .errors import refused
from .params import at_most_one


def make(w, sent, *, customer, amount=None, subscription=None, session=None, stored=True):
    """Discount objects from `[{"coupon" | "promotion_code" | "discount": …}]`."""
    made = []
    for number, entry in enumerate(sent or []):
        at_most_one(entry, "coupon", "promotion_code", "discount")
        where = f"discounts[{number}]"
        if entry.get("discount"):
            made.append(w.get("discount", entry["discount"], where))
            continue
        promo = None
        if entry.get("promotion_code"):
            promo = w.get("promotion_code", entry["promotion_code"], f"{where}[promotion_code]")
            coupon = usable_code(w, promo, customer=customer, amount=amount, param=where)
        elif entry.get("coupon"):
            coupon = usable_coupon(w, w.get("coupon", entry["coupon"], f"{where}[coupon]"), where)
        else:
            raise refused("A discount needs a coupon or a promotion code.", param=where)
        make_row = w.new if stored else w.blank
        end = None
        if coupon["duration"] == "repeating":
            end = money.step(w.now(), "month", coupon["duration_in_months"], 1)
        row = make_row(
            "discount", customer=customer, promotion_code=promo and promo["id"], start=w.now(), end=end,
            source={"type": "coupon", "coupon": coupon["id"]}, subscription=subscription,
            checkout_session=session, _coupon=dict(coupon),
        )  # fmt: skip
        if stored:
            _redeem(coupon, promo)
            w.emit("customer.discount.created", row)
        made.append(row)
    return made


def _redeem(coupon, promo):
    for row in (coupon, promo):
        if row:
            row["times_redeemed"] += 1
    full = coupon["max_redemptions"]
    coupon["valid"] = full is None or coupon["times_redeemed"] < full


def current(w, sub, at=None):
    """The discounts of a subscription that count at this instant."""
    at = w.now() if at is None else at
    rows = [w.get("discount", oid) for oid in sub["discounts"]]
    return [d for d in rows if d["end"] is None or d["end"] > at]


def used(w, sub, discounts):
    """After an invoice: what was for once leaves the subscription, what is over as well."""
    for row in discounts:
        over = row["end"] is not None and row["end"] <= w.now()
        if row["id"] in sub["discounts"] and (row["_coupon"]["duration"] == "once" or over):
            sub["discounts"] = [oid for oid in sub["discounts"] if oid != row["id"]]
            w.emit("customer.discount.deleted", row)


def currency_fits(discounts, currency):
    for row in discounts:
        coupon = row["_coupon"]
        if coupon["amount_off"] is not None and coupon["currency"] != currency:
            raise refused(
                f"Currency of coupon ({coupon['currency']}) does not match {currency}.",
                param="discounts",
            )
