"""Tags and filters of billing: `{% load threadflow_billing %}`."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import template
from django.template.context import Context
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format, number_format
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import pgettext

from threadflow_core import slots
from threadflow_core.page import page_of

from ..access import Access, access_of, prompt

register = template.Library()

#: Currencies without minor units, as Stripe lists them.
WHOLE = frozenset(
    [
        "bif",
        "clp",
        "djf",
        "gnf",
        "jpy",
        "kmf",
        "krw",
        "mga",
        "pyg",
        "rwf",
        "ugx",
        "vnd",
        "vuv",
        "xaf",
        "xof",
        "xpf",
    ]
)
SIGNS = {"eur": "€", "usd": "$", "gbp": "£", "jpy": "¥"}


@register.filter
def money(amount: int | None, currency: str) -> str:
    """Minor units as people write them: `€4.80`, `4,80 €` in German, `12.50 CHF`; no `.00`."""
    if amount is None:
        return ""
    sign = SIGNS.get(currency.lower())
    whole = currency.lower() in WHOLE
    value = abs(amount) if whole else abs(amount) / 100
    places = 0 if whole or amount % 100 == 0 else 2
    text = number_format(value, places, force_grouping=True)
    minus = "−" if amount < 0 else ""
    if not sign:
        return f"{minus}{text} {currency.upper()}"
    return minus + pgettext("money", "%(sign)s%(amount)s") % {"sign": sign, "amount": text}


@register.filter
def day(value: Any) -> str:
    """A date (or its ISO text) in words."""
    moment = parse_datetime(value) if isinstance(value, str) else value
    if not isinstance(moment, dt.datetime):
        return ""
    return date_format(timezone.localtime(moment), "DATE_FORMAT")


@register.simple_tag(takes_context=True)
def entitled(context: Context, feature: str) -> Any:
    """The decision on a feature: `{% entitled "chat.write" as may_write %}`. One query a page."""
    return _access(context)[feature]


@register.simple_tag(takes_context=True)
def upgrade_prompt(context: Context, feature: str) -> SafeString:
    """What is missing, by its name, and where to get it; nothing when it is there."""
    decision = _access(context)[feature]
    if decision:
        return mark_safe("")
    more = prompt(feature, decision)
    return slots.include("threadflow_billing/partials/_upgrade.html", context, **more)


def _access(context: Context) -> Access:
    request = getattr(context, "request", None) or context.get("request")
    return access_of(request) if request is not None else Access(page_of(context).person)
