"""Subscription schedules, as far as a change at the end of the period needs them."""

from __future__ import annotations

from . import discounts, invoices, money
from .catalog import plan_of
from .changes import plan
from .errors import refused
from .params import assign, metadata, unsupported
from .subscriptions import check_price, end, items_of, period_of
from .wire import route


@route("POST", "/v1/subscription_schedules")
def create_schedule(w, p):
    unsupported(p, {"from_subscription", "metadata"})
    if "from_subscription" not in p:
        raise refused(
            "This stand-in makes schedules from a subscription.", param="from_subscription"
        )
    sub = w.get("subscription", p["from_subscription"], "from_subscription")
    if sub["schedule"]:
        raise refused("You cannot migrate a subscription that is already attached to a schedule: "
                      f"{sub['schedule']}.", param="from_subscription")  # fmt: skip
    if sub["status"] in ("canceled", "incomplete", "incomplete_expired"):
        raise refused(
            f"You cannot schedule a subscription that is {sub['status']}.",
            param="from_subscription",
        )
    start, stop = period_of(sub)
    phase = _phase(w, sub, start, stop, [
        {"price": i["price"]["id"], "quantity": i["quantity"]} for i in items_of(sub)])  # fmt: skip
    schedule = w.new(
        "subscription_schedule", billing_mode=sub["billing_mode"], customer=sub["customer"],
        current_phase={"start_date": start, "end_date": stop}, end_behavior="release",
        metadata=metadata(None, p.get("metadata")), phases=[phase], status="active", subscription=sub["id"],
        default_settings={
            "billing_cycle_anchor": "automatic", "collection_method": "charge_automatically",
            "automatic_tax": {"enabled": sub["automatic_tax"]["enabled"], "liability": None},
            "default_payment_method": sub["default_payment_method"], "description": None,
            "invoice_settings": {"issuer": {"type": "self"}, "account_tax_ids": None, "days_until_due": None},
        },
    )  # fmt: skip
    w.emit("subscription_schedule.created", schedule)
    w.update(sub, "customer.subscription.updated", schedule=schedule["id"])
    return schedule


def _phase(w, sub, start, stop, entries, *, prorate="create_prorations", sent=None, meta=None):
    rows = []
    for n, entry in enumerate(entries):
        kept = {item["price"]["id"] for item in items_of(sub)}
        price = check_price(w, entry, f"phases[items][{n}]", sub["currency"], kept)
        rows.append({"price": price["id"], "plan": plan_of(price)["id"], "quantity": entry.get("quantity", 1),
                     "discounts": [], "metadata": metadata(None, entry.get("metadata")), "tax_rates": []})  # fmt: skip
    return {
        "add_invoice_items": [], "currency": sub["currency"], "discounts": sent or [], "end_date": stop,
        "items": rows, "metadata": meta or {}, "proration_behavior": prorate, "start_date": start,
        "trial_end": None, "billing_cycle_anchor": None, "default_tax_rates": [],
    }  # fmt: skip


@route("POST", "/v1/subscription_schedules/{schedule}")
def update_schedule(w, p, oid):
    schedule = w.get("subscription_schedule", oid)
    unsupported(p, {"phases", "end_behavior", "metadata", "proration_behavior"})
    _live(schedule)
    sub = w.get("subscription", schedule["subscription"])
    with w.changing(schedule, "subscription_schedule.updated"):
        assign(schedule, p, "end_behavior")
        if "phases" in p:
            schedule["phases"] = _phases(w, sub, schedule, p["phases"])
            now = w.now()
            here = next(
                (f for f in schedule["phases"] if f["start_date"] <= now < f["end_date"]), None
            )
            if here is None:
                raise refused("The phases must include the present.", param="phases")
            schedule["current_phase"] = {
                "start_date": here["start_date"],
                "end_date": here["end_date"],
            }
    return schedule


def _phases(w, sub, schedule, sent):
    made, start = [], schedule["phases"][0]["start_date"]
    for n, phase in enumerate(sent):
        given = phase.get("start_date", start)
        start = w.now() if given == "now" else given
        if n and start != made[-1]["end_date"]:
            raise refused(
                "Each phase must begin where the one before it ends.",
                param=f"phases[{n}][start_date]",
            )
        stop = _stop(w, phase, start, n, last=n == len(sent) - 1)
        if stop <= start:
            raise refused("A phase must end after it begins.", param=f"phases[{n}][end_date]")
        meta = metadata(None, phase.get("metadata"))
        made.append(_phase(w, sub, start, stop, phase["items"], meta=meta, sent=phase.get("discounts"),
                           prorate=phase.get("proration_behavior", "create_prorations")))  # fmt: skip
        start = stop
    return made


