"""Subscriptions: made, renewed, paused, ended. Changes of plan are in `changes`."""

from __future__ import annotations

from . import cards, discounts, invoices, money, payments, shapes
from .catalog import plan_of
from .customers import default_method
from .errors import card_error, refused
from .lines import line
from .params import assign, at_most_one, metadata, need, unsupported
from .wire import list_filter, plain, route

HOURS_23 = 23 * 3600
OVER = ("canceled", "incomplete_expired")


# Items


def new_item(w, price, quantity, start, end, *, sub, meta=None):
    return w.blank(
        "subscription_item", price=shapes.public(price), plan=plan_of(price), quantity=quantity,
        current_period_start=start, current_period_end=end, subscription=sub, metadata=meta or {},
        discounts=[], tax_rates=[],
    )  # fmt: skip


def check_price(w, entry, where, currency=None, kept=()):
    """The price of an entry, fit for a subscription; or Stripe's refusal.

    An archived price may stay where it is (`kept`), but not come anew.
    """
    price = w.get("price", need(entry, "price"), f"{where}[price]")
    if not price["active"] and price["id"] not in kept:
        raise refused("The price specified is inactive. This field only accepts active prices.",
                      param=f"{where}[price]")  # fmt: skip
    if price["type"] != "recurring":
        raise refused("The price specified is set to `type=one_time` but this field only accepts prices with"
                      " `type=recurring`.", param=f"{where}[price]")  # fmt: skip
    if currency and price["currency"] != currency:
        raise refused(f"The price specified only supports `{price['currency']}`. This doesn't match the"
                      f" expected currency: `{currency}`.", param=f"{where}[price]")  # fmt: skip
    if entry.get("quantity", 1) < 1:
        raise refused("This value must be greater than or equal to 1.", param=f"{where}[quantity]",
                      code="parameter_invalid_integer")  # fmt: skip
    return price


def items_of(sub):
    return sub["items"]["data"]


def period_of(sub):
    rows = items_of(sub)
    return min(i["current_period_start"] for i in rows), min(i["current_period_end"] for i in rows)


def interval_of(rows):
    recurring = rows[0]["price"]["recurring"]
    return recurring["interval"], recurring["interval_count"]


def period_lines(w, sub, rows):
    return [
        line(w, i["price"], i["quantity"], i["current_period_start"], i["current_period_end"],
             item=i["id"], sub=sub["id"])
        for i in rows
    ]  # fmt: skip


def note_billed(rows, invoice):
    """Keep on each item what its present period cost: that is what unused time is worth."""
    by_item = {i["id"]: i for i in rows}
    for row in invoice["lines"]["data"]:
        details = (row["parent"] or {}).get("subscription_item_details")
        item = by_item.get(row.get("_item") or (details or {}).get("subscription_item"))
        if item and row["amount"] >= 0:
            net = row["amount"] - sum(d["amount"] for d in row["discount_amounts"])
            item["_billed"] = {
                "amount": net,
                "start": row["period"]["start"],
                "end": row["period"]["end"],
            }


# Making one


HANDLED = {
    "customer", "items", "trial_end", "trial_period_days", "discounts", "metadata", "automatic_tax",
    "trial_settings", "default_payment_method", "description", "cancel_at_period_end", "payment_behavior",
    "collection_method", "off_session", "payment_settings", "proration_behavior", "currency",
}  # fmt: skip


@route("POST", "/v1/subscriptions")
def create_subscription(w, p):
    unsupported(p, HANDLED)
    customer = w.get("customer", need(p, "customer"), "customer")
    if not p.get("items"):
        raise refused("Missing required param: items.", param="items", code="parameter_missing")
    at_most_one(p, "trial_end", "trial_period_days")
    if p.get("collection_method") == "send_invoice":
        raise refused("This stand-in charges automatically only.", param="collection_method")
    trial_end = _trial_end(w, p)
    sub = make(
        w, customer, p["items"], trial_end=trial_end, sent_discounts=p.get("discounts"), meta=p.get("metadata"),
        auto_tax=p.get("automatic_tax", {}).get("enabled", False), trial_settings=p.get("trial_settings"),
        default_pm=p.get("default_payment_method"), description=p.get("description"),
        cancel_at_period_end=p.get("cancel_at_period_end", False),
    )  # fmt: skip
    return start(w, sub, customer, p.get("payment_behavior", "allow_incomplete"))


