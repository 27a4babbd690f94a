"""Customers, their cards, setup intents."""

from __future__ import annotations

import secrets

from . import cards
from .errors import card_error, refused
from .params import assign, metadata
from .wire import list_filter, plain, route


@route("POST", "/v1/customers")
def create_customer(w, p):
    customer = w.new(
        "customer", balance=p.get("balance", 0), delinquent=False, metadata=metadata(None, p.get("metadata")),
        invoice_prefix=secrets.token_hex(4).upper(), next_invoice_sequence=1, preferred_locales=[],
        tax_exempt=p.get("tax_exempt") or "none",
        invoice_settings={
            "custom_fields": None, "default_payment_method": None, "footer": None, "rendering_options": None,
        },
    )  # fmt: skip
    _assign(w, customer, p)
    if "payment_method" in p:
        attach(w, method_of(w, p["payment_method"]), customer)
    w.emit("customer.created", customer)
    return customer


def _assign(w, customer, p):
    assign(customer, p, "email", "name", "description", "phone", "preferred_locales", "balance")
    if p.get("address"):
        blank = dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"))
        customer["address"] = {**(customer["address"] or blank), **p["address"]}
    default = (p.get("invoice_settings") or {}).get("default_payment_method")
    if default is not None:
        if default:
            owned = w.get("payment_method", default, "invoice_settings[default_payment_method]")
            if owned["customer"] != customer["id"]:
                raise refused(
                    "The customer does not have a payment method with the ID "
                    f"{default}. The payment method must be attached to the customer.",
                    param="invoice_settings[default_payment_method]", code="resource_missing",
                )  # fmt: skip
        customer["invoice_settings"]["default_payment_method"] = default or None


@route("POST", "/v1/customers/{customer}")
def update_customer(w, p, oid):
    customer = w.get("customer", oid)
    with w.changing(customer, "customer.updated"):
        customer["invoice_settings"] = dict(customer["invoice_settings"])
        _assign(w, customer, p)
    return customer


@route("GET", "/v1/customers/{customer}")
def read_customer(w, p, oid):
    gone = w.store.get("_deleted", oid)
    return (
        {"id": oid, "object": "customer", "deleted": True, **gone["body"]}
        if gone
        else w.get("customer", oid)
    )


@route("DELETE", "/v1/customers/{customer}")
def delete_customer(w, p, oid):
    """Cancels what the customer subscribes to, at once, as Stripe does."""
    from .subscriptions import end

    customer = w.get("customer", oid)
    for sub in w.find("subscription", lambda s: s["status"] not in ("canceled", "incomplete_expired"),
                      customer=oid):  # fmt: skip
        end(w, sub, reason="cancellation_requested")
    for pm in w.find("payment_method", customer=oid):
        pm["customer"] = None
    w.store.remove("customer", oid)
    kept = {k: customer[k] for k in ("created", "livemode")}
    w.store.add("_deleted", {"id": oid, "body": kept})
    w.emit("customer.deleted", customer)
    return {"id": oid, "object": "customer", "deleted": True, **kept}


@list_filter("customer_balance_transaction")
def balance_log(w, p):
    return w.find("customer_balance_transaction", lambda row: plain(row, p))


@route("GET", "/v1/customers/{customer}/balance_transactions")
def customer_balance_log(w, p, oid):
    return w.find("customer_balance_transaction", customer=w.get("customer", oid)["id"])


def move_balance(w, customer, amount, kind, invoice=None):
    """Add to the customer's balance; negative is credit in the customer's favour."""
    if not amount:
        return
    w.update(customer, "customer.updated", balance=customer["balance"] + amount)
    w.new(
        "customer_balance_transaction", amount=amount, type=kind, customer=customer["id"],
        currency=customer["currency"] or "usd", ending_balance=customer["balance"], invoice=invoice,
        metadata={},
    )  # fmt: skip


