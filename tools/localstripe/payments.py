"""Payment intents, charges, balance transactions."""

from __future__ import annotations

import secrets

from . import cards, money
from .customers import attach, method_of
from .errors import card_error, refused
from .params import assign, metadata
from .wire import list_filter, plain, route

MINIMUM = 50  # Stripe's smallest charge in most currencies


def new_intent(w, amount, currency, *, customer=None, **fields):
    oid = w.new_id("payment_intent")
    intent = w.new(
        "payment_intent", id=oid, amount=amount, currency=currency, customer=customer,
        client_secret=f"{oid}_secret_{secrets.token_hex(8)}", capture_method="automatic",
        confirmation_method="automatic", status="requires_payment_method", payment_method_types=["card"],
        payment_method_options={"card": {"request_three_d_secure": "automatic"}},
        **{"metadata": {}, **fields},
    )  # fmt: skip
    w.emit("payment_intent.created", intent)
    return intent


@route("POST", "/v1/payment_intents")
def create_intent(w, p):
    if p["amount"] < MINIMUM:
        raise refused(
            "Amount must be at least 50 minor units.", param="amount", code="amount_too_small"
        )
    if p.get("capture_method") == "manual":
        raise refused("This stand-in captures at once.", param="capture_method")
    if p.get("customer"):
        w.get("customer", p["customer"], "customer")
    intent = new_intent(
        w, p["amount"], p["currency"].lower(), customer=p.get("customer"),
        metadata=metadata(None, p.get("metadata")),
    )  # fmt: skip
    assign(intent, p, "description", "receipt_email", "setup_future_usage", "statement_descriptor")
    if "payment_method" in p:
        intent["payment_method"] = method_of(w, p["payment_method"])["id"]
        intent["status"] = "requires_confirmation"
    return confirm_intent(w, p, intent["id"]) if p.get("confirm") else intent


@route("POST", "/v1/payment_intents/{intent}")
def update_intent(w, p, oid):
    intent = w.get("payment_intent", oid)
    if intent["status"] in ("succeeded", "canceled") and "amount" in p:
        raise refused("This PaymentIntent's amount could not be updated because of its status.",
                      param="amount", code="payment_intent_unexpected_state")  # fmt: skip
    assign(intent, p, "description", "receipt_email", "amount")
    return intent


@route("POST", "/v1/payment_intents/{intent}/confirm")
def confirm_intent(w, p, oid):
    intent = w.get("payment_intent", oid)
    if intent["status"] in ("succeeded", "canceled", "processing"):
        raise refused(
            f"You cannot confirm this PaymentIntent because it has a status of {intent['status']}.",
            code="payment_intent_unexpected_state",
        )  # fmt: skip
    if "payment_method" in p:
        pm = method_of(w, p["payment_method"])
    elif intent["payment_method"]:
        pm = w.get("payment_method", intent["payment_method"])
    else:
        raise refused("You cannot confirm this PaymentIntent because it's missing a payment method.",
                      code="payment_intent_unexpected_state")  # fmt: skip
    result = charge(w, intent, pm, present=not p.get("off_session"), return_url=p.get("return_url"))
    tell_invoice(w, intent, result)
    if result in cards.DECLINES:
        raise declined(intent, result)
    if result == "authenticate" and (p.get("error_on_requires_action") or p.get("off_session")):
        raise card_error(
            "Your card was declined. This transaction requires authentication.",
            "authentication_required", "authentication_required",
        )  # fmt: skip
    return intent


def tell_invoice(w, intent, result):
    """Tell the invoice of this intent, if it has one and does not know yet."""
    from . import invoices

    if result == "ok" and intent.get("_invoice"):
        invoices.settle(w, w.get("invoice", intent["_invoice"]))


@route("POST", "/v1/payment_intents/{intent}/cancel")
def cancel_intent(w, p, oid):
    intent = w.get("payment_intent", oid)
    if intent["status"] in ("succeeded", "canceled"):
        raise refused(f"You cannot cancel this PaymentIntent because it has a status of {intent['status']}.",
                      code="payment_intent_unexpected_state")  # fmt: skip
    return void_intent(w, intent, p.get("cancellation_reason"))


def void_intent(w, intent, reason=None):
    intent.update(
        status="canceled", canceled_at=w.now(), cancellation_reason=reason, next_action=None
    )
    w.emit("payment_intent.canceled", intent)
    return intent


def declined(intent, result):
    code, decline, message = cards.DECLINES[result]
    return card_error(message, code, decline, charge=intent["latest_charge"])


def charge(w, intent, pm, *, present, return_url=None):
    """Try to take the money; returns `ok`, `authenticate` or the key of the decline."""
    result = cards.outcome(pm["_number"], authenticated=pm["_authenticated"], present=present)
    if result == "authenticate":
        link = {"return_url": return_url, "url": f"{w.base_url}/3ds/{intent['id']}"}
        intent.update(
            status="requires_action", payment_method=pm["id"], last_payment_error=None,
            next_action={"type": "redirect_to_url", "redirect_to_url": link},
        )  # fmt: skip
        w.emit("payment_intent.requires_action", intent)
        return result
    if result in cards.DECLINES:
        fail(w, intent, pm, result)
        return result
    made = _charge_row(w, intent, pm, ok=True)
    intent.update(
        status="succeeded", amount_received=intent["amount"], latest_charge=made["id"], next_action=None,
        payment_method=pm["id"], last_payment_error=None,
    )  # fmt: skip
    w.emit("charge.succeeded", made)
    if intent["setup_future_usage"] and intent["customer"] and not pm["customer"]:
        attach(w, pm, w.get("customer", intent["customer"]))
    w.emit("payment_intent.succeeded", intent)
    if cards.NUMBERS[pm["_number"]][1] == "dispute":
        from .disputes import open_dispute

        w.later(lambda: open_dispute(w, made, "fraudulent"))
    return result


