"""The steps of the history as people read them; the rows keep the codes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from .models import Transition
from .models.money import GiftState, OrderState, RefundState
from .swaps import get_plan_model

THINGS = {
    "order": _("Payment"),
    "refund": _("Refund"),
    "subscription": _("Subscription"),
    "grant": _("Access"),
    "gift": _("Gift"),
    "dispute": _("Dispute"),
    "command": _("Request"),
    "account": _("Account"),
}
#: What Stripe calls the states of a subscription.
STATUSES = {
    "incomplete": _("waiting for the first payment"),
    "incomplete_expired": _("never paid"),
    "trialing": _("trial"),
    "active": pgettext_lazy("subscription", "active"),
    "past_due": _("payment is past due"),
    "unpaid": _("unpaid"),
    "paused": _("paused"),
    "canceled": _("ended"),
}
DISPUTES = {
    "warning_needs_response": _("the bank asks"),
    "warning_under_review": _("the bank looks into it"),
    "warning_closed": _("closed"),
    "needs_response": _("opened"),
    "under_review": _("under review"),
    "won": _("won"),
    "lost": _("lost"),
    "prevented": _("prevented"),
}
REQUESTS = {
    "upgrade": _("larger plan"),
    "downgrade": _("smaller plan with the next period"),
    "keep_plan": _("plan kept"),
    "cancel": _("cancelled"),
    "resume": _("resumed"),
    "pause": _("paused"),
}
GRANTS = {"open": _("open"), "ended": _("ended"), "revoked": _("closed")}
WORDS = {
    "order": {
        **dict(OrderState.choices),
        "given up": _("given up"),
        "paid after all": _("paid after all"),
    },
    "refund": dict(RefundState.choices),
    "subscription": STATUSES,
    "grant": GRANTS,
    "gift": dict(GiftState.choices),
    "dispute": DISPUTES,
    "command": REQUESTS,
    "account": {"closed": _("closed")},
}


INTERVALS = {"month": _("monthly"), "year": _("yearly")}


@dataclass(frozen=True)
class Told:
    """One step in words."""

    step: Transition
    thing: str
    before: str
    after: str


def tell(steps: Iterable[Transition]) -> list[Told]:
    """The steps in words, with the names of the plans. One query."""
    plans = dict(get_plan_model()._default_manager.values_list("code", "name"))
    return [
        Told(
            step,
            str(THINGS.get(step.entity, step.entity)),
            _words(step.entity, step.before, plans),
            _words(step.entity, step.after, plans),
        )
        for step in steps
    ]


def _words(entity: str, code: str, plans: dict[str, str]) -> str:
    """A state in words: one of the thing's own, or a plan with its period or its end."""
    known = WORDS.get(entity, {}).get(code)
    if known is not None or not code:
        return str(known or "–")
    plan, _space, rest = code.partition(" ")
    if plan not in plans:
        return code
    if rest in INTERVALS:
        return f"{plans[plan]}, {INTERVALS[rest]}"
    day = parse_datetime(rest.removeprefix("until "))
    if day is None:
        return plans[plan]
    shown = date_format(timezone.localtime(day.replace(tzinfo=dt.UTC)), "DATE_FORMAT")
    return str(_("%(plan)s until %(day)s") % {"plan": plans[plan], "day": shown})


def status(code: str) -> str:
    """A status of a subscription; one that nobody knows as Stripe says it."""
    return str(STATUSES.get(code, code))
