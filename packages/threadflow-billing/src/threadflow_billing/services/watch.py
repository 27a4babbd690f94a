"""What should have moved by now: looked at without waiting for a webhook that may be lost."""

from __future__ import annotations

import datetime as dt

from django.db.models import F, Q

from ..models import PaymentOrder, Subscription
from . import sync

#: Stripe makes an invoice an hour after the period's end and only then moves on.
SLACK = dt.timedelta(hours=2)
MOST = 500


def overdue(now: dt.datetime) -> int:
    """Have overdue subscriptions and checkouts looked at; return how many.

    A subscription is overdue when its period, trial or end is over and nothing was fetched since.
    """
    late = now - SLACK
    passed = Q()
    for name in ("period_end", "trial_end", "cancel_at"):
        passed |= Q(**{f"{name}__lt": late}) & (
            Q(remote_fetched_at__lt=F(name) + SLACK) | Q(remote_fetched_at=None)
        )
    keys = [
        f"subscription:{pk}"
        for pk in Subscription.objects.running()
        .filter(passed)
        .values_list("provider_id", flat=True)[:MOST]
    ]
    open_orders = PaymentOrder.objects.filter(
        state__in=("pending", "processing"), expires_at__lt=late
    ).exclude(session_id=None)
    keys += [
        f"checkout.session:{pk}" for pk in open_orders.values_list("session_id", flat=True)[:MOST]
    ]
    for key in keys:
        sync.mark(key)
    return len(keys)
