"""Changes of a subscription: another plan, quantity, trial, end; proration; the preview of it."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field

from . import discounts, invoices, money, shapes
from .catalog import plan_of
from .errors import missing, refused
from .lines import line
from .params import metadata, unsupported
from .subscriptions import (
    HOURS_23,
    OVER,
    check_price,
    first_lines,
    interval_of,
    items_of,
    make,
    new_item,
    note,
    note_billed,
    period_lines,
    period_of,
    upcoming,
)  # fmt: skip
from .wire import route


@dataclass
class Change:
    """What another set of items means: the rows after it, what is billed for it, and when."""

    rows: list
    at: int
    lines: list = field(default_factory=list)  # (line, is a proration)
    resets: bool = False
    immediate: bool = False


def plan(w, sub, entries, *, behavior, at, anchor_now=False, trial_over=False):
    """Compute a change without writing anything."""
    old = {i["id"]: i for i in items_of(sub)}
    rows, touched = _merge(w, sub, old, entries)
    if not rows:
        raise refused("A subscription must have at least one active price.", param="items")
    if len({interval_of([r]) for r in rows}) > 1:
        raise refused(
            "All prices of a subscription must have the same interval here.", param="items"
        )
    trial = sub["status"] == "trialing"
    resets = (
        trial_over or anchor_now or (interval_of(rows) != interval_of(items_of(sub)) and not trial)
    )
    change = Change(rows, at, resets=resets, immediate=resets)
    if resets:
        _restart(w, sub, change, credit=behavior != "none" and not trial)
    elif not trial and behavior != "none":
        change.immediate = behavior == "always_invoice"
        for iid in touched:
            prorate(w, change, old.get(iid), next((r for r in rows if r["id"] == iid), None))
    return change


def _merge(w, sub, old, entries):
    rows = {iid: copy.deepcopy(item) for iid, item in old.items()}
    touched, kept = [], {item["price"]["id"] for item in old.values()}
    start, end = period_of(sub)
    for n, entry in enumerate(entries or []):
        where = f"items[{n}]"
        if "id" not in entry:
            price = check_price(w, entry, where, sub["currency"])
            if any(r["price"]["id"] == price["id"] for r in rows.values()):
                raise refused(
                    "Cannot add multiple subscription items with the same price.",
                    param=f"{where}[price]",
                )
            item = new_item(w, price, entry.get("quantity", 1), start, end, sub=sub["id"])
            rows[item["id"]] = item
            touched.append(item["id"])
            continue
        item = rows.get(entry["id"])
        if item is None:
            raise missing("subscription item", entry["id"], f"{where}[id]")
        if entry.get("deleted"):
            del rows[item["id"]]
            touched.append(item["id"])
            continue
        wanted = {"price": item["price"]["id"], "quantity": item["quantity"], **entry}
        price = check_price(w, wanted, where, sub["currency"], kept)
        if "metadata" in entry:
            item["metadata"] = metadata(item["metadata"], entry["metadata"])
        if (price["id"], wanted["quantity"]) != (item["price"]["id"], item["quantity"]):
            item.update(
                price=shapes.public(price), plan=plan_of(price), quantity=wanted["quantity"]
            )
            item.pop("_billed", None)
            touched.append(item["id"])
    return list(rows.values()), touched


def _restart(w, sub, change, *, credit):
    """A new cycle from now: unused time comes back, the new period is billed in full."""
    if credit:
        change.lines += [(row, True) for i in items_of(sub) if (row := _credit(w, i, change.at))]
    for item in change.rows:
        item["current_period_start"] = change.at
        item["current_period_end"] = money.step(change.at, *interval_of([item]), 1)
        item.pop("_billed", None)
    change.lines += [(row, False) for row in period_lines(w, sub, change.rows)]


def _credit(w, item, at):
    """Unused time of an item, at what was paid for it net of discounts; None if nothing is left."""
    billed = item.get("_billed")
    if not billed or billed["end"] <= at:
        return None
    begin = max(at, billed["start"])
    amount = -money.ratio(billed["amount"], billed["end"] - begin, billed["end"] - billed["start"])
    price = item["price"]
    name = (w.store.get("product", price["product"]) or {}).get("name", price["product"])
    return amount and line(
        w, price, item["quantity"], begin, billed["end"], amount=amount, parent={}, discountable=False,
        description=f"Unused time on {name} after {money.day(begin)}",
    )  # fmt: skip


def prorate(w, change, before, after):
    if before is not None and (row := _credit(w, before, change.at)):
        change.lines.append((row, True))
    if after is None:
        return
    start, end = after["current_period_start"], after["current_period_end"]
    price = after["price"]
    amount = money.ratio(price["unit_amount"] * after["quantity"], end - change.at, end - start)
    name = (w.store.get("product", price["product"]) or {}).get("name", price["product"])
    row = line(
        w, price, after["quantity"], change.at, end, amount=amount, parent={},
        description=f"Remaining time on {name} after {money.day(change.at)}",
    )  # fmt: skip
    row["_item"] = after["id"]
    after["_billed"] = {"amount": amount, "start": change.at, "end": end}
    change.lines.append((row, True))


def credit_unused(w, sub, at):
    """Put the unused time of every item on the next invoice."""
    customer = w.get("customer", sub["customer"])
    for item in items_of(sub):
        if row := _credit(w, item, at):
            invoices.add_item(w, customer, row, sub=sub, proration=True)
        item.pop("_billed", None)


def bill(w, sub, change, *, stored=True):
    """The invoice of a change that is billed at once, with everything that waited."""
    customer = w.get("customer", sub["customer"])
    waited = invoices.waiting(w, customer, sub)
    counted = discounts.current(w, sub)
    new, rows = [], []
    for row, proration in change.lines:
        if proration:
            new.append(invoices.add_item(w, customer, row, sub=sub, proration=True, stored=stored))
        rows.append(row)
    rows += [i["_line"] if stored else copy.deepcopy(i["_line"]) for i in waited]
    invoice = invoices.build(
        w, customer, rows, "subscription_update" if stored else "upcoming", sub=sub, discounts=counted,
        auto_tax=sub["automatic_tax"]["enabled"], stored=stored,
    )  # fmt: skip
    invoice["parent"]["subscription_details"]["subscription_proration_date"] = change.at
    if stored:
        invoices.take(w, new + waited, invoice)
        note_billed(change.rows, invoice)
        discounts.used(w, sub, counted)
    return invoice


# Update

HANDLED = {
    "items", "metadata", "cancel_at_period_end", "cancel_at", "cancellation_details", "description",
    "default_payment_method", "discounts", "pause_collection", "payment_behavior", "proration_behavior",
    "proration_date", "trial_end", "trial_settings", "billing_cycle_anchor", "automatic_tax", "off_session",
    "payment_settings",
}  # fmt: skip
# What may wait for a payment; the rest cannot be given with pending_if_incomplete.
PENDING = {"items", "proration_behavior", "proration_date", "trial_end", "payment_behavior",
           "billing_cycle_anchor", "off_session", "discounts"}  # fmt: skip


@route("POST", "/v1/subscriptions/{subscription_exposed_id}")
def update(w, p, oid):
    sub = w.get("subscription", oid)
    unsupported(p, HANDLED)
    if sub["status"] in OVER and set(p) - {"metadata", "cancellation_details"}:
        raise refused(
            "A canceled subscription can only update its cancellation_details and metadata."
        )
    behaviour = p.get("payment_behavior", "allow_incomplete")
    if behaviour == "pending_if_incomplete" and (extra := set(p) - PENDING):
        raise refused("These parameters cannot wait for a payment: pending_if_incomplete goes without"
                      f" {', '.join(sorted(extra))}.", param="payment_behavior")  # fmt: skip
    if sub["schedule"] and {"cancel_at_period_end", "cancel_at"} & set(p):
        raise refused(f"The subscription is managed by the subscription schedule `{sub['schedule']}`, and updating"
                      " any cancelation behavior directly is not allowed. Please update the schedule instead.")  # fmt: skip
    change = _change(w, sub, p)
    if change and "_pending" in sub:  # the newer change takes the place of one that waits
        drop_pending(w, sub)
    if change and change.immediate and behaviour == "pending_if_incomplete":
        return _pay_first(w, sub, change)
    with w.changing(sub, "customer.subscription.updated"):
        _fields(w, sub, p)
        if change:
            _apply(sub, change, trial_over=p.get("trial_end") == "now")
    if change:
        _bill(w, sub, change, behaviour)
    return sub


def _change(w, sub, p):
    if not ({"items", "trial_end", "billing_cycle_anchor"} & set(p)):
        return None
    at = p.get("proration_date", w.now())
    start, end = period_of(sub)
    if "proration_date" in p and not start <= at <= end:
        raise refused(
            "The proration date must be within the current billing period.", param="proration_date"
        )
    if p.get("trial_end") not in (None, "now") and p["trial_end"] <= w.now():
        raise refused("Invalid timestamp: must be in the future.", param="trial_end")
    anchor = p.get("billing_cycle_anchor")
    return plan(
        w, sub, p.get("items"), behavior=p.get("proration_behavior", "create_prorations"), at=at,
        trial_over=p.get("trial_end") == "now" and sub["status"] == "trialing",
        anchor_now=(isinstance(anchor, dict) and anchor.get("type") == "now") or anchor == "now",
    )  # fmt: skip


def _fields(w, sub, p):
    note(sub, {k: v for k, v in p.items() if k != "items"})
    now = w.now()
    if p.get("default_payment_method"):
        w.get("payment_method", p["default_payment_method"], "default_payment_method")
    if "cancellation_details" in p:
        sub["cancellation_details"] = {
            **(sub["cancellation_details"] or {}),
            **p["cancellation_details"],
        }
    if "cancel_at_period_end" in p:
        leaving = p["cancel_at_period_end"]
        reason = {"reason": "cancellation_requested" if leaving else None}
        sub.update(cancel_at_period_end=leaving, cancel_at=period_of(sub)[1] if leaving else None,
                   canceled_at=now if leaving else None,
                   cancellation_details={**(sub["cancellation_details"] or {}), **reason})  # fmt: skip
    if "cancel_at" in p:
        at = {
            "": None,
            "min_period_end": period_of(sub)[1],
            "max_period_end": period_of(sub)[1],
        }.get(p["cancel_at"], p["cancel_at"])
        if isinstance(at, int) and at <= now:
            raise refused("Invalid timestamp: cancel_at must be in the future.", param="cancel_at")
        sub.update(cancel_at=at, canceled_at=now if at else None, cancel_at_period_end=False)
    if "pause_collection" in p:
        held = p["pause_collection"]
        sub["pause_collection"] = {"resumes_at": None, **held} if held else None
    if "trial_settings" in p:
        sub["trial_settings"] = p["trial_settings"]
    if "automatic_tax" in p:
        sub["automatic_tax"] = {**sub["automatic_tax"], "enabled": p["automatic_tax"]["enabled"]}
    if "discounts" in p:
        made = discounts.make(
            w, p["discounts"] or [], customer=sub["customer"], subscription=sub["id"]
        )
        discounts.currency_fits(made, sub["currency"])
        sub["discounts"] = [d["id"] for d in made]
    if p.get("trial_end") not in (None, "now"):
        _trial_until(sub, p["trial_end"], now)


def _trial_until(sub, at, now):
    sub.update(
        status="trialing",
        trial_end=at,
        trial_start=sub["trial_start"] or now,
        billing_cycle_anchor=at,
    )
    sub["items"] = {
        **sub["items"],
        "data": [{**i, "current_period_end": at} for i in items_of(sub)],
    }


def _apply(sub, change, *, trial_over=False):
    kept = {i["id"]: i["current_period_end"] for i in items_of(sub)}
    for item in change.rows:
        if not change.resets and item["id"] in kept:
            item["current_period_end"] = kept[item["id"]]
    sub["items"] = {**sub["items"], "data": change.rows}
    if change.resets:
        sub["billing_cycle_anchor"] = change.at
    if trial_over:
        sub.update(status="active", trial_end=change.at)
    if sub["cancel_at_period_end"]:
        sub["cancel_at"] = period_of(sub)[1]


def _bill(w, sub, change, behaviour):
    if not change.immediate:
        customer = w.get("customer", sub["customer"])
        for row, _ in change.lines:
            invoices.add_item(w, customer, row, sub=sub, proration=True)
        return
    if not change.lines:
        return
    invoice = bill(w, sub, change)
    sub["latest_invoice"] = invoice["id"]
    invoices.finalize(w, invoice)
    if invoice["status"] == "open" and behaviour != "default_incomplete":
        result = invoices.collect(w, invoice)
        if result != "ok" and behaviour == "error_if_incomplete":
            from .subscriptions import not_paid

            raise not_paid(w, invoice, result)


def _pay_first(w, sub, change):
    """The payment decides: paid, the change is there; not paid, the old plan stays and the change waits."""
    invoice = bill(w, sub, change)
    sub["latest_invoice"] = invoice["id"]
    sub["_pending"] = {
        "invoice": invoice["id"],
        "rows": change.rows,
        "resets": change.resets,
        "at": change.at,
    }
    invoices.finalize(w, invoice)
    if invoice["status"] == "paid" or invoices.collect(w, invoice) == "ok":
        apply_pending(w, sub, waited=False)
        return sub
    with w.changing(sub, "customer.subscription.updated"):
        sub["pending_update"] = {
            "billing_cycle_anchor": change.at if change.resets else None, "expires_at": w.now() + HOURS_23,
            "subscription_items": shapes.public(change.rows), "trial_end": None, "trial_from_plan": None,
        }  # fmt: skip
    return sub


def apply_pending(w, sub, *, waited=True):
    if "_pending" not in sub:
        return
    kept = sub.pop("_pending")
    with w.changing(sub, "customer.subscription.updated"):
        _apply(sub, Change(kept["rows"], kept["at"], resets=kept["resets"]))
        sub["pending_update"] = None
    if waited:
        w.emit("customer.subscription.pending_update_applied", sub)


def drop_pending(w, sub):
    """The payment did not come in time: the change and its invoice are void."""
    kept = sub.pop("_pending")
    invoice = w.get("invoice", kept["invoice"])
    if invoice["status"] == "open":
        invoices.void(w, invoice)
    with w.changing(sub, "customer.subscription.updated"):
        sub["pending_update"] = None
    w.emit("customer.subscription.pending_update_expired", sub)


# Preview

PREVIEW = {"customer", "subscription", "subscription_details", "discounts", "preview_mode", "automatic_tax",
           "currency", "customer_details"}  # fmt: skip


@route("POST", "/v1/invoices/create_preview")
def create_preview(w, p):
    """The invoice that this change would bring, by the same arithmetic; nothing is stored."""
    unsupported(p, PREVIEW)
    details = dict(p.get("subscription_details") or {})
    if "subscription" not in p:
        return _preview_new(w, p, details)
    sub = copy.deepcopy(w.get("subscription", p["subscription"], "subscription"))
    if p.get("customer", sub["customer"]) != sub["customer"]:
        raise refused(
            f"The subscription {sub['id']} does not belong to the customer.", param="subscription"
        )
    if "discounts" in p:
        made = discounts.make(w, p["discounts"] or [], customer=sub["customer"], stored=False)
        sub["discounts"] = [d["id"] for d in made if w.store.get("discount", d["id"])]
    if details.get("cancel_now"):
        return _preview_cancel(w, sub, details)
    if (details.get("cancel_at_period_end") or (sub["cancel_at_period_end"]
            and details.get("cancel_at_period_end") is not False)) and not details.get("items"):  # fmt: skip
        raise refused(
            "No upcoming invoices for customer: the subscription ends.",
            code="invoice_upcoming_none",
        )
    change = _change(w, sub, details)
    if change is None:
        return upcoming(w, sub)
    if change.immediate and p.get("preview_mode") != "recurring":
        return bill(w, sub, change, stored=False)
    return _preview_next(w, sub, change, prorations=p.get("preview_mode") != "recurring")


def _preview_next(w, sub, change, *, prorations):
    customer = w.get("customer", sub["customer"])
    _apply(sub, change)
    invoice = upcoming(w, sub)
    if prorations and change.lines:
        rows = [row for row, _ in change.lines]
        for row in rows:
            invoices.add_item(w, customer, row, sub=sub, proration=True, stored=False)
            row["invoice"] = invoice["id"]
        invoice["lines"]["data"] = invoice["lines"]["data"] + rows
        from .lines import compute, rate_for

        compute(invoice, discounts.current(w, sub, period_of(sub)[1]),
                rate_for(w, customer, sub["automatic_tax"]["enabled"]))  # fmt: skip
    return invoice


def _preview_cancel(w, sub, details):
    at = details.get("proration_date", w.now())
    rows = [row for i in items_of(sub) if (row := _credit(w, i, at))]
    change = Change(items_of(sub), at, [(row, True) for row in rows], immediate=True)
    return bill(w, sub, change, stored=False)


def _preview_new(w, p, details):
    if not details.get("items"):
        raise refused("You must pass subscription_details[items] without a subscription.",
                      param="subscription_details[items]", code="parameter_missing")  # fmt: skip
    customer = w.get("customer", p["customer"], "customer") if "customer" in p else w.blank(
        "customer", balance=0, tax_exempt="none", address=(p.get("customer_details") or {}).get("address")
    )  # fmt: skip
    end = details.get("trial_end")
    sub = make(w, customer, details["items"], trial_end=end if isinstance(end, int) else None,
               sent_discounts=p.get("discounts"), stored=False,
               auto_tax=(p.get("automatic_tax") or {}).get("enabled", False))  # fmt: skip
    made = sub.pop("_made") if not end else []
    invoice = invoices.build(
        w, customer, first_lines(w, sub), "upcoming", sub=sub, discounts=made, stored=False,
        auto_tax=sub["automatic_tax"]["enabled"],
    )  # fmt: skip
    if "customer" not in p:
        invoice["customer"] = None
    invoice["parent"]["subscription_details"]["subscription"] = sub["id"]
    return invoice
