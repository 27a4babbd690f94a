"""Single decisions that a site may take differently: subclass, override, name it in ADAPTER."""

from __future__ import annotations

import datetime as dt
from typing import Any, cast

from threadflow_core.policies import Verdict

from .app_settings import app_settings


class BillingAdapter:
    """Each method says when it is asked. Keyword arguments only, so that more can be added."""

    def may_buy(self, *, person: Any, price: Any) -> Verdict:
        """Asked before a checkout is opened, for a subscription or a gift."""
        return Verdict.yes()

    def email_of(self, *, person: Any) -> str:
        """Where receipts and reminders go; also what the customer at Stripe is created with."""
        return str(getattr(person, "email", "") or "")

    def grace(self, *, subscription: Any) -> dt.timedelta:
        """How long access lasts after a payment failed."""
        plan = subscription.price.plan if subscription.price_id else None
        days = plan.grace_days if plan is not None else None
        return dt.timedelta(days=app_settings.GRACE_DAYS if days is None else days)

    def trial_days(self, *, person: Any, account: Any, price: Any) -> int:
        """Days of trial for this checkout. The default gives one trial per account."""
        if account.trial_used_at is not None or account.subscriptions.exists():
            return 0
        return int(price.plan.trial_days)

    def checkout_metadata(self, *, person: Any, order: Any) -> dict[str, str]:
        """More to keep with the session and subscription at Stripe; strings, no secrets."""
        return {}


def adapter() -> BillingAdapter:
    """The site's adapter."""
    return cast("BillingAdapter", app_settings.load("ADAPTER")())
