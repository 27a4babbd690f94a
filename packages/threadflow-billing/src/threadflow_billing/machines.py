"""What can become of an order, a refund and a subscription, as tables; each step is recorded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.dispatch import Signal
from django.utils.translation import gettext as _

from . import signals
from .exceptions import IllegalTransition
from .models import BillingAccount, Transition
from .querysets import ENDED

#: Money that came in after we gave up on it is still money: hence the edges back to `paid`.
ORDER: Mapping[str, frozenset[str]] = {
    "created": frozenset({"pending", "failed", "canceled"}),
    "pending": frozenset({"processing", "paid", "failed", "expired", "canceled"}),
    "processing": frozenset({"paid", "failed", "expired", "canceled"}),
    "failed": frozenset({"pending", "paid"}),
    "expired": frozenset({"paid"}),
    "canceled": frozenset({"paid"}),
    "paid": frozenset({"partially_refunded", "refunded"}),
    # A refund that the bank sends back undoes its effect.
    "partially_refunded": frozenset({"refunded", "paid"}),
    "refunded": frozenset({"partially_refunded", "paid"}),
}
REFUND: Mapping[str, frozenset[str]] = {
    "requested": frozenset({"submitted", "failed", "canceled"}),
    "submitted": frozenset({"pending", "failed", "canceled"}),
    "pending": frozenset({"requires_action", "succeeded", "failed", "canceled"}),
    "requires_action": frozenset({"pending", "succeeded", "failed", "canceled"}),
    "succeeded": frozenset({"failed"}),
    "failed": frozenset(),
    "canceled": frozenset(),
}
#: What Stripe documents. It owns the truth: another edge is taken and marked as odd.
SUBSCRIPTION: Mapping[str, frozenset[str]] = {
    "": frozenset(
        [
            "incomplete",
            "trialing",
            "active",
            "past_due",
            "unpaid",
            "paused",
            "canceled",
            "incomplete_expired",
        ]
    ),
    "incomplete": frozenset({"active", "trialing", "incomplete_expired", "canceled", "past_due"}),
    "incomplete_expired": frozenset(),
    "trialing": frozenset({"active", "past_due", "unpaid", "paused", "canceled"}),
    "active": frozenset({"trialing", "past_due", "unpaid", "paused", "canceled"}),
    "past_due": frozenset({"active", "unpaid", "canceled", "paused", "trialing"}),
    "unpaid": frozenset({"active", "past_due", "canceled", "paused"}),
    "paused": frozenset({"active", "trialing", "past_due", "unpaid", "canceled"}),
    "canceled": frozenset(),
}


@dataclass(frozen=True, slots=True)
class By:
    """Who or what caused a step: `kind` is user, system or stripe; `cause` an event or a service."""

    kind: str
    cause: str
    person: Any = None
    reason: str = ""

    @classmethod
    def user(cls, person: Any, cause: str, reason: str = "") -> By:
        return cls("user", cause, person, reason)

    @classmethod
    def system(cls, cause: str, reason: str = "") -> By:
        return cls("system", cause, None, reason)

    @classmethod
    def stripe(cls, cause: str) -> By:
        return cls("stripe", cause)


def record(
    *,
    account: BillingAccount | None,
    entity: str,
    entity_id: Any,
    before: str,
    after: str,
    by: By,
    odd: bool = False,
) -> Transition:
    """Write one line of history, in the caller's transaction."""
    return Transition.objects.create(
        account=account,
        entity=entity,
        entity_id=entity_id,
        before=before[:60],
        after=after[:60],
        actor_kind=by.kind,
        actor=by.person if getattr(by.person, "pk", None) else None,
        cause=by.cause[:120],
        reason=by.reason[:300],
        is_anomaly=odd,
    )


def move_order(order: Any, to: str, by: By) -> bool:
    """Take a locked order to `to`; False when it is there. Raises IllegalTransition."""
    return _move(order, to, by, ORDER, "order", order.account, signals.order_changed)


def move_refund(refund: Any, to: str, by: By) -> bool:
    """Take a locked refund to `to`, over `pending` where Stripe's answer skipped it."""
    if to in ("succeeded", "requires_action") and refund.state == "submitted":
        move_refund(refund, "pending", by)
    account = refund.order.account
    return _move(refund, to, by, REFUND, "refund", account, signals.refund_changed)


def move_subscription(subscription: Any, to: str, by: By) -> bool:
    """Take a locked subscription to what Stripe says; never out of an end.

    An edge that nobody documents is taken and marked. Raises IllegalTransition at an end.
    """
    before = subscription.status
    if before == to:
        return False
    if before in ENDED:
        raise IllegalTransition(_refusal("subscription", before, to))
    odd = to not in SUBSCRIPTION.get(before, frozenset())
    if odd:
        subscription.anomaly = f"{before or '-'} → {to}"[:200]
    subscription.status = to
    _noted(subscription, before, to, by, "subscription", subscription.account, odd)
    _announce(signals.subscription_changed, "subscription", subscription, before)
    return True


def _move(
    thing: Any,
    to: str,
    by: By,
    table: Mapping[str, frozenset[str]],
    entity: str,
    account: BillingAccount,
    signal: Signal,
) -> bool:
    before = thing.state
    if before == to:
        return False
    if to not in table.get(before, frozenset()):
        raise IllegalTransition(_refusal(entity, before, to))
    thing.state = to
    thing.save(update_fields=["state"])
    _noted(thing, before, to, by, entity, account, False)
    _announce(signal, entity, thing, before)
    return True


def _noted(
    thing: Any, before: str, to: str, by: By, entity: str, account: BillingAccount, odd: bool
) -> None:
    record(
        account=account,
        entity=entity,
        entity_id=thing.pk,
        before=before,
        after=to,
        by=by,
        odd=odd,
    )


def _announce(signal: Signal, name: str, thing: Any, before: str) -> None:
    sender = type(thing)
    transaction.on_commit(
        lambda: signal.send_robust(sender=sender, **{name: thing, "before": before})
    )


def _refusal(entity: str, before: str, to: str) -> str:
    return _("A %(thing)s can't go from %(before)s to %(after)s.") % {
        "thing": entity,
        "before": before,
        "after": to,
    }
