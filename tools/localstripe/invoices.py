"""Invoices: draft → open → paid, uncollectible or void; their payments."""

from __future__ import annotations

import secrets

from . import cards, money, payments, shapes
from .customers import default_method, method_of, move_balance, use_currency
from .errors import refused
from .lines import compute, line, owe, rate_for
from .params import assign, need
from .wire import list_filter, plain, route

# What an invoice tells others when it is settled; subscriptions and gifts register here.
ON_PAID = []
ON_FAILED = []
RETRIED = ("subscription_cycle", "subscription_update")


def build(
    w, customer, rows, reason, *, sub=None, discounts=(), auto_tax=False, stored=True, **fields
):
    """An invoice with these lines; stored and announced, or only computed for a preview."""
    now = w.now()
    currency = fields.pop("currency", None) or (
        rows[0]["currency"] if rows else customer["currency"]
    )
    parent = sub and {
        "type": "subscription_details", "quote_details": None,
        "subscription_details": {"subscription": sub["id"], "metadata": dict(sub["metadata"]),
                                 "subscription_proration_date": None},
    }  # fmt: skip
    oid = w.new_id("invoice") if stored else "upcoming_" + w.new_id("invoice")
    invoice = w.blank(
        "invoice", id=oid, account_name="Local Stripe", account_country="US", billing_reason=reason,
        collection_method="charge_automatically", currency=currency, customer=customer["id"],
        customer_email=customer["email"], customer_name=customer["name"], customer_phone=customer["phone"],
        customer_address=customer["address"], customer_shipping=customer["shipping"], customer_tax_ids=[],
        customer_tax_exempt=customer["tax_exempt"], status="draft", period_start=now, period_end=now,
        issuer={"type": "self"}, parent=parent, metadata={}, auto_advance=True, _coupons=[],
        starting_balance=customer["balance"], discounts=[d["id"] for d in discounts],
        automatic_tax={"enabled": auto_tax, "liability": {"type": "self"} if auto_tax else None,
                       "disabled_reason": None, "provider": "stripe" if auto_tax else None,
                       "status": _tax_status(customer, auto_tax)},
        payment_settings={"default_mandate": None, "payment_method_options": None,
                          "payment_method_types": None},
        status_transitions=dict.fromkeys(("finalized_at", "marked_uncollectible_at", "paid_at", "voided_at")),
        lines=shapes.listing(rows, f"/v1/invoices/{oid}/lines"),
    )  # fmt: skip
    invoice.update(fields)
    for row in rows:
        row["invoice"] = oid
    compute(invoice, discounts, rate_for(w, customer, auto_tax))
    if stored:
        use_currency(customer, currency)
        w.store.add("invoice", invoice)
        w.emit("invoice.created", invoice)
    return invoice


def _tax_status(customer, enabled):
    if not enabled:
        return None
    return "complete" if (customer["address"] or {}).get("country") else "requires_location_inputs"


def sub_of(w, invoice):
    details = (invoice["parent"] or {}).get("subscription_details")
    return w.store.get("subscription", details["subscription"]) if details else None


# Items that wait for the next invoice


def add_item(w, customer, row, *, sub=None, proration=False, stored=True):
    """An invoice item around a line; the line then names it as its parent."""
    make = w.new if stored else w.blank
    item = make(
        "invoiceitem", amount=row["amount"], currency=row["currency"], customer=customer["id"],
        date=w.now(), description=row["description"], discountable=row["discountable"], discounts=[],
        metadata={}, period=row["period"], pricing=row["pricing"], proration=proration,
        quantity=row["quantity"], quantity_decimal=row["quantity_decimal"], tax_rates=[],
        parent=sub and {"type": "subscription_details", "subscription_details": {
            "subscription": sub["id"], "subscription_item": None}},
        _line=row,
    )  # fmt: skip
    row["parent"] = {
        "type": "invoice_item_details", "subscription_item_details": None,
        "invoice_item_details": {"invoice_item": item["id"], "proration": proration,
                                 "proration_details": {"credited_items": None},
                                 "subscription": sub and sub["id"]},
    }  # fmt: skip
    row["subscription"] = sub and sub["id"]
    if stored:
        w.emit("invoiceitem.created", item)
    return item


