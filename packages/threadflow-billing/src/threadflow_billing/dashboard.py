"""Figures for the staff: what came in, what runs, what is behind. Drawn on the server."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, F, Q, Sum
from django.db.models.functions import TruncMonth
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from threadflow_core.jobs.models import OutboxEvent

from . import clock, wording
from .app_settings import app_settings
from .models import (
    Command,
    Drift,
    Grant,
    LedgerEntry,
    ObjectSync,
    PaymentOrder,
    Subscription,
    WebhookEvent,
)
from .services import ledger
from .templatetags.threadflow_billing import money

MONTHS = 12
WIDTH, HEIGHT, FOOT = 600, 180, 24


@dataclass(frozen=True)
class Bar:
    label: str
    value: int


def figures() -> dict[str, Any]:
    """Everything on the page, as data and as charts."""
    currency = str(app_settings.CURRENCY)
    revenue = revenue_by_month(currency)
    now = clock.now()
    statuses = Subscription.objects.values_list("status").annotate(n=Count("pk")).order_by("-n")
    plans = (
        Grant.objects.active(now)
        .values_list("plan__name")
        .annotate(n=Count("account", distinct=True))
        .order_by("-n")
    )
    return {
        "currency": currency,
        "revenue": [(bar.label, money(bar.value, currency)) for bar in revenue],
        "revenue_chart": bars(revenue, _("Revenue by month"), lambda value: money(value, currency)),
        "statuses": [(wording.status(name), n) for name, n in statuses],
        "status_chart": bars(
            [Bar(wording.status(name), n) for name, n in statuses],
            _("Subscriptions by status"),
            str,
        ),
        "plans": list(plans),
        "monthly": money(monthly_recurring(currency), currency),
        "balances": balances(),
        "health": health(),
        "drift": list(Drift.objects.order_by("-found_at")[:20]),
        "audit": ledger.audit()[:20],
    }


def revenue_by_month(currency: str) -> list[Bar]:
    """What was earned in each of the last months, refunds and lost disputes taken off."""
    first = _month(clock.now(), 1 - MONTHS)
    rows = (
        LedgerEntry.objects.filter(
            ledger_account__code__in=("revenue", "refunds", "disputes"),
            ledger_account__currency=currency,
            transaction__happened_at__gte=first,
        )
        .annotate(month=TruncMonth("transaction__happened_at", tzinfo=dt.UTC))
        .values_list("month")
        .annotate(total=Sum("amount"))
    )
    sums = {month.date().replace(day=1): -total for month, total in rows}
    months = [_month(first, n).date() for n in range(MONTHS)]
    return [Bar(date_format(month, "M y"), sums.get(month, 0)) for month in months]


def _month(moment: dt.datetime, shift: int) -> dt.datetime:
    """The first of the month that is `shift` months away."""
    index = moment.year * 12 + moment.month - 1 + shift
    return moment.astimezone(dt.UTC).replace(
        year=index // 12, month=index % 12 + 1, day=1, hour=0, minute=0, second=0, microsecond=0
    )


def monthly_recurring(currency: str) -> int:
    """What the running subscriptions bring in a month, by their prices."""
    rows = Subscription.objects.filter(
        status__in=("active", "past_due"), price__currency=currency, cancel_at_period_end=False
    )
    total = rows.aggregate(total=Sum(F("price__amount") * F("quantity") / F("price__months")))
    return int(total["total"] or 0)


def balances() -> list[tuple[str, str, int]]:
    rows = (
        LedgerEntry.objects.values_list("ledger_account__code", "ledger_account__currency")
        .annotate(total=Sum("amount"))
        .order_by("ledger_account__currency", "ledger_account__code")
    )
    return [(code, currency, total) for code, currency, total in rows]


def health() -> list[tuple[str, int]]:
    """What should be zero, or soon be."""
    dead = OutboxEvent.objects.filter(handler__startswith="billing.", state="dead")
    return [
        (_("Objects heard of and not applied"),
         ObjectSync.objects.filter(dirty_seq__gt=F("done_seq")).count()),
        (_("Jobs given up"), dead.count()),
        (_("Commands without an outcome"), Command.objects.filter(state="unknown").count()),
        (_("Events that are nobody's"), WebhookEvent.objects.filter(state="orphaned").count()),
        (_("Odd subscriptions"), Subscription.objects.exclude(anomaly="").count()),
        (_("Disputed payments"), PaymentOrder.objects.filter(dispute="open").count()),
        (_("Differences not repaired"), Drift.objects.filter(fixed_at=None).filter(
            Q(found_at__gte=clock.now() - dt.timedelta(days=7))).count()),
    ]  # fmt: skip


def bars(data: list[Bar], title: str, show: Any) -> SafeString:
    """A bar chart as SVG; each bar says its value, and a table beside it has them all."""
    if not data:
        return format_html("<p>{}</p>", _("No data yet."))
    top = max((abs(bar.value) for bar in data), default=0) or 1
    step = WIDTH / len(data)
    width = round(min(step * 0.7, 60), 1)
    room = HEIGHT - FOOT - 16

    def one(n: int, bar: Bar) -> tuple[Any, ...]:
        height = round(room * max(bar.value, 0) / top, 1)
        middle = round(n * step + step / 2, 1)
        x, y = round(middle - width / 2, 1), round(HEIGHT - FOOT - height, 1)
        return (f"{bar.label}: {show(bar.value)}", x, y, width, height, middle,
                HEIGHT - 8, bar.label)  # fmt: skip

    inside = format_html_join(
        "",
        '<g><title>{}</title><rect class="b" fill="#417690" x="{}" y="{}" width="{}" height="{}"/>'
        '<text x="{}" y="{}" text-anchor="middle" font-size="11">{}</text></g>',
        (one(n, bar) for n, bar in enumerate(data)),
    )
    return format_html(
        '<svg class="tf-chart" viewBox="0 0 {} {}" width="{}" height="{}" role="img" '
        'aria-label="{}" fill="currentColor">{}</svg>',
        WIDTH, HEIGHT, WIDTH, HEIGHT, title, inside,
    )  # fmt: skip
