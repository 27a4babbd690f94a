"""Comparing with Stripe: what is missing here, what is stale, what we have and Stripe has not."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .. import clock, dto
from ..gateway import Gateway, gateway
from ..models import (
    BillingAccount,
    Dispute,
    Drift,
    LedgerTransaction,
    Refund,
    Subscription,
    WebhookEvent,
)
from . import sync
from .sync.owners import as_uuid, price_of
from .sync.returns import part_of


@dataclass(frozen=True)
class Finding:
    kind: str
    key: str
    detail: str


def run(*, since: dt.datetime | None = None, fix: bool = False) -> list[Finding]:
    """Every difference, written down as drift; with `fix` each object is fetched and applied.

    `since` bounds by the creation of the object at Stripe; subscriptions are always all.
    """
    gw = gateway()
    found = list(find(gw, since))
    for finding in found:
        row = Drift.objects.create(
            kind=finding.kind, object_key=finding.key, detail=finding.detail[:300]
        )
        if fix and repair(finding):
            row.fixed_at = clock.now()
            row.save(update_fields=["fixed_at"])
    return found


def repair(finding: Finding) -> bool:
    """Fetch and apply the object of a finding at once; whether it could be."""
    sync.mark(finding.key)
    result = sync.run(finding.key, force=True)
    if result == "gone" and finding.key.startswith("subscription:"):
        _tombstone(finding.key.partition(":")[2])
    return result not in ("orphaned", "stale")


def _tombstone(provider_id: str) -> None:
    """A subscription that Stripe does not know any more gives no access."""
    from django.db import transaction

    from ..machines import By, move_subscription
    from . import grants
    from .locks import lock, lock_account

    row = Subscription.objects.get(provider_id=provider_id)
    with transaction.atomic():
        lock_account(row.account_id)
        row = lock(Subscription.objects.select_related("account", "price__plan").filter(pk=row.pk))
        if not row.is_ended:
            by = By.system("reconcile", "gone at Stripe")
            move_subscription(row, "canceled", by)
            row.anomaly = "gone at Stripe"
            row.ended_at = clock.now()
            row.save()
            grants.follow(row, by)


class Ours:
    """Which objects belong to our accounts; others may share the Stripe account."""

    def __init__(self) -> None:
        rows = list(BillingAccount.objects.values_list("pk", "customer_id"))
        self.accounts = {pk for pk, _customer in rows}
        self.customers = {customer for _pk, customer in rows if customer}

    def has(self, customer: str, metadata: dict[str, str]) -> bool:
        named = as_uuid(metadata.get("tf_account", ""))
        return customer in self.customers or named in self.accounts


def find(gw: Gateway, since: dt.datetime | None) -> Iterator[Finding]:
    created = {"created": {"gte": int(since.timestamp())}} if since else {}
    ours = Ours()
    yield from _subscriptions(gw, ours)
    yield from _invoices(gw, ours, created)
    yield from _refunds(gw, created)
    yield from _disputes(gw, created)


def _subscriptions(gw: Gateway, ours: Ours) -> Iterator[Finding]:
    rows = {row.provider_id: row for row in Subscription.objects.select_related("price").iterator()}
    seen: set[str] = set()
    for raw in gw.listed("subscription", {"status": "all"}):
        remote = dto.Subscription.parse(raw)
        seen.add(remote.id)
        if not ours.has(remote.customer, remote.metadata):
            continue
        row = rows.get(remote.id)
        key = f"subscription:{remote.id}"
        if row is None:
            yield Finding("missing", key, f"Stripe has it as {remote.status}")
        elif row.is_ended and row.status != remote.status:
            if not row.anomaly:
                yield Finding("stale", key, f"{row.status} here, {remote.status} there")
        else:
            difference = _difference(row, remote)
            if difference:
                yield Finding("stale", key, difference)
    for provider_id, row in rows.items():
        if provider_id not in seen and not row.is_ended:
            yield Finding("extra", f"subscription:{provider_id}", "Stripe does not have it")


def _difference(row: Subscription, remote: dto.Subscription) -> str:
    _start, end = dto.period_of(remote.items)
    pairs: dict[str, tuple[Any, Any]] = {
        "status": (row.status, remote.status),
        "period": (row.period_end, end),
        "cancel": (row.cancel_at_period_end, remote.cancel_at_period_end),
    }
    mine = row.price.provider_id if row.price else ""
    theirs = [item.price for item in remote.items]
    # A price that is nobody's here is known to be odd; only one of ours is a difference.
    if mine not in theirs and (mine or any(price_of(price) for price in theirs)):
        pairs["price"] = (mine, ", ".join(theirs))
    return ", ".join(f"{name}: {a} here, {b} there" for name, (a, b) in pairs.items() if a != b)


def _invoices(gw: Gateway, ours: Ours, created: dict[str, Any]) -> Iterator[Finding]:
    posted = set(
        LedgerTransaction.objects.filter(posting_key__startswith="inv:").values_list(
            "posting_key", flat=True
        )
    )
    for raw in gw.listed("invoice", {"status": "paid", **created}):
        invoice = dto.Invoice.parse(raw)
        money = invoice.amount_paid or invoice.paid_off_stripe
        if not money or not ours.has(invoice.customer, invoice.metadata):
            continue
        if f"inv:{invoice.id}:paid" not in posted:
            yield Finding(
                "missing", f"invoice:{invoice.id}", f"{money} {invoice.currency} not booked"
            )


def _refunds(gw: Gateway, created: dict[str, Any]) -> Iterator[Finding]:
    states = dict(Refund.objects.exclude(provider_id=None).values_list("provider_id", "state"))
    for raw in gw.listed("refund", created):
        remote = dto.Refund.parse(raw)
        if part_of(remote.intent, remote.charge) is None:
            continue
        if states.get(remote.id) != remote.status:
            kind = "stale" if remote.id in states else "missing"
            here = states.get(remote.id, "nothing")
            yield Finding(kind, f"refund:{remote.id}", f"{here} here, {remote.status} there")


def _disputes(gw: Gateway, created: dict[str, Any]) -> Iterator[Finding]:
    states = dict(Dispute.objects.values_list("provider_id", "status"))
    for raw in gw.listed("dispute", created):
        remote = dto.Dispute.parse(raw)
        if part_of(remote.intent, remote.charge) is None:
            continue
        if states.get(remote.id) != remote.status:
            kind = "stale" if remote.id in states else "missing"
            here = states.get(remote.id, "nothing")
            yield Finding(kind, f"dispute:{remote.id}", f"{here} here, {remote.status} there")


def catch_up(since: dt.datetime) -> tuple[int, int]:
    """Have every object looked at whose events since then we never got; (new, known).

    Stripe remembers events for 30 days; for more there is `run`.
    """
    from .webhooks import object_key

    params = {"created": {"gte": int(since.timestamp())}}
    new = known = 0
    keys: dict[str, None] = {}
    for event in gateway().listed("event", params):
        if WebhookEvent.objects.filter(event_id=event["id"]).exists():
            known += 1
            continue
        new += 1
        key = object_key(event)
        if key:
            keys[key] = None
    for key in keys:
        sync.mark(key)
    return new, known