def _stop(w, phase, start, n, *, last):
    if "end_date" in phase:
        return w.now() if phase["end_date"] == "now" else phase["end_date"]
    if "duration" in phase:
        length = phase["duration"]
        return money.step(start, length["interval"], length.get("interval_count", 1), 1)
    if not last:
        raise refused(
            "Each phase but the last needs an end_date or a duration.",
            param=f"phases[{n}][end_date]",
        )
    recurring = w.get("price", phase["items"][0]["price"])["recurring"]
    return money.step(start, recurring["interval"], recurring["interval_count"], 1)


def _live(schedule):
    if schedule["status"] not in ("active", "not_started"):
        raise refused(f"You cannot change a schedule that is {schedule['status']}.")


def let_go(w, schedule, status):
    """The schedule is over; the subscription stays as it is, on its own."""
    stamp = {"released": "released_at", "canceled": "canceled_at", "completed": "completed_at"}[
        status
    ]
    sub = w.store.get("subscription", schedule["subscription"])
    schedule.update(status=status, current_phase=None, **{stamp: w.now()})
    if status == "released":
        schedule.update(released_subscription=schedule["subscription"], subscription=None)
    w.emit(f"subscription_schedule.{status}", schedule)
    if sub:
        sub["schedule"] = None
    return schedule


@route("POST", "/v1/subscription_schedules/{schedule}/release")
def release(w, p, oid):
    schedule = w.get("subscription_schedule", oid)
    _live(schedule)
    sub = w.get("subscription", schedule["subscription"])
    with w.changing(sub, "customer.subscription.updated"):
        let_go(w, schedule, "released")
    return schedule


@route("POST", "/v1/subscription_schedules/{schedule}/cancel")
def cancel(w, p, oid):
    schedule = w.get("subscription_schedule", oid)
    _live(schedule)
    end(w, w.get("subscription", schedule["subscription"]), reason="cancellation_requested")
    return schedule


def advance(w, schedule):
    """A phase is over: take up the next one, or do what the schedule says for its end."""
    sub = w.get("subscription", schedule["subscription"])
    over = schedule["current_phase"]["end_date"]
    phase = next((f for f in schedule["phases"] if f["start_date"] == over), None)
    if phase is None:
        if schedule["end_behavior"] == "cancel":
            end(w, sub, reason=None)
            return
        let_go(w, schedule, "released")
        w.emit("customer.subscription.updated", sub, {"schedule": schedule["id"]})
        return
    with w.changing(schedule, "subscription_schedule.updated"):
        schedule["current_phase"] = {
            "start_date": phase["start_date"],
            "end_date": phase["end_date"],
        }
    with w.changing(sub, "customer.subscription.updated"):
        _take_up(w, sub, phase)


def _take_up(w, sub, phase):
    """The items of the phase, in place of the present ones, position by position."""
    old = items_of(sub)
    entries = [
        {**({"id": old[n]["id"]} if n < len(old) else {}), "price": row["price"], "quantity": row["quantity"]}
        for n, row in enumerate(phase["items"])
    ] + [{"id": item["id"], "deleted": True} for item in old[len(phase["items"]):]]  # fmt: skip
    at_end = phase["start_date"] >= period_of(sub)[1]
    same = [(i["price"]["id"], i["quantity"]) for i in old] == [
        (r["price"], r["quantity"]) for r in phase["items"]
    ]
    if same:
        return
    behavior = "none" if at_end else phase["proration_behavior"]
    change = plan(w, sub, entries, behavior=behavior, at=phase["start_date"])
    if at_end and change.resets:  # the renewal that follows in the same second bills the new period
        for item in change.rows:
            item["current_period_end"] = phase["start_date"]
        change.lines, change.immediate = [], False
        sub["billing_cycle_anchor"] = phase["start_date"]
    if phase["metadata"]:
        sub["metadata"] = {**sub["metadata"], **phase["metadata"]}
    if phase["discounts"]:
        made = discounts.make(
            w, phase["discounts"], customer=sub["customer"], subscription=sub["id"]
        )
        sub["discounts"] = [d["id"] for d in made]
    sub["items"] = {**sub["items"], "data": change.rows}
    customer = w.get("customer", sub["customer"])
    for row, proration in change.lines:
        if proration:
            invoices.add_item(w, customer, row, sub=sub, proration=True)