def waiting(w, customer, sub=None):
    """Invoice items that the next invoice takes in."""
    sid = sub and sub["id"]
    return w.find(
        "invoiceitem",
        lambda i: (
            i["invoice"] is None
            and ((i["parent"] or {}).get("subscription_details") or {}).get("subscription")
            in (None, sid)
        ),
        customer=customer["id"],
    )


def take(w, items, invoice):
    for item in items:
        item["invoice"] = invoice["id"]


@route("POST", "/v1/invoiceitems")
def create_item(w, p):
    customer = w.get("customer", need(p, "customer"), "customer")
    now = w.now()
    if "pricing" in p:
        price = w.get("price", p["pricing"]["price"], "pricing[price]")
        row = line(w, price, p.get("quantity", 1), now, now)
    else:
        amount = need(p, "amount")
        row = w.blank(
            "line_item", amount=amount, subtotal=amount, currency=p.get("currency", customer["currency"] or "usd"),
            quantity=1, quantity_decimal="1", discountable=p.get("discountable", amount > 0), metadata={},
            period={"start": now, "end": now}, _inclusive=False,
        )  # fmt: skip
    row["description"] = p.get("description", row["description"])
    item = add_item(w, customer, row)
    if "invoice" in p:
        invoice = _draft(w, p["invoice"])
        invoice["lines"]["data"].append(row)
        take(w, [item], invoice)
        _recompute(w, invoice)
    return item


def _recompute(w, invoice):
    customer = w.get("customer", invoice["customer"])
    rows = [w.get("discount", oid) for oid in invoice["discounts"]]
    compute(invoice, rows, rate_for(w, customer, invoice["automatic_tax"]["enabled"]))


@list_filter("invoiceitem")
def items(w, p):
    wanted = p.get("pending")
    return w.find(
        "invoiceitem",
        lambda row: (
            plain(row, p, skip=("pending",))
            and (wanted is None or wanted == (row["invoice"] is None))
        ),
    )


@route("DELETE", "/v1/invoiceitems/{invoiceitem}")
def delete_item(w, p, oid):
    item = w.get("invoiceitem", oid)
    if item["invoice"]:
        raise refused("The invoice item belongs to an invoice already.")
    w.store.remove("invoiceitem", oid)
    w.emit("invoiceitem.deleted", item)
    return {**item, "deleted": True}


# The API


@route("POST", "/v1/invoices")
def create_invoice(w, p):
    customer = w.get("customer", need(p, "customer"), "customer")
    items = waiting(w, customer) if p.get("pending_invoice_items_behavior") == "include" else []
    invoice = build(
        w, customer, [i["_line"] for i in items], "manual", currency=p.get("currency", customer["currency"] or "usd"),
        auto_tax=p.get("automatic_tax", {}).get("enabled", False), auto_advance=p.get("auto_advance", False),
    )  # fmt: skip
    take(w, items, invoice)
    assign(invoice, p, "description", "footer", "default_payment_method")
    return invoice


@route("POST", "/v1/invoices/{invoice}")
def update_invoice(w, p, oid):
    invoice = w.get("invoice", oid)
    with w.changing(invoice, "invoice.updated"):
        assign(invoice, p, "description", "footer", "auto_advance", "default_payment_method")
    return invoice


@route("DELETE", "/v1/invoices/{invoice}")
def delete_invoice(w, p, oid):
    invoice = _draft(w, oid)
    w.store.remove("invoice", oid)
    w.emit("invoice.deleted", invoice)
    return {**invoice, "deleted": True}


def _draft(w, oid):
    invoice = w.get("invoice", oid)
    if invoice["status"] != "draft":
        raise refused("This invoice is no longer editable.", code="invoice_not_editable")
    return invoice


@list_filter("invoice")
def invoices(w, p):
    wanted = p.get("subscription")
    return w.find(
        "invoice",
        lambda row: plain(row, p, skip=("subscription",))
        and (wanted is None or ((row["parent"] or {}).get("subscription_details") or {}).get("subscription") == wanted),
    )  # fmt: skip


@route("GET", "/v1/invoices/{invoice}/lines")
def invoice_lines(w, p, oid):
    return w.get("invoice", oid)["lines"]["data"][::-1]


@route("POST", "/v1/invoices/{invoice}/finalize")
def finalize_route(w, p, oid):
    return finalize(w, _draft(w, oid))


