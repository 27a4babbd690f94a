"""What `expand` adds to objects that do not carry it otherwise."""

from __future__ import annotations

from .shapes import listing, public


def include(w, node, key):
    kind, oid = node["object"], node["id"]
    if kind == "invoice" and key == "payments":
        rows = w.find("invoice_payment", invoice=oid)
        return listing(public(rows), f"/v1/invoice_payments?invoice={oid}")
    if kind == "invoice" and key == "confirmation_secret":
        for row in w.find("invoice_payment", invoice=oid, status="open"):
            intent = w.get("payment_intent", row["payment"]["payment_intent"])
            return {"client_secret": intent["client_secret"], "type": "payment_intent"}
    if kind == "charge" and key == "refunds":
        return listing(public(w.find("refund", charge=oid)[::-1]), f"/v1/charges/{oid}/refunds")
    if kind == "customer" and key == "subscriptions":
        rows = w.find("subscription", lambda s: s["status"] not in ("canceled", "incomplete_expired"),
                      customer=oid)  # fmt: skip
        return listing(public(rows[::-1]), f"/v1/customers/{oid}/subscriptions")
    if kind == "customer" and key in ("sources", "tax_ids"):
        return listing([], f"/v1/customers/{oid}/{key}")
    if kind == "checkout.session" and key == "line_items":
        rows = w.get("checkout.session", oid)["_items"]
        return listing(public(rows), f"/v1/checkout/sessions/{oid}/line_items")
    if kind == "coupon" and key == "applies_to":
        products = w.get("coupon", oid).get("_products")
        return {"products": products} if products else None
    return None
