"""Which reminders are due. Each goes out once per kind and period, however many look."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from django.db import transaction

from threadflow_core import jobs
from threadflow_core.ids import uuid7

from .. import clock
from ..app_settings import REMIND, app_settings
from ..models import BillingAccount, Grant, ReminderSent, Subscription
from ..models.accounts import Source

Due = tuple[BillingAccount, str, str, dict[str, Any]]


def once(account: BillingAccount, kind: str, period: str, details: dict[str, Any]) -> bool:
    """Have a reminder sent unless this account had it for this period. One statement decides."""
    row = ReminderSent(id=uuid7(), account=account, kind=kind, period=period[:120], details=details)
    with transaction.atomic():
        ReminderSent.objects.bulk_create([row], ignore_conflicts=True)
        if not ReminderSent.objects.filter(pk=row.pk).exists():
            return False
        jobs.emit("billing.reminder", reminder_id=str(row.pk))
    return True


def run(now: dt.datetime) -> int:
    """Have everything sent that is due at `now`; return how many were new."""
    return sum(once(*due) for due in find(now))


def find(now: dt.datetime) -> Iterator[Due]:
    """What is due at `now`: (account, kind, period, details)."""
    yield from _trials(now)
    yield from _renewals(now)
    yield from _cards(now)
    yield from _failures(now)
    yield from _graces(now)
    yield from _gifts(now)


def days_of(kind: str) -> tuple[int, ...]:
    return tuple(app_settings.REMIND.get(kind, REMIND[kind]))


def _soonest(kind: str, end: dt.datetime, now: dt.datetime) -> int | None:
    """The smallest number of days before `end` that has come, or None when none has."""
    reached = [n for n in days_of(kind) if now >= end - dt.timedelta(days=n)]
    return min(reached) if reached and now < end else None


def _subscriptions(*statuses: str) -> Any:
    rows = Subscription.objects.filter(status__in=statuses, account__owner__isnull=False)
    return rows.select_related("account", "price__plan")


def _ahead(kind: str, now: dt.datetime, rows: Any, end: str) -> Iterator[Due]:
    """Rows whose date `end` is near, with the reminder that its nearness asks for."""
    days = days_of(kind)
    if not days:
        return
    last = now + dt.timedelta(days=max(days))
    for row in rows.filter(**{f"{end}__gt": now, f"{end}__lte": last}).iterator():
        moment = getattr(row, end)
        step = _soonest(kind, moment, now)
        if step is not None:
            yield (
                row.account,
                kind,
                f"{row.pk}:{moment:%Y-%m-%d}:{step}",
                _details(row, moment),
            )


def _details(row: Any, moment: dt.datetime) -> dict[str, Any]:
    price = getattr(row, "price", None)
    plan = price.plan.name if price else getattr(getattr(row, "plan", None), "name", "")
    return {
        "plan": plan,
        "date": moment.isoformat(),
        "amount": price.amount if price else None,
        "currency": price.currency if price else "",
        "card": getattr(row, "card", {}) or {},
    }


def _trials(now: dt.datetime) -> Iterator[Due]:
    return _ahead("trial_ends", now, _subscriptions("trialing"), "trial_end")


def _renewals(now: dt.datetime) -> Iterator[Due]:
    """Yearly plans only: a month's renewal is no surprise."""
    rows = _subscriptions("active").filter(
        price__interval="year", cancel_at_period_end=False, cancel_at=None
    )
    return _ahead("renewal", now, rows, "period_end")


def _graces(now: dt.datetime) -> Iterator[Due]:
    return _ahead("grace_ends", now, _subscriptions("past_due"), "grace_until")


def _gifts(now: dt.datetime) -> Iterator[Due]:
    rows = Grant.objects.filter(source=Source.GIFT, revoked_at=None, account__owner__isnull=False)
    return _ahead("gift_ends", now, rows.select_related("account", "plan"), "ends_at")


def _failures(now: dt.datetime) -> Iterator[Due]:
    days = sorted(days_of("payment_failed"))
    for row in _subscriptions("past_due").exclude(past_due_at=None).iterator():
        age = (now - row.past_due_at).total_seconds() / 86400
        reached = [n for n in days if age >= n]
        if reached:
            period = f"{row.pk}:{row.past_due_at:%Y-%m-%d %H:%M}:{reached[-1]}"
            yield row.account, "payment_failed", period, _details(row, row.past_due_at)


def _cards(now: dt.datetime) -> Iterator[Due]:
    if not days_of("card_expires"):
        return
    last = now + dt.timedelta(days=max(days_of("card_expires")))
    rows = _subscriptions("active", "trialing", "past_due").exclude(card={})
    for row in rows.iterator():
        month, year = row.card.get("exp_month"), row.card.get("exp_year")
        if not month or not year:
            continue
        end = dt.datetime(int(year) + int(month) // 12, int(month) % 12 + 1, 1, tzinfo=dt.UTC)
        if now < end <= last:
            yield row.account, "card_expires", f"{row.pk}:{year}-{month}", _details(row, end)


def deliver(pk: Any) -> None:
    """Send one reminder through the site's port; a second time it does nothing."""
    from django.urls import NoReverseMatch, reverse

    from ..adapter import adapter
    from ..reminders import Reminder, sender

    row = ReminderSent.objects.select_related("account__owner").filter(pk=pk).first()
    if row is None or row.sent_at is not None or row.account.owner is None:
        return
    person = row.account.owner
    try:
        url = str(app_settings.BASE_URL).rstrip("/") + reverse("threadflow_billing:manage")
    except NoReverseMatch:
        url = ""
    email = adapter().email_of(person=person)
    sender().send(Reminder(row.kind, person, email, row.period, url, row.details))
    ReminderSent.objects.filter(pk=row.pk).update(sent_at=clock.now())