def _trial_end(w, p):
    if p.get("trial_end") == "now":
        return None
    if "trial_end" in p:
        if p["trial_end"] <= w.now():
            raise refused(
                "Invalid timestamp: must be an integer Unix timestamp in the future.",
                param="trial_end",
            )
        return p["trial_end"]
    days = p.get("trial_period_days") or 0
    if not 0 <= days <= 730:
        raise refused("A trial lasts at most 730 days.", param="trial_period_days")
    return w.now() + days * money.DAY if days else None


def make(w, customer, entries, *, trial_end=None, sent_discounts=None, meta=None, auto_tax=False,
         trial_settings=None, default_pm=None, description=None, cancel_at_period_end=False, session=None,
         stored=True):  # fmt: skip
    """The subscription, not yet begun: no invoice, no event. Not stored, it serves a preview."""
    now = w.now()
    sid = w.new_id("subscription")
    rows = _first_items(w, sid, entries, (customer or {}).get("currency"), now, trial_end)
    currency = rows[0]["price"]["currency"]
    amount = sum(i["price"]["unit_amount"] * i["quantity"] for i in rows)
    made = discounts.make(w, sent_discounts, customer=customer and customer["id"], amount=amount,
                          subscription=sid, session=session, stored=stored)  # fmt: skip
    discounts.currency_fits(made, currency)
    behaviour = (
        (trial_settings or {})
        .get("end_behavior", {})
        .get("missing_payment_method", "create_invoice")
    )
    sub = w.blank(
        "subscription", id=sid, automatic_tax={
            "enabled": auto_tax, "liability": {"type": "self"} if auto_tax else None, "disabled_reason": None},
        billing_cycle_anchor=trial_end or now, cancel_at_period_end=cancel_at_period_end,
        billing_mode={"type": "flexible", "flexible": {"proration_discounts": "included"}},
        cancellation_details={"comment": None, "feedback": None, "reason": None}, metadata=metadata(None, meta),
        collection_method="charge_automatically", currency=currency,
        customer=customer["id"] if customer else "cus_preview", description=description, start_date=now,
        default_payment_method=default_pm, discounts=[d["id"] for d in made], default_tax_rates=[],
        invoice_settings={"account_tax_ids": None, "issuer": {"type": "self"}},
        items=shapes.listing(rows, f"/v1/subscription_items?subscription={sid}"),
        payment_settings={"payment_method_options": None, "payment_method_types": None,
                          "save_default_payment_method": "off"},
        status="trialing" if trial_end else "incomplete", trial_start=now if trial_end else None,
        trial_end=trial_end, trial_settings={"end_behavior": {"missing_payment_method": behaviour}},
        _made=made,
    )  # fmt: skip
    if cancel_at_period_end:
        sub.update(cancel_at=period_of(sub)[1], canceled_at=now)
    return sub


def _first_items(w, sid, entries, currency, now, trial_end):
    prices = [check_price(w, e, f"items[{n}]", currency) for n, e in enumerate(entries)]
    rows = []
    for entry, price in zip(entries, prices, strict=True):
        recurring = price["recurring"]
        end = trial_end or money.step(now, recurring["interval"], recurring["interval_count"], 1)
        rows.append(new_item(w, price, entry.get("quantity", 1), now, end, sub=sid,
                             meta=metadata(None, entry.get("metadata"))))  # fmt: skip
    if len({(*interval_of([row]), row["price"]["currency"]) for row in rows}) > 1:
        raise refused(
            "All prices of a subscription must have the same interval and currency here.",
            param="items",
        )
    return rows