def fail(w, intent, pm, result):
    """Write down a refused payment: a failed charge, except when authentication failed before it."""
    code, decline, message = cards.DECLINES[result]
    error = {"type": "card_error", "code": code, "message": message}
    if decline:
        error["decline_code"] = decline
    if result != "authentication":
        made = _charge_row(w, intent, pm, ok=False, code=code, decline=decline, message=message)
        error["charge"] = intent["latest_charge"] = made["id"]
        w.emit("charge.failed", made)
    intent.update(
        status="requires_payment_method",
        payment_method=None,
        next_action=None,
        last_payment_error=error,
    )
    w.emit("payment_intent.payment_failed", intent)


def _charge_row(w, intent, pm, *, ok, code=None, decline=None, message=None):
    card = pm["card"]
    oid = w.new_id("charge")
    made = w.new(
        "charge", id=oid, amount=intent["amount"], amount_captured=intent["amount"] if ok else 0,
        billing_details=pm["billing_details"], captured=ok, currency=intent["currency"],
        customer=intent["customer"], description=intent["description"], failure_code=code,
        failure_message=message, metadata=dict(intent["metadata"]), paid=ok, payment_intent=intent["id"],
        payment_method=pm["id"], receipt_email=intent["receipt_email"],
        status="succeeded" if ok else "failed", fraud_details={}, calculated_statement_descriptor="LOCAL STRIPE",
        receipt_url=f"{w.base_url}/receipt/{oid}" if ok else None, _number=pm["_number"],
        outcome={
            "type": "authorized" if ok else "issuer_declined", "reason": None if ok else decline,
            "network_status": "approved_by_network" if ok else "declined_by_network", "risk_level": "normal",
            "risk_score": 20, "seller_message": "Payment complete." if ok else message,
        },
        payment_method_details={"type": "card", "card": {
            "brand": card["brand"], "country": card["country"], "exp_month": card["exp_month"],
            "exp_year": card["exp_year"], "fingerprint": card["fingerprint"], "funding": card["funding"],
            "last4": card["last4"], "network": card["brand"], "checks": card["checks"],
            "three_d_secure": None, "wallet": None, "installments": None, "mandate": None,
        }},
    )  # fmt: skip
    if ok:
        made["balance_transaction"] = balance_entry(
            w,
            intent["amount"],
            intent["currency"],
            "charge",
            made["id"],
            fee=money.fee(intent["amount"]),
        )["id"]
    return made


@route("POST", "/v1/charges/{charge}")
def update_charge(w, p, oid):
    made = w.get("charge", oid)
    with w.changing(made, "charge.updated"):
        assign(made, p, "description", "receipt_email")
    return made


@route("POST", "/v1/charges")
def create_charge(w, p):
    raise refused("This stand-in has no direct charges: use payment intents.")


# Balance

CATEGORY = {
    "charge": "charge",
    "refund": "refund",
    "adjustment": "dispute",
    "refund_failure": "refund_failure",
}


def balance_entry(w, amount, currency, type, source, *, fee=0, description=None, category=None):
    """One line of the account's balance: gross, fee, net; available two days later."""
    details = [{
        "amount": fee, "application": None, "currency": currency,
        "description": "Dispute fee" if type == "adjustment" else "Stripe processing fees",
        "type": "stripe_fee",
    }] if fee else []  # fmt: skip
    return w.new(
        "balance_transaction", amount=amount, available_on=w.now() + 2 * money.DAY, balance_type="payments",
        currency=currency, description=description, fee=fee, fee_details=details, net=amount - fee,
        reporting_category=category or CATEGORY[type], source=source, status="pending", type=type,
    )  # fmt: skip


def _settle(w):
    for entry in w.find(
        "balance_transaction", lambda e: e["available_on"] <= w.now(), status="pending"
    ):
        entry["status"] = "available"


@route("GET", "/v1/balance")
def balance(w, p):
    _settle(w)
    sums: dict[str, dict[str, int]] = {"available": {}, "pending": {}}
    for entry in w.store.peek("balance_transaction"):
        part = sums[entry["status"]]
        part[entry["currency"]] = part.get(entry["currency"], 0) + entry["net"]
    currencies = sorted({c for part in sums.values() for c in part}) or ["usd"]
    rows = {
        name: [
            {"amount": part.get(c, 0), "currency": c, "source_types": {"card": part.get(c, 0)}}
            for c in currencies
        ]
        for name, part in sums.items()
    }
    return {"object": "balance", "livemode": False, **rows}


@list_filter("balance_transaction")
def balance_rows(w, p):
    _settle(w)
    return w.find("balance_transaction", lambda row: plain(row, p))


@route("GET", "/v1/balance_transactions/{id}")
def balance_row(w, p, oid):
    _settle(w)
    return w.get("balance_transaction", oid)