@route("POST", "/v1/invoices/{invoice}/send")
def send_invoice(w, p, oid):
    invoice = w.get("invoice", oid)
    if invoice["status"] == "draft":
        finalize(w, invoice)
    w.emit("invoice.sent", invoice)
    return invoice


@route("POST", "/v1/invoices/{invoice}/void")
def void_route(w, p, oid):
    return void(w, w.get("invoice", oid))


@route("POST", "/v1/invoices/{invoice}/mark_uncollectible")
def uncollectible_route(w, p, oid):
    return uncollectible(w, w.get("invoice", oid))


@route("POST", "/v1/invoices/{invoice}/pay")
def pay_route(w, p, oid):
    invoice = w.get("invoice", oid)
    if invoice["status"] == "paid":
        raise refused("Invoice is already paid", code="invoice_already_paid")
    if invoice["status"] == "void":
        raise refused("This invoice is void.", code="invoice_not_editable")
    if invoice["status"] == "draft":
        finalize(w, invoice)
    if p.get("paid_out_of_band"):
        return settle(w, invoice)
    pm = method_of(w, p["payment_method"]) if "payment_method" in p else None
    result = collect(w, invoice, pm, present=not p.get("off_session", True))
    if result in cards.DECLINES:
        raise payments.declined(intent_of(w, invoice), result)
    return invoice


# Life


def finalize(w, invoice, intent=None):
    """Number it, take the customer's balance into account, ask for the rest.

    With the `intent` of a payment that was made already, it is settled by that.
    """
    customer = w.get("customer", invoice["customer"])
    now = w.now()
    number = customer["next_invoice_sequence"]
    customer["next_invoice_sequence"] = number + 1
    before = 0 if intent else customer["balance"]
    invoice["starting_balance"] = before
    owe(invoice)
    invoice.update(
        number=f"{customer['invoice_prefix']}-{number:04}", status="open", effective_at=now,
        ending_balance=before + invoice["total"] - invoice["amount_due"],
        hosted_invoice_url=f"{w.base_url}/invoice/{invoice['id']}?s={secrets.token_hex(8)}",
        invoice_pdf=f"{w.base_url}/invoice/{invoice['id']}/pdf", automatically_finalizes_at=None,
        status_transitions={**invoice["status_transitions"], "finalized_at": now},
    )  # fmt: skip
    invoice.pop("_finalize_at", None)
    moved = invoice["ending_balance"] - before
    move_balance(w, customer, moved, "applied_to_invoice", invoice["id"])
    if invoice["amount_due"] > 0:
        _ask(w, invoice, intent)
    w.emit("invoice.finalized", invoice)
    if invoice["amount_due"] == 0 or intent:
        settle(w, invoice)
    return invoice


def _ask(w, invoice, intent=None):
    sub = sub_of(w, invoice)
    intent = intent or payments.new_intent(
        w, invoice["amount_due"], invoice["currency"], customer=invoice["customer"],
        description="Subscription creation" if invoice["billing_reason"] == "subscription_create"
        else "Subscription update" if sub else "Invoice", setup_future_usage="off_session" if sub else None,
        _invoice=invoice["id"],
    )  # fmt: skip
    w.new(
        "invoice_payment", amount_requested=invoice["amount_due"], currency=invoice["currency"],
        invoice=invoice["id"], is_default=True, status="open",
        payment={"type": "payment_intent", "payment_intent": intent["id"]},
        status_transitions={"canceled_at": None, "paid_at": None},
    )  # fmt: skip
    return intent


def payment_of(w, invoice):
    rows = w.find("invoice_payment", lambda p: p["status"] != "canceled", invoice=invoice["id"])
    return rows[-1] if rows else None


def intent_of(w, invoice):
    payment = payment_of(w, invoice)
    return payment and w.get("payment_intent", payment["payment"]["payment_intent"])