def first_lines(w, sub):
    """Lines of the first invoice; a trial costs nothing, but is on it."""
    rows = period_lines(w, sub, items_of(sub))
    if sub["status"] == "trialing":
        for row, item in zip(rows, items_of(sub), strict=True):
            name = (w.store.get("product", item["price"]["product"]) or {}).get("name", "")
            row.update(amount=0, subtotal=0, description=f"Trial period for {name}")
    return rows


def start(
    w, sub, customer, behaviour, *, pm=None, present=False, first_reason="subscription_create"
):
    """Store it, announce it, bill the first period and be paid, as `payment_behavior` asks."""
    made = sub.pop("_made")
    w.store.add("subscription", sub)
    if sub["default_payment_method"]:
        owned = w.get("payment_method", sub["default_payment_method"], "default_payment_method")
        if owned["customer"] != customer["id"]:
            raise refused(
                "The payment method must be attached to the customer.",
                param="default_payment_method",
            )
    w.emit("customer.subscription.created", sub)
    trial = sub["status"] == "trialing"
    counted = [] if trial else made
    invoice = invoices.build(
        w, customer, first_lines(w, sub), first_reason, sub=sub, discounts=counted,
        auto_tax=sub["automatic_tax"]["enabled"],
    )  # fmt: skip
    if not trial:
        note_billed(items_of(sub), invoice)
    sub["latest_invoice"] = invoice["id"]
    discounts.used(w, sub, counted)
    invoices.finalize(w, invoice)
    if invoice["status"] == "open" and behaviour != "default_incomplete":
        if pm is None and default_method(w, customer, sub) is None:
            raise refused("This customer has no attached payment source or default payment method.",
                          code="resource_missing")  # fmt: skip
        result = invoices.collect(w, invoice, pm, present=present)
        if result != "ok" and behaviour == "error_if_incomplete":
            raise not_paid(w, invoice, result)
    return sub


def not_paid(w, invoice, result):
    exc = card_error(
        "This payment requires additional user action.",
        "subscription_payment_intent_requires_action",
    )
    if result in cards.DECLINES:
        exc = payments.declined(invoices.intent_of(w, invoice), result)
    exc.keep = False  # the subscription was not made, nothing of it stays
    return exc


# What a paid or failed invoice means


def _paid(w, invoice):
    sub = invoices.sub_of(w, invoice)
    if sub is None or sub["status"] in OVER:
        return
    if sub["pending_update"] and sub.get("_pending", {}).get("invoice") == invoice["id"]:
        from .changes import apply_pending

        apply_pending(w, sub)
    if (sub["status"] == "incomplete" and invoice["billing_reason"] == "subscription_create") or (
        sub["status"] in ("past_due", "unpaid") and invoice["id"] == sub["latest_invoice"]
    ):
        w.update(sub, "customer.subscription.updated", status="active")
    elif sub["status"] == "paused" and sub.get("_resuming") == invoice["id"]:
        from .pausing import awake

        sub.pop("_resuming")
        awake(w, sub)


def _failed(w, invoice, result):
    sub = invoices.sub_of(w, invoice)
    if sub is None or sub["status"] not in ("active", "trialing", "past_due"):
        return
    if sub["pending_update"] or sub.get("_pending"):
        return
    if sub["status"] != "past_due":
        w.update(sub, "customer.subscription.updated", status="past_due")
    days = w.settings["dunning_days"]
    last = invoice.get("_retries", 0) >= len(days) and invoice["next_payment_attempt"] is None
    if invoice["billing_reason"] in invoices.RETRIED and last:
        give_up(w, sub)


def give_up(w, sub):
    """After the last retry, as the account is set: cancel, or leave it unpaid."""
    if w.settings["dunning_end"] == "unpaid":
        w.update(sub, "customer.subscription.updated", status="unpaid")
    else:
        end(w, sub, reason="payment_failed")