@route("POST", "/v1/customers/{customer}/balance_transactions")
def adjust_balance(w, p, oid):
    customer = w.get("customer", oid)
    _same_currency(customer, p["currency"])
    customer["currency"] = customer["currency"] or p["currency"].lower()
    move_balance(w, customer, p["amount"], "adjustment")
    return w.find("customer_balance_transaction", customer=oid)[-1]


def _same_currency(customer, currency):
    if customer["currency"] and customer["currency"] != currency.lower():
        raise refused(
            "You cannot combine currencies on a single customer. This customer has used "
            f"{customer['currency']}.", param="currency",
        )  # fmt: skip


def use_currency(customer, currency):
    """A customer's first invoice fixes its currency (Stripe: one currency for a customer)."""
    _same_currency(customer, currency)
    customer["currency"] = currency


# Payment methods


def new_method(w, number, *, month=12, year=2034, details=None, **fields):
    number = cards.digits(number)
    blank = dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"))
    details = details or {}
    billing = {
        "address": {**blank, **(details.get("address") or {})}, "email": details.get("email") or None,
        "name": details.get("name") or None, "phone": details.get("phone") or None, "tax_id": None,
    }  # fmt: skip
    return w.new(
        "payment_method", type="card", card=cards.card_hash(number, month, year), billing_details=billing,
        allow_redisplay="unspecified", _number=number, _authenticated=False,
        **{"metadata": {}, **fields},
    )  # fmt: skip


def method_of(w, oid, param="payment_method"):
    """A stored method, or a new one from a test token such as `pm_card_visa`."""
    found = w.store.get("payment_method", oid)
    if found is None and oid.startswith(("pm_card_", "tok_")):
        return new_method(w, cards.from_token(oid))
    return found or w.get("payment_method", oid, param)


@route("POST", "/v1/payment_methods")
def create_method(w, p):
    if p.get("type", "card") != "card" or "card" not in p:
        raise refused("This stand-in knows cards only.", param="type")
    card = p["card"]
    number = cards.from_token(card["token"]) if "token" in card else card.get("number", "")
    return new_method(
        w, number, month=card.get("exp_month", 12), year=card.get("exp_year", 2034),
        details=p.get("billing_details"), metadata=metadata(None, p.get("metadata")),
    )  # fmt: skip


@route("POST", "/v1/payment_methods/{payment_method}")
def update_method(w, p, oid):
    pm = w.get("payment_method", oid)
    with w.changing(pm, "payment_method.updated"):
        assign(pm, p, "allow_redisplay")
        if "card" in p:
            pm["card"] = {
                **pm["card"],
                **{k: p["card"][k] for k in ("exp_month", "exp_year") if k in p["card"]},
            }
    return pm


def attach(w, pm, customer):
    if pm["customer"] == customer["id"]:
        return pm
    if pm["customer"]:
        raise refused("The payment method you provided has already been attached to a customer.")
    if (result := cards.at_saving(pm["_number"])) in cards.DECLINES:
        code, decline, message = cards.DECLINES[result]
        raise card_error(message, code, decline)
    pm["customer"] = customer["id"]
    w.emit("payment_method.attached", pm)
    return pm


@route("POST", "/v1/payment_methods/{payment_method}/attach")
def attach_method(w, p, oid):
    return attach(w, method_of(w, oid), w.get("customer", p.get("customer"), "customer"))


@route("POST", "/v1/payment_methods/{payment_method}/detach")
def detach_method(w, p, oid):
    pm = w.get("payment_method", oid)
    customer = w.store.get("customer", pm["customer"])
    if customer is None:
        raise refused(
            "The payment method you provided is not attached to a customer so detachment is impossible."
        )
    if customer["invoice_settings"]["default_payment_method"] == oid:
        customer["invoice_settings"]["default_payment_method"] = None
    for sub in w.find("subscription", default_payment_method=oid):
        sub["default_payment_method"] = None
    previous = {"customer": pm["customer"]}
    pm["customer"] = None
    w.emit("payment_method.detached", pm, previous)
    return pm


