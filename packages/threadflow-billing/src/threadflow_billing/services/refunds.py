"""Giving money back. The refund is a row before Stripe is asked, and its id is the key."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import Q, Sum
from django.utils.translation import gettext as _

from threadflow_core.exceptions import Conflict, Invalid

from .. import dto, policies
from ..exceptions import GatewayRefused
from ..gateway import Gateway
from ..machines import By, move_refund
from ..models import Command, PaymentOrder, PaymentPart, Refund
from . import commands, sync
from .locks import lock, lock_account
from .sync.returns import follow_refund

#: What counts against what is left of a payment.
GOING = ("requested", "submitted", "pending", "requires_action", "succeeded")


def left(order: PaymentOrder) -> int:
    """What can still be given back of a payment."""
    going = order.refunds.filter(state__in=GOING).aggregate(total=Sum("amount"))["total"] or 0
    return max(0, order.amount - going) if order.is_settled else 0


@transaction.atomic
def request(*, staff: Any, order: PaymentOrder, amount: int, reason: str) -> Refund:
    """Give `amount` (minor units) of a payment back. Raises NotAllowed, Invalid, Conflict.

    Where no single charge of the order has as much left, it becomes one refund per charge; the
    first of them is returned.
    """
    policies.require(policies.may_refund(staff))
    lock_account(order.account_id)
    order = lock(PaymentOrder.objects.select_related("account", "price__plan").filter(pk=order.pk))
    _check(order, amount, reason)
    shares = _split(order, amount)
    made = [_ask(order, part, share, reason.strip()[:300], staff) for part, share in shares]
    return made[0]


def _check(order: PaymentOrder, amount: int, reason: str) -> None:
    if not order.is_settled or not order.parts.exists():
        raise Conflict(_("Nothing was paid here that Stripe could give back."), code="not_paid")
    if order.dispute == PaymentOrder.DisputeState.OPEN:
        raise Conflict(
            _("The bank is deciding about this payment. It can't be refunded until then."),
            code="charge_disputed",
        )
    if not reason.strip():
        raise Invalid(fields={"reason": [_("Say why.")]})
    if not 0 < amount <= min(left(order), sum(rest for _part, rest in _rests(order))):
        text = _("Between 0.01 and what is left of the payment.")
        raise Invalid(fields={"amount": [text]}, code="too_much")


def _rests(order: PaymentOrder) -> list[tuple[PaymentPart, int]]:
    """Each charge of the order with what can still be given back of it."""
    going = Sum("refunds__amount", filter=Q(refunds__state__in=GOING))
    parts = order.parts.annotate(going=going).order_by("pk")
    return [(part, part.amount - (part.going or 0)) for part in parts]


def _split(order: PaymentOrder, amount: int) -> list[tuple[PaymentPart, int]]:
    """The charges that `amount` is taken from: one that has enough, else one after the other."""
    rests = [(part, rest) for part, rest in _rests(order) if rest > 0]
    enough = [(part, amount) for part, rest in rests if rest >= amount]
    if enough:
        return enough[:1]
    shares = []
    for part, rest in rests:
        share = min(rest, amount)
        amount -= share
        if share:
            shares.append((part, share))
    return shares


def _ask(order: PaymentOrder, part: PaymentPart, amount: int, reason: str, staff: Any) -> Refund:
    refund = Refund.objects.create(
        order=order,
        part=part,
        amount=amount,
        currency=order.currency,
        reason=reason,
        requested_by=staff,
    )
    params: dict[str, Any] = {"amount": amount, "metadata": {"tf_refund": str(refund.pk)}}
    params |= {"payment_intent": part.intent_id} if part.intent_id else {"charge": part.charge_id}
    commands.plan(
        kind="refund", account=order.account, target_id=refund.pk, params=params, actor=staff
    )
    return refund


def _send(gw: Gateway, command: Command) -> dto.Refund:
    with transaction.atomic():
        refund = _row(command)
        if refund.state == "requested":
            move_refund(refund, "submitted", By.user(command.actor, "refund", refund.reason))
    return gw.create_refund(command.params, key=f"tf:re:{command.target_id}")


def _apply(command: Command, remote: dto.Refund) -> commands.Result:
    follow_refund(remote, By.user(command.actor, "refund"))
    return {"status": remote.status, "refund": remote.id}


def _refused(command: Command, error: GatewayRefused) -> None:
    """It was refunded or disputed meanwhile: our row failed, and the truth is looked up."""
    refund = _row(command)
    refund.failure = f"{error.code}: {error.message}"[:300]
    refund.save(update_fields=["failure"])
    if refund.state in ("requested", "submitted"):
        move_refund(refund, "failed", By.stripe(error.code))
    sync.look_at(f"charge:{refund.part.charge_id if refund.part else ''}")


def _row(command: Command) -> Refund:
    lock_account(command.account_id)
    rows = Refund.objects.select_related("order__account", "part")
    return lock(rows.filter(pk=command.target))  # type: ignore[no-any-return]


commands.kinds["refund"] = commands.Kind(_send, _apply, _refused)