invoices.ON_PAID.append(_paid)
invoices.ON_FAILED.append(_failed)


# Time


def renew(w, sub):
    """A period is over: bill the next one. The invoice stays a draft for about an hour."""
    if sub["cancel_at_period_end"]:
        end(w, sub, reason="cancellation_requested")
        return None
    customer = w.get("customer", sub["customer"])
    with w.changing(sub, "customer.subscription.updated"):
        sub["items"] = {**sub["items"], "data": [_moved(sub, i) for i in items_of(sub)]}
    return bill_period(w, sub, customer, "subscription_cycle", delay=w.settings["draft_seconds"])


def _moved(sub, item):
    start = item["current_period_end"]
    recurring = item["price"]["recurring"]
    stop = money.period_after(
        sub["billing_cycle_anchor"], start, recurring["interval"], recurring["interval_count"]
    )
    return {**item, "current_period_start": start, "current_period_end": stop}


def bill_period(w, sub, customer, reason, *, delay=0, rows=None):
    """A draft for the present period and everything that waits; with `delay` it finalizes later."""
    counted = discounts.current(w, sub)
    items = invoices.waiting(w, customer, sub)
    rows = (period_lines(w, sub, items_of(sub)) if rows is None else rows) + [
        i["_line"] for i in items
    ]
    began = period_of(sub)[0]
    invoice = invoices.build(
        w, customer, rows, reason, sub=sub, discounts=counted, auto_tax=sub["automatic_tax"]["enabled"],
        period_end=began, **({"automatically_finalizes_at": w.now() + delay} if delay else {}),
    )  # fmt: skip
    invoices.take(w, items, invoice)
    note_billed(items_of(sub), invoice)
    discounts.used(w, sub, counted)
    sub["latest_invoice"] = invoice["id"]
    held = (sub["pause_collection"] or {}).get("behavior")
    if held == "keep_as_draft" or sub["status"] == "unpaid":
        invoice.update(auto_advance=False, automatically_finalizes_at=None)
    elif held:
        invoices.finalize(w, invoice)
        if invoice["status"] == "open":
            (invoices.void if held == "void" else invoices.uncollectible)(w, invoice)
    elif delay:
        invoice["_finalize_at"] = w.now() + delay
    return invoice


def end_trial(w, sub):
    """The trial is over: bill, or do what was agreed for a customer without a card."""
    customer = w.get("customer", sub["customer"])
    choice = sub["trial_settings"]["end_behavior"]["missing_payment_method"]
    if default_method(w, customer, sub) is None and choice != "create_invoice":
        if choice == "cancel":
            end(w, sub, reason=None)
        else:
            from .pausing import sleep

            sleep(w, sub, "trial_end_without_payment_method")
        return None
    if sub["cancel_at_period_end"]:
        end(w, sub, reason="cancellation_requested")
        return None
    now = w.now()
    with w.changing(sub, "customer.subscription.updated"):
        sub.update(status="active", billing_cycle_anchor=now, trial_end=min(sub["trial_end"], now))
        sub["items"] = {**sub["items"], "data": [
            _moved(sub, {**i, "current_period_end": now}) for i in items_of(sub)]}  # fmt: skip
    return bill_period(w, sub, customer, "subscription_cycle", delay=w.settings["draft_seconds"])


def upcoming(w, sub, *, items=None):
    """The invoice of the next period as it would be now; not stored."""
    customer = w.get("customer", sub["customer"])
    rows = items_of(sub) if items is None else items
    trial = sub["status"] == "trialing"
    anchor = {**sub, "billing_cycle_anchor": sub["trial_end"]} if trial else sub
    lines = period_lines(w, sub, [_moved(anchor, i) for i in rows])
    lines += [shapes.copy.deepcopy(i["_line"]) for i in invoices.waiting(w, customer, sub)]
    at = period_of(sub)[1]
    counted = discounts.current(w, sub, at)
    return invoices.build(
        w, customer, lines, "upcoming", sub=sub, discounts=counted, stored=False,
        auto_tax=sub["automatic_tax"]["enabled"], period_end=at, next_payment_attempt=at + w.settings["draft_seconds"],
    )  # fmt: skip