def collect(w, invoice, pm=None, *, present=False):
    """Try to be paid; `ok`, `authenticate`, a decline, or `no_method`. Failures are announced."""
    intent = intent_of(w, invoice)
    if invoice["status"] not in ("open", "uncollectible"):
        return "ok"
    customer = w.get("customer", invoice["customer"])
    if pm is None and invoice["default_payment_method"]:
        pm = w.store.get("payment_method", invoice["default_payment_method"])
    pm = pm or default_method(w, customer, sub_of(w, invoice))
    before = {"attempt_count": invoice["attempt_count"]}
    invoice.update(
        attempted=True, attempt_count=invoice["attempt_count"] + 1, next_payment_attempt=None
    )
    if pm is None:
        failed(w, invoice, "no_method", before)
        return "no_method"
    result = payments.charge(
        w, intent, pm, present=present, return_url=invoice["hosted_invoice_url"]
    )
    if result == "ok":
        settle(w, invoice)
    else:
        failed(w, invoice, result, before)
    return result


def failed(w, invoice, result, before=None):
    _plan_retry(w, invoice)
    w.update(w.get("customer", invoice["customer"]), "customer.updated", delinquent=True)
    if result == "authenticate":
        w.emit("invoice.payment_action_required", invoice)
    w.emit("invoice.payment_failed", invoice)
    w.emit("invoice.updated", invoice, before)
    for hook in ON_FAILED:
        hook(w, invoice, result)


def _plan_retry(w, invoice):
    """Retries count from the first failure; a first invoice and a change that waits have none."""
    sub = sub_of(w, invoice)
    waits = ((sub or {}).get("_pending") or {}).get("invoice") == invoice["id"]
    if waits or invoice["billing_reason"] not in RETRIED:
        return
    days = w.settings["dunning_days"]
    first = invoice.setdefault("_failed_at", w.now())
    made = invoice.setdefault("_retries", 0)
    if made < len(days):
        invoice["next_payment_attempt"] = first + days[made] * money.DAY


def settle(w, invoice):
    """The invoice is paid: by its intent, by the balance, or because it asks for nothing."""
    now = w.now()
    before = {k: invoice[k] for k in ("status", "amount_paid", "amount_remaining")}
    invoice.update(
        status="paid", amount_paid=invoice["amount_due"], amount_remaining=0, attempted=True,
        next_payment_attempt=None, auto_advance=False,
        status_transitions={**invoice["status_transitions"], "paid_at": now},
    )  # fmt: skip
    w.emit("invoice.updated", invoice, before)
    w.emit("invoice.paid", invoice)
    w.emit("invoice.payment_succeeded", invoice)
    payment = payment_of(w, invoice)
    if payment:
        payment.update(status="paid", amount_paid=invoice["amount_due"],
                       status_transitions={"canceled_at": None, "paid_at": now})  # fmt: skip
        w.emit("invoice_payment.paid", payment)
    customer = w.get("customer", invoice["customer"])
    if customer["delinquent"] and not w.find("invoice", customer=customer["id"], status="open"):
        w.update(customer, "customer.updated", delinquent=False)
    for hook in ON_PAID:
        hook(w, invoice)
    return invoice


def void(w, invoice):
    if invoice["status"] not in ("open", "uncollectible"):
        raise refused(f"You can only void open or uncollectible invoices; this one is {invoice['status']}.",
                      code="invoice_not_editable")  # fmt: skip
    return _close(w, invoice, "void", "voided_at", "invoice.voided")


def uncollectible(w, invoice):
    if invoice["status"] == "draft":
        finalize(w, invoice)
    if invoice["status"] != "open":
        raise refused(
            f"You can only mark open invoices as uncollectible; this one is {invoice['status']}."
        )
    return _close(
        w, invoice, "uncollectible", "marked_uncollectible_at", "invoice.marked_uncollectible"
    )


def _close(w, invoice, status, stamp, event):
    invoice.update(
        status=status, next_payment_attempt=None, auto_advance=False,
        status_transitions={**invoice["status_transitions"], stamp: w.now()},
    )  # fmt: skip
    intent = intent_of(w, invoice)
    if status == "void" and intent and intent["status"] not in ("succeeded", "canceled"):
        payments.void_intent(w, intent, "void_invoice")
        payment_of(w, invoice).update(status="canceled")
        invoice["amount_remaining"] = 0
    w.emit(event, invoice)
    return invoice


@list_filter("invoice_payment")
def invoice_payments(w, p):
    wanted = p.get("payment") or {}
    return w.find(
        "invoice_payment",
        lambda row: (
            plain(row, p, skip=("payment",))
            and all(row["payment"].get(k) == v for k, v in wanted.items())
        ),
    )
