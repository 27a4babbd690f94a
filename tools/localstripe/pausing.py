"""Pausing and resuming a subscription."""

from __future__ import annotations

from . import invoices, money
from .changes import Change, credit_unused, prorate
from .errors import refused
from .subscriptions import bill_period, items_of, period_of
from .wire import route


def sleep(w, sub, why):
    with w.changing(sub, "customer.subscription.updated"):
        sub["status"] = "paused"
        sub["status_details"] = {"paused": {
            "type": "subscription", "subscription": {"type": why}, "transitioned_at": w.now()}}  # fmt: skip
    w.emit("customer.subscription.paused", sub)
    return sub


def awake(w, sub):
    with w.changing(sub, "customer.subscription.updated"):
        sub.update(status="active", status_details=None)
    w.emit("customer.subscription.resumed", sub)


@route("POST", "/v1/subscriptions/{subscription}/pause")
def pause(w, p, oid):
    """No access and no invoices until it is resumed; unused time may be credited."""
    sub = w.get("subscription", oid)
    if sub["status"] not in ("active", "trialing", "past_due"):
        raise refused(
            f"You cannot pause a subscription that is {sub['status']}.",
            code="subscription_not_pausable",
        )
    unused = (p.get("bill_for") or {}).get("unused_time_from", {}).get("type", "now")
    if unused != "none" and sub["status"] == "active":
        at = w.now() if unused == "now" else period_of(sub)[0]
        credit_unused(w, sub, at)
        if p.get("invoicing_behavior", "pending_invoice_item") == "invoice":
            customer = w.get("customer", sub["customer"])
            invoices.finalize(w, bill_period(w, sub, customer, "subscription_update", rows=[]))
    return sleep(w, sub, "pause_requested")


@route("POST", "/v1/subscriptions/{subscription}/resume")
def resume(w, p, oid):
    sub = w.get("subscription", oid)
    if sub["status"] != "paused":
        raise refused(
            "You can only resume a subscription that is paused.", code="subscription_not_paused"
        )
    now = w.now()
    kept = (p.get("billing_cycle_anchor") or {}).get("type") == "unchanged"
    if kept and period_of(sub)[1] > now:
        return _go_on(
            w, sub, p.get("proration_behavior", "create_prorations"), p.get("proration_date", now)
        )
    customer = w.get("customer", sub["customer"])
    if not kept:
        sub["billing_cycle_anchor"] = now
    rows = []
    for item in items_of(sub):
        recurring = item["price"]["recurring"]
        stop = money.period_after(
            sub["billing_cycle_anchor"], now, recurring["interval"], recurring["interval_count"]
        )
        rows.append({**item, "current_period_start": now, "current_period_end": stop})
    sub["items"] = {**sub["items"], "data": rows}
    invoice = bill_period(w, sub, customer, "subscription_update")
    sub["_resuming"] = invoice["id"]
    invoices.finalize(w, invoice)
    if invoice["status"] == "open":
        result = invoices.collect(w, invoice)
        if result != "ok" and p.get("payment_behavior") != "resume_on_payment_success":
            sub.pop("_resuming", None)
            awake(w, sub)
            w.update(sub, "customer.subscription.updated", status="past_due")
    return sub


def _go_on(w, sub, behavior, at):
    """Resume inside the old period: what was credited at the pause is charged for the rest of it."""
    change = Change(items_of(sub), at)
    for item in change.rows:
        if behavior != "none" and "_billed" not in item:
            prorate(w, change, None, item)
    customer = w.get("customer", sub["customer"])
    for row, _ in change.lines:
        invoices.add_item(w, customer, row, sub=sub, proration=True)
    awake(w, sub)
    if behavior == "always_invoice" and change.lines:
        invoice = bill_period(w, sub, customer, "subscription_update", rows=[])
        invoices.finalize(w, invoice)
        invoices.collect(w, invoice)
    return sub