@list_filter("payment_method")
def methods(w, p):
    return w.find("payment_method", lambda row: row["customer"] and plain(row, p))


@route("GET", "/v1/customers/{customer}/payment_methods")
def customer_methods(w, p, oid):
    return w.find("payment_method", lambda r: plain(r, p), customer=w.get("customer", oid)["id"])


def default_method(w, customer, sub=None):
    """The card that a charge for this customer takes, or None."""
    for oid in ((sub or {}).get("default_payment_method"),
                customer["invoice_settings"]["default_payment_method"]):  # fmt: skip
        if oid and (pm := w.store.get("payment_method", oid)) and pm["customer"] == customer["id"]:
            return pm
    return None


# Setup intents


@route("POST", "/v1/setup_intents")
def create_setup_intent(w, p):
    oid = w.new_id("setup_intent")
    intent = w.new(
        "setup_intent", id=oid, client_secret=f"{oid}_secret_{secrets.token_hex(8)}",
        customer=p.get("customer") and w.get("customer", p["customer"], "customer")["id"],
        status="requires_payment_method", usage=p.get("usage", "off_session"), payment_method_types=["card"],
        metadata=metadata(None, p.get("metadata")), description=p.get("description"),
    )  # fmt: skip
    w.emit("setup_intent.created", intent)
    if "payment_method" in p:
        intent["payment_method"] = method_of(w, p["payment_method"])["id"]
        intent["status"] = "requires_confirmation"
    return confirm_setup_intent(w, p, oid) if p.get("confirm") else intent


@route("POST", "/v1/setup_intents/{intent}/confirm")
def confirm_setup_intent(w, p, oid):
    intent = w.get("setup_intent", oid)
    if intent["status"] in ("succeeded", "canceled"):
        raise refused(
            f"You cannot confirm this SetupIntent because its status is {intent['status']}.",
            code="setup_intent_unexpected_state",
        )  # fmt: skip
    if "payment_method" in p:
        intent["payment_method"] = method_of(w, p["payment_method"])["id"]
    if not intent["payment_method"]:
        raise refused("You cannot confirm this SetupIntent because it's missing a payment method.",
                      param="payment_method", code="parameter_missing")  # fmt: skip
    pm = w.get("payment_method", intent["payment_method"])
    return settle_setup(w, intent, pm, p.get("return_url"))


def settle_setup(w, intent, pm, return_url=None):
    """Save the card, or say why not, or send the cardholder to authenticate."""
    result = "ok" if pm["_authenticated"] else cards.at_saving(pm["_number"])
    if result == "authenticate":
        link = {"return_url": return_url, "url": f"{w.base_url}/3ds/{intent['id']}"}
        intent.update(
            status="requires_action",
            next_action={"type": "redirect_to_url", "redirect_to_url": link},
        )
        w.emit("setup_intent.requires_action", intent)
        return intent
    if result != "ok":
        code, decline, message = cards.DECLINES[result]
        error = {"type": "card_error", "code": code, "message": message}
        if decline:
            error["decline_code"] = decline
        intent.update(status="requires_payment_method", last_setup_error=error, payment_method=None)
        w.emit("setup_intent.setup_failed", intent)
        raise card_error(message, code, decline)
    if intent["customer"]:
        attach(w, pm, w.get("customer", intent["customer"]))
    intent.update(
        status="succeeded", payment_method=pm["id"], next_action=None, last_setup_error=None
    )
    w.emit("setup_intent.succeeded", intent)
    return intent


@route("POST", "/v1/setup_intents/{intent}/cancel")
def cancel_setup_intent(w, p, oid):
    intent = w.get("setup_intent", oid)
    if intent["status"] in ("succeeded", "canceled"):
        raise refused(f"You cannot cancel this SetupIntent because its status is {intent['status']}.",
                      code="setup_intent_unexpected_state")  # fmt: skip
    intent.update(status="canceled", cancellation_reason=p.get("cancellation_reason"))
    w.emit("setup_intent.canceled", intent)
    return intent
