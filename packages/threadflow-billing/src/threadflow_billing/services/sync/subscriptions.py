"""A subscription as Stripe has it now: our row, its grant, its history."""

from __future__ import annotations

from typing import Any

from ... import clock, dto
from ...gateway import Gateway
from ...machines import By, move_subscription, record
from ...models import BillingAccount, Subscription
from .. import grants
from ..locks import locked
from . import engine
from .owners import account_of, price_of


def fetch(gw: Gateway, pk: str) -> dto.Subscription:
    return gw.subscription(pk)


def apply(remote: dto.Subscription, context: engine.Context) -> str:
    """Take over what Stripe says. An end stays an end, whatever comes after it."""
    account = account_of(remote.customer, remote.metadata)
    if account is None:
        return engine.ORPHANED
    row = _row(remote, account)
    if row.remote_fetched_at is not None and row.remote_fetched_at > context.fetched_at:
        return engine.STALE
    if row.is_ended and remote.status != row.status:
        # What has ended opens nothing again; that Stripe says so is written down.
        row.anomaly = f"ended, and Stripe says {remote.status}"[:200]
        row.save(update_fields=["anomaly"])
        return "ended_already"
    known_invoice = row.latest_invoice
    _take_over(row, remote, context)
    by = context.by
    _move(row, remote, by)
    row.save()
    grants.follow(row, by)
    _note_trial(account, row)
    if remote.latest_invoice and remote.latest_invoice != known_invoice:
        engine.look_at(f"invoice:{remote.latest_invoice}")
    return engine.DONE if account.owner_id is not None else engine.ORPHANED


def _row(remote: dto.Subscription, account: BillingAccount) -> Any:
    """Our row of it, locked; made if there is none. The account is locked."""
    rows = Subscription.objects.select_related("account", "price__plan")
    row = locked(rows.filter(provider_id=remote.id)).first()
    if row is None:
        older = Subscription.objects.filter(account=account).order_by("-pk").first()
        row = Subscription(account=account, provider_id=remote.id, status="", previous=older)
    return row


def _take_over(row: Any, remote: dto.Subscription, context: engine.Context) -> None:
    known = [(item, price_of(item.price, item.lookup_key)) for item in remote.items]
    item, price = next(((i, p) for i, p in known if p), (None, None))
    if price is None:
        row.anomaly = "a price that is not ours"
    elif row.anomaly == "a price that is not ours":
        row.anomaly = ""
    if row.price_id and price and row.price_id != price.pk:
        record(
            account=row.account,
            entity="subscription",
            entity_id=row.pk,
            before=f"{row.price.plan.code} {row.price.interval}",
            after=f"{price.plan.code} {price.interval}",
            by=context.by,
        )
    row.price = price or row.price
    if row.pending_price_id and (not remote.schedule or row.pending_price_id == row.price_id):
        row.pending_price = None
    row.quantity = item.quantity if item else 1
    row.period_start, row.period_end = dto.period_of(remote.items)
    row.cancel_at_period_end = remote.cancel_at_period_end
    row.cancel_at = remote.cancel_at
    row.trial_end = remote.trial_end
    row.ended_at = remote.ended_at
    row.schedule_id = remote.schedule
    row.change_unpaid = remote.has_pending_update
    row.collection_paused = remote.collection_paused
    row.latest_invoice = remote.latest_invoice
    row.card = remote.card or row.card
    row.remote = remote.raw
    row.remote_fetched_at = context.fetched_at


def _move(row: Any, remote: dto.Subscription, by: By) -> None:
    now = clock.now()
    if move_subscription(row, remote.status, by):
        row.paused_at = now if row.status == "paused" else None
    grants.set_grace(row, now)


def _note_trial(account: BillingAccount, row: Any) -> None:
    if row.trial_end is not None and account.trial_used_at is None:
        account.trial_used_at = clock.now()
        account.save(update_fields=["trial_used_at"])


engine.topics["subscription"] = engine.Topic(fetch, apply)