# Ending


def end(w, sub, *, reason, comment=None, feedback=None):
    """Cancelled for good, now."""
    now = w.now()
    details = {"comment": comment, "feedback": feedback, "reason": reason}
    old = sub["cancellation_details"] or {}
    details = {k: v if v is not None else old.get(k) for k, v in details.items()}
    status = "incomplete_expired" if reason == "expired" else "canceled"
    if reason == "expired":
        details["reason"] = None
    sub.update(status=status, ended_at=now, canceled_at=sub["canceled_at"] or now,
               cancellation_details=details, pending_update=None)  # fmt: skip
    pending = sub.pop("_pending", None)
    if pending and w.get("invoice", pending["invoice"])["status"] == "open":
        invoices.void(w, w.get("invoice", pending["invoice"]))
    for invoice in w.find("invoice", lambda i: _is_of(i, sub) and i["status"] in ("draft", "open")):
        invoice.update(
            auto_advance=False, next_payment_attempt=None, automatically_finalizes_at=None
        )
        invoice.pop("_finalize_at", None)
        if status == "incomplete_expired" and invoice["status"] == "open":
            invoices.void(w, invoice)
    if sub["schedule"]:
        from .schedules import let_go

        let_go(w, w.get("subscription_schedule", sub["schedule"]), "canceled")
    type = "updated" if status == "incomplete_expired" else "deleted"
    w.emit(f"customer.subscription.{type}", sub)
    return sub


def _is_of(invoice, sub):
    details = (invoice["parent"] or {}).get("subscription_details")
    return bool(details) and details["subscription"] == sub["id"]


@route("DELETE", "/v1/subscriptions/{subscription_exposed_id}")
def cancel(w, p, oid):
    sub = w.get("subscription", oid)
    if sub["status"] in OVER:
        raise refused(
            "No such subscription: it is canceled already.", param="id", code="resource_missing"
        )
    if p.get("prorate") and sub["status"] != "trialing":
        from .changes import credit_unused

        credit_unused(w, sub, w.now())
    details = p.get("cancellation_details") or {}
    end(
        w,
        sub,
        reason="cancellation_requested",
        comment=details.get("comment"),
        feedback=details.get("feedback"),
    )
    if p.get("invoice_now"):
        customer = w.get("customer", sub["customer"])
        items = invoices.waiting(w, customer, sub)
        if items:
            invoice = invoices.build(w, customer, [i["_line"] for i in items], "manual", sub=sub,
                                     auto_tax=sub["automatic_tax"]["enabled"])  # fmt: skip
            invoices.take(w, items, invoice)
            invoices.finalize(w, invoice)
            invoices.collect(w, invoice)
    return sub


@list_filter("subscription")
def subscriptions(w, p):
    """Without a status the list leaves out what is over, as Stripe's does."""
    wanted, price = p.get("status"), p.get("price")

    def fits(row):
        if wanted == "ended":
            ok = row["status"] in OVER
        elif wanted in (None, "all"):
            ok = wanted == "all" or row["status"] not in OVER
        else:
            ok = row["status"] == wanted
        return ok and (price is None or any(i["price"]["id"] == price for i in items_of(row)))

    return w.find("subscription", lambda row: plain(row, p, skip=("status", "price")) and fits(row))


@route("GET", "/v1/subscription_items")
def subscription_items(w, p):
    return items_of(w.get("subscription", p["subscription"], "subscription"))[::-1]


def note(sub, p):
    """Fields that change nothing about money."""
    assign(sub, p, "description", "default_payment_method")
