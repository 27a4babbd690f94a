"""Access: given, moved and ended here and nowhere else."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import transaction
from django.db.models import F, Q

from threadflow_core.exceptions import Invalid

from .. import clock, policies, signals
from ..adapter import adapter
from ..machines import By, record
from ..models import BillingAccount, Grant, Override, Subscription
from ..models.accounts import Source
from . import accounts
from .locks import lock_account, locked

#: Statuses that open the plan; `past_due` does so for as long as the grace lasts.
OPEN = ("trialing", "active", "past_due")


def follow(subscription: Subscription, by: By) -> None:
    """Make the subscription's grant say what its status says. The account is locked.

    `unpaid`, `incomplete`, `paused`, the ends and statuses that nobody knows open nothing.
    """
    opens = subscription.status in OPEN and subscription.price_id is not None
    row = locked(
        Grant.objects.filter(source=Source.SUBSCRIPTION, source_id=subscription.pk)
    ).first()
    if not opens:
        if row is not None and row.revoked_at is None:
            revoke(row, by, reason=subscription.status)
        return
    price = subscription.price
    assert price is not None  # noqa: S101 - said by `opens`
    ends_at = _end(subscription)
    if row is None:
        row = Grant(
            account=subscription.account,
            plan=price.plan,
            source=Source.SUBSCRIPTION,
            source_id=subscription.pk,
            starts_at=clock.now(),
            ends_at=ends_at,
        )
        row.save(force_insert=True)
        _said(row, "", by)
        return
    before = _text(row)
    now = clock.now()
    opened_again = row.revoked_at is not None or (
        row.lapsed_at is not None and (ends_at is None or ends_at > now)
    )
    same = row.plan_id == price.plan_id and row.ends_at == ends_at and not opened_again
    if not same:
        row.plan, row.ends_at, row.revoked_at, row.reason = price.plan, ends_at, None, ""
        if opened_again:
            row.lapsed_at = None
        row.save()
        _said(row, before, by)


def _end(subscription: Subscription) -> dt.datetime | None:
    """When access ends: with the grace, or with the period that was canceled; else open."""
    ends = [
        moment
        for moment in (subscription.ends_at, subscription.grace_until)
        if isinstance(moment, dt.datetime)
    ]
    return min(ends) if ends else None


def set_grace(subscription: Subscription, now: dt.datetime) -> None:
    """Start the clock with the first failure of a row of failures; stop it with the payment."""
    if subscription.status == "past_due":
        if subscription.past_due_at is None:
            subscription.past_due_at = now
            subscription.grace_until = now + adapter().grace(subscription=subscription)
    else:
        subscription.past_due_at = subscription.grace_until = None


def revoke(grant: Grant, by: By, *, reason: str) -> None:
    """End a locked grant now. Other grants of the account stay."""
    before = _text(grant)
    grant.revoked_at = clock.now()
    grant.reason = reason[:300]
    grant.save(update_fields=["revoked_at", "reason"])
    _said(grant, before, by)


@transaction.atomic
def give(*, staff: Any, account: BillingAccount, plan: Any, days: int | None, reason: str) -> Grant:
    """Open a plan to an account as a favour, for `days` or without end. Raises NotAllowed."""
    policies.require(policies.may_give(staff))
    if days is not None and days < 1:
        raise Invalid(fields={"days": ["1 or more."]})
    account = lock_account(account.pk)
    now = clock.now()
    grant = Grant.objects.create(
        account=account,
        plan=plan,
        source=Source.COMP,
        starts_at=now,
        ends_at=None if days is None else now + dt.timedelta(days=days),
        reason=reason[:300],
    )
    _said(grant, "", By.user(staff, "give", reason))
    return grant


@transaction.atomic
def take_back(*, staff: Any, grant: Grant, reason: str) -> Grant:
    """End a grant by hand. Raises NotAllowed."""
    policies.require(policies.may_give(staff))
    lock_account(grant.account_id)
    row = locked(Grant.objects.filter(pk=grant.pk)).get()
    if row.revoked_at is None:
        revoke(row, By.user(staff, "take_back", reason), reason=reason)
    return row  # type: ignore[no-any-return]


@transaction.atomic
def override(
    *,
    staff: Any,
    account: BillingAccount,
    feature: str,
    allowed: bool,
    amount: int | None,
    removed: bool,
    reason: str,
    ends_at: dt.datetime | None = None,
) -> Override:
    """Set one feature of one account by hand, above every plan. Raises NotAllowed."""
    policies.require(policies.may_give(staff))
    account = lock_account(account.pk)
    values = {
        "allowed": allowed,
        "amount": amount,
        "removed": removed,
        "reason": reason[:300],
        "ends_at": ends_at,
        "created_by": staff,
    }
    row, made = Override.objects.update_or_create(account=account, feature=feature, defaults=values)
    value = "removed" if removed else ("no" if not allowed else str(amount))
    record(
        account=account,
        entity="override",
        entity_id=row.pk,
        before="" if made else "set",
        after=f"{feature}: {value}",
        by=By.user(staff, "override", reason),
    )
    accounts.changed(account)
    return row


def lapse(now: dt.datetime, *, limit: int = 200) -> int:
    """Notice grants whose end has come, and tell whom it concerns. Return how many.

    Access ended by itself at `ends_at`; this writes the history and closes what is open.
    """
    due = Grant.objects.filter(ends_at__lte=now, revoked_at=None, lapsed_at=None)
    done = 0
    for pk, account_id in due.order_by("ends_at").values_list("pk", "account_id")[:limit]:
        with transaction.atomic():
            lock_account(account_id)
            row = locked(due.filter(pk=pk)).first()
            if row is None:
                continue  # somebody else was faster, or it was prolonged
            row.lapsed_at = now
            row.save(update_fields=["lapsed_at"])
            _said(row, "open", By.system("lapse"), after="ended")
            done += 1
    return done


def plan_of(person: Any) -> Any:
    """The highest plan that is open to the person now, else the plan of everybody, else None."""
    from ..swaps import get_plan_model

    now = clock.now()
    if getattr(person, "pk", None) is not None:
        grants = Grant.objects.visible_to(person).active(now).select_related("plan")
        best = grants.order_by(F("plan__tier").desc(), "pk").first()
        if best is not None:
            return best.plan
    return get_plan_model()._default_manager.filter(is_default=True).first()


def last_end(account: BillingAccount, plan_id: Any) -> tuple[dt.datetime | None, bool]:
    """The latest end of what the account has of a plan, and whether something has no end."""
    now = clock.now()
    rows = Grant.objects.filter(account=account, plan_id=plan_id, revoked_at=None)
    ends = list(rows.filter(Q(ends_at=None) | Q(ends_at__gt=now)).values_list("ends_at", flat=True))
    known = [end for end in ends if end is not None]
    return (max(known) if known else None), None in ends


def _said(grant: Grant, before: str, by: By, *, after: str = "") -> None:
    record(
        account=grant.account,
        entity="grant",
        entity_id=grant.pk,
        before=before,
        after=after or _text(grant),
        by=by,
    )
    accounts.changed(grant.account)
    transaction.on_commit(lambda: signals.grant_changed.send_robust(sender=Grant, grant=grant))


def _text(grant: Grant) -> str:
    if grant.revoked_at is not None:
        return "revoked"
    until = f" until {grant.ends_at:%Y-%m-%d %H:%M}" if grant.ends_at else ""
    return f"{grant.plan.code}{until}"
