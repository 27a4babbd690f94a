"""Refunds and disputes: money that goes back, by our wish, by Stripe's desk or by a bank."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Sum

from threadflow_core import jobs

from ... import clock, dto, signals
from ...exceptions import IllegalTransition
from ...gateway import Gateway
from ...machines import By, move_order, move_refund, record
from ...models import Dispute, PaymentOrder, PaymentPart, Refund
from .. import gifts, ledger
from ..locks import lock_account, locked
from . import engine
from .owners import as_uuid

#: Inquiries and what was settled before it became a dispute move no money.
NO_DISPUTE = ("prevented",)


def part_of(intent: str, charge: str) -> PaymentPart | None:
    """What was charged, by its intent, else by its charge."""
    rows = PaymentPart.objects.select_related("order")
    found = rows.filter(intent_id=intent).first() if intent else None
    if found is None and charge:
        found = rows.filter(charge_id=charge).first()
    return found


def locked_order(part: PaymentPart) -> Any:
    """The order of a charge, locked with its account."""
    lock_account(part.order.account_id)
    rows = PaymentOrder.objects.select_related("account", "price__plan")
    return locked(rows.filter(pk=part.order_id)).get()


def fetch_refund(gw: Gateway, pk: str) -> dto.Refund:
    return gw.refund(pk)


def apply_refund(remote: dto.Refund, context: engine.Context) -> str:
    return follow_refund(remote, context.by)


def follow_refund(remote: dto.Refund, by: By) -> str:
    """Take over a refund, ours or not; the order, the ledger and a gift follow."""
    part = part_of(remote.intent, remote.charge)
    if part is None:
        return engine.ORPHANED
    order = locked_order(part)
    row = _refund_row(remote, order)
    row.part = part
    row.provider_id = remote.id
    row.failure = remote.failure[:300]
    if row.amount != remote.amount:
        row.anomaly = f"asked {row.amount}, Stripe says {remote.amount}"[:200]
        row.amount = remote.amount
    row.save()
    try:
        if row.state == "requested":
            move_refund(row, "submitted", by)
        if remote.status in ("pending", "requires_action", "succeeded", "failed", "canceled"):
            move_refund(row, remote.status, by)
        else:
            row.anomaly = f"status {remote.status}"[:200]
            row.save(update_fields=["anomaly"])
    except IllegalTransition:
        row.refresh_from_db(fields=["state"])
        row.anomaly = f"{row.state}, and Stripe says {remote.status}"[:200]
        row.save(update_fields=["anomaly"])
    _post_refund(row, remote, order)
    settle_refunds(order, by)
    return engine.DONE if order.account.owner_id is not None else engine.ORPHANED


def _refund_row(remote: dto.Refund, order: Any) -> Any:
    rows = Refund.objects.select_related("order__account").filter(order=order)
    row = locked(rows.filter(provider_id=remote.id)).first()
    asked = as_uuid(remote.metadata.get("tf_refund", ""))
    if row is None and asked is not None:
        row = locked(rows.filter(pk=asked, provider_id=None)).first()
    if row is None:
        row = Refund(
            order=order,
            amount=remote.amount,
            currency=remote.currency,
            reason=remote.reason,
            state="submitted",
        )
    return row


def _post_refund(row: Any, remote: dto.Refund, order: Any) -> None:
    key = f"refund:{remote.id}:succeeded"
    when = remote.created or clock.now()
    # A refund that failed later did move money first, if it was ever booked.
    if row.state in ("succeeded", "failed") and remote.balance is not None:
        ledger.post(
            key=key,
            kind="refund",
            lines=ledger.outgoing(
                remote.balance,
                amount=remote.amount,
                currency=remote.currency,
                against=gifts.refunded_from(order),
                tax=ledger.tax_back(order, remote.amount),
            ),
            happened_at=when,
            account=order.account,
            order_id=order.pk,
        )
    elif row.state == "succeeded":
        raise jobs.Retry(after=20, reason="Stripe has not booked the refund yet.")
    if row.state == "failed":
        ledger.reverse(of=key, key=f"refund:{remote.id}:failed", happened_at=clock.now())


def settle_refunds(order: Any, by: By) -> None:
    """Make a locked order say how much of it went back."""
    total = order.refunds.filter(state="succeeded").aggregate(t=Sum("amount"))["t"] or 0
    order.refunded = min(total, order.amount)
    order.save(update_fields=["refunded"])
    if order.is_settled:
        wanted = (
            "paid" if not total else "refunded" if total >= order.amount else "partially_refunded"
        )
        if order.amount or total:
            move_order(order, wanted, by)
    if order.state == "refunded":
        gifts.revoke(order, by)


@dataclass(frozen=True)
class Returned:
    """All that went back of one charge."""

    charge: str
    refunds: tuple[dto.Refund, ...]
    disputes: tuple[dto.Dispute, ...]


def fetch_charge(gw: Gateway, pk: str) -> Returned:
    return Returned(pk, tuple(gw.refunds_of(pk)), tuple(gw.disputes_of(pk)))


def apply_charge(remote: Returned, context: engine.Context) -> str:
    found = [follow_refund(refund, context.by) for refund in remote.refunds]
    found += [follow_dispute(dispute, context.by) for dispute in remote.disputes]
    return engine.ORPHANED if engine.ORPHANED in found else engine.DONE


def fetch_dispute(gw: Gateway, pk: str) -> dto.Dispute:
    return gw.dispute(pk)


def apply_dispute(remote: dto.Dispute, context: engine.Context) -> str:
    return follow_dispute(remote, context.by)


def follow_dispute(remote: dto.Dispute, by: By) -> str:
    """Take over a dispute; every movement of our balance is posted once."""
    part = part_of(remote.intent, remote.charge)
    if part is None:
        return engine.ORPHANED
    order = locked_order(part)
    row, made = Dispute.objects.get_or_create(
        provider_id=remote.id,
        defaults={
            "order": order,
            "status": remote.status,
            "reason": remote.reason[:80],
            "amount": remote.amount,
            "currency": remote.currency,
        },
    )
    before = "" if made else row.status
    if before != remote.status:
        row.status = remote.status[:40]
        row.save(update_fields=["status"])
        record(
            account=order.account,
            entity="dispute",
            entity_id=row.pk,
            before=before,
            after=row.status,
            by=by,
            odd=dispute_state(remote.status) is None,
        )
        _tell(row)
    order.dispute = dispute_state(remote.status) or PaymentOrder.DisputeState.OPEN
    order.save(update_fields=["dispute"])
    _post_dispute(remote, order)
    return engine.DONE if order.account.owner_id is not None else engine.ORPHANED


def dispute_state(status: str) -> str | None:
    """Ours for Stripe's; None for one that nobody has documented, which counts as open."""
    if status in NO_DISPUTE or status.startswith("warning_"):
        return PaymentOrder.DisputeState.NONE
    if status in ("won", "lost"):
        return status
    return "open" if status in ("needs_response", "under_review") else None


def _post_dispute(remote: dto.Dispute, order: Any) -> None:
    seen: dict[str, int] = {}
    for balance in remote.balances:
        phase = "withdrawn" if balance.amount < 0 else "reinstated"
        seen[phase] = seen.get(phase, 0) + 1
        tail = "" if seen[phase] == 1 else f":{seen[phase]}"
        signed = remote.amount if balance.amount < 0 else -remote.amount
        ledger.post(
            key=f"dispute:{remote.id}:{phase}{tail}",
            kind="dispute",
            lines=ledger.outgoing(
                balance, amount=signed, currency=remote.currency, against="disputes"
            ),
            happened_at=remote.created or clock.now(),
            account=order.account,
            order_id=order.pk,
        )


def _tell(row: Dispute) -> None:
    from django.db import transaction

    transaction.on_commit(lambda: signals.dispute_changed.send_robust(sender=Dispute, dispute=row))


engine.topics["refund"] = engine.Topic(fetch_refund, apply_refund)
engine.topics["dispute"] = engine.Topic(fetch_dispute, apply_dispute)
engine.topics["charge"] = engine.Topic(fetch_charge, apply_charge)
