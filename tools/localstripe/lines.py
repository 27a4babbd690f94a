"""Invoice lines, and the sums below them: discounts, tax, totals."""

from __future__ import annotations

from . import money
from .catalog import tax_rate_for


def line(
    w, price, quantity, start, end, *, amount=None, description=None, parent=None, sub=None,
    discountable=True, item=None,
):  # fmt: skip
    """One line. Without a parent it is the regular line of a subscription's item."""
    product = w.store.get("product", price["product"]) or {"name": price["product"]}
    if parent is None and item is not None:
        parent = {
            "type": "subscription_item_details", "invoice_item_details": None,
            "subscription_item_details": {
                "invoice_item": None, "proration": False, "proration_details": {"credited_items": None},
                "subscription": sub, "subscription_item": item,
            },
        }  # fmt: skip
    amount = price["unit_amount"] * quantity if amount is None else amount
    return w.blank(
        "line_item", amount=amount, subtotal=amount, currency=price["currency"], quantity=quantity,
        quantity_decimal=str(quantity), description=description or _describe(price, quantity, product),
        discountable=discountable, period={"start": start, "end": end}, parent=parent, subscription=sub,
        pricing={
            "type": "price_details", "unit_amount_decimal": price["unit_amount_decimal"],
            "price_details": {"price": price["id"], "product": price["product"]},
        },
        discount_amounts=[], pretax_credit_amounts=[], taxes=[], _inclusive=price["tax_behavior"] == "inclusive",
    )  # fmt: skip


def _describe(price, quantity, product):
    at = money.text(price["unit_amount"], price["currency"])
    if price["recurring"]:
        at += f" / {price['recurring']['interval']}"
    return f"{quantity} × {product['name']} (at {at})"


def compute(invoice, discounts, rate):
    """Set every sum of the invoice from its lines. `rate` is a tax rate object, or None.

    Discounts come off the discountable lines, one after the other, before tax; tax is counted
    and rounded by line.
    """
    rows = invoice["lines"]["data"]
    for row in rows:
        row["discount_amounts"], row["taxes"] = [], []
    totals = []
    for discount in discounts:
        off = _discount(rows, discount)
        totals.append({"amount": off, "discount": discount["id"]})
    tax = {True: [0, 0], False: [0, 0]}
    for row in rows:
        _tax(row, rate, tax)
    invoice["total_discount_amounts"] = totals
    invoice["total_pretax_credit_amounts"] = [{**t, "type": "discount"} for t in totals]
    invoice["total_taxes"] = [
        _tax_row(amount, base, rate, inclusive)
        for inclusive, (amount, base) in tax.items()
        if rate and base
    ]
    invoice["subtotal"] = sum(row["amount"] for row in rows)
    off = sum(t["amount"] for t in totals)
    included, added = tax[True][0], tax[False][0]
    invoice["subtotal_excluding_tax"] = invoice["subtotal"] - included
    invoice["total_excluding_tax"] = invoice["subtotal"] - off - included
    invoice["total"] = invoice["subtotal"] - off + added
    owe(invoice)


def owe(invoice):
    """What is left to pay after the customer's balance (negative: credit)."""
    total, balance = invoice["total"], invoice["starting_balance"]
    due = max(0, total + balance) if total > 0 else 0
    invoice["amount_due"] = due
    invoice["amount_remaining"] = due - invoice["amount_paid"]


def _left(row):
    return row["amount"] - sum(d["amount"] for d in row["discount_amounts"])


def _discount(rows, discount):
    coupon = discount["_coupon"]
    products = coupon.get("_products")
    fit = [
        row for row in rows
        if row["discountable"]
        and (not products or row["pricing"]["price_details"]["product"] in products)
    ]  # fmt: skip
    weights = [max(0, _left(row)) for row in fit]
    whole = sum(weights)
    if coupon["percent_off"] is not None:
        off = money.percent(whole, coupon["percent_off"])
    else:
        off = min(coupon["amount_off"], whole)
    for row, part in zip(fit, money.spread(off, weights), strict=True):
        if part:
            row["discount_amounts"].append({"amount": part, "discount": discount["id"]})
            row["pretax_credit_amounts"] = [
                {**d, "type": "discount"} for d in row["discount_amounts"]
            ]
    return off


def _tax(row, rate, sums):
    if rate is None:
        return
    base, share = _left(row), rate["percentage"]
    inclusive = row["_inclusive"]
    if inclusive:
        amount = base - money.ratio(base, 10_000, 10_000 + round(share * 100))
        base -= amount
    else:
        amount = money.percent(abs(base), share) * (-1 if base < 0 else 1)
    row["taxes"] = [_tax_row(amount, base, rate, inclusive)]
    sums[inclusive][0] += amount
    sums[inclusive][1] += base


def _tax_row(amount, base, rate, inclusive):
    return {
        "amount": amount, "tax_behavior": "inclusive" if inclusive else "exclusive", "taxable_amount": base,
        "tax_rate_details": {"tax_rate": rate["id"]}, "type": "tax_rate_details",
        "taxability_reason": "standard_rated" if rate["percentage"] else "not_collecting",
    }  # fmt: skip


def rate_for(w, customer, enabled):
    """The tax rate for this customer: by the country of the address, only with automatic tax."""
    country = ((customer or {}).get("address") or {}).get("country")
    if not enabled or not country or (customer or {}).get("tax_exempt") in ("exempt", "reverse"):
        return None
    return tax_rate_for(w, country)
