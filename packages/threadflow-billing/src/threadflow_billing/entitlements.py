"""Billing's answer to core's entitlement port: `THREADFLOW_CORE["ENTITLEMENTS"]`.

A feature's value is the highest of what everybody has and what the active grants give; an
override of the account stands above that, a removal above all. Everything about one person is
one query; nothing is cached between requests, so there is nothing that could be stale.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models import F
from django.urls import NoReverseMatch, reverse

from threadflow_core.ports import Decision, Feature, declared_features

from . import clock
from .models import (
    BillingAccount,
    Grant,
    Override,
    PlanFeature,
    UsageCounter,
    UsageHold,
)
from .services import accounts
from .swaps import get_plan_model

Value = tuple[bool, int | None]


@dataclass
class Facts:
    """What the database knows of one person: account, values by feature, use by period."""

    account_id: uuid.UUID | None = None
    base: dict[str, Value] = field(default_factory=dict)
    granted: dict[str, list[Value]] = field(default_factory=dict)
    overrides: dict[str, Value] = field(default_factory=dict)
    used: dict[tuple[str, str], int] = field(default_factory=dict)


class Backend:
    """See `threadflow_core.ports.Entitlements` for what each method promises."""

    def check(self, person: Any, feature: str) -> Decision:
        spec = declared_features().get(feature)
        if spec is None:
            return Decision(True)
        return _decide(spec, feature, read(person, feature), wanted=1)

    def consume(self, person: Any, feature: str, n: int = 1, key: str | None = None) -> Decision:
        if n < 0:
            raise ValueError("A negative amount can't be consumed; use `release`.")
        spec = declared_features().get(feature)
        if spec is None or spec.kind != "quota" or getattr(person, "pk", None) is None:
            return self.check(person, feature)
        facts = read(person, feature)
        if facts.account_id is None:
            facts.account_id = accounts.ensure(person).pk
        bound = bound_of(spec, feature, facts)
        period, _reset = period_of(spec)
        with transaction.atomic():
            if key is not None and not _hold(key, facts.account_id, feature, period, n):
                return _decide(spec, feature, read(person, feature), wanted=0)
            used = _take(facts.account_id, feature, period, n, bound)
            if used is None:
                if key is not None:
                    UsageHold.objects.filter(pk=key).delete()
                state = _decide(spec, feature, read(person, feature), wanted=n)
                # Somebody may have given back meanwhile: nothing was taken all the same.
                return replace(
                    state, allowed=False, reason="quota_used_up", upgrade_url=upgrade_url(feature)
                )
        facts.used[(feature, period)] = used
        return _decide(spec, feature, facts, wanted=0)

    def settle(self, key: str, actual: int) -> None:
        _close(key, UsageHold.State.SETTLED, actual)

    def release(self, key: str) -> None:
        _close(key, UsageHold.State.RELEASED, 0)

    def snapshot(self, person: Any) -> dict[str, Decision]:
        facts = read(person)
        found = declared_features().items()
        return {code: _decide(spec, code, facts, wanted=1) for code, spec in found}


def read(person: Any, feature: str | None = None) -> Facts:
    """Everything that decides about `feature` (or all of them) for the person. One query."""
    facts = Facts()
    now = clock.now()
    moment = connection.ops.adapt_datetimefield_value(now)
    params: list[Any] = [feature] if feature else []
    sql = _base_sql(bool(feature))
    if getattr(person, "pk", None) is not None:
        owner = BillingAccount._meta.get_field("owner").get_db_prep_value(person.pk, connection)
        more = [feature] if feature else []
        sql += _personal_sql(bool(feature))
        params += [owner, owner, moment, moment, *more, owner, moment, *more, owner]
        params += [*_periods(now), *more]
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        rows = cursor.fetchall()
    for kind, name, allowed, amount, text in rows:
        value = (bool(allowed), None if amount is None else int(amount))
        if kind == "a":
            facts.account_id = uuid.UUID(str(text))
        elif kind == "d":
            facts.base[name] = value
        elif kind == "g":
            facts.granted.setdefault(name, []).append(value)
        elif kind == "o":
            facts.overrides[name] = (False, 0) if text == "removed" else value
        else:
            facts.used[(name, text)] = int(amount)
    return facts


# The statements are put together from names of our own tables and columns; every value is a
# parameter.


@cache
def _base_sql(one: bool) -> str:
    """What everybody has: the features of the plan that is marked so."""
    quote = connection.ops.quote_name
    meta = get_plan_model()._meta
    plan, pk = quote(meta.db_table), quote(str(meta.pk.column))
    values = quote(PlanFeature._meta.db_table)
    return (
        "SELECT 'd', f.feature, f.allowed, f.amount, '' "
        f"FROM {values} f JOIN {plan} p ON p.{pk} = f.plan_id WHERE p.is_default "
        + ("AND f.feature = %s " if one else "")
    )


@cache
def _personal_sql(one: bool) -> str:
    quote = connection.ops.quote_name
    account = quote(BillingAccount._meta.db_table)
    grants, values = quote(Grant._meta.db_table), quote(PlanFeature._meta.db_table)
    overrides, usage = quote(Override._meta.db_table), quote(UsageCounter._meta.db_table)
    mine = (
        f"JOIN {account} a ON a.id = x.account_id WHERE a.owner_id = %s AND a.deleted_at IS NULL "
    )
    return (
        f"UNION ALL SELECT 'a', '', TRUE, CAST(NULL AS bigint), CAST(a.id AS varchar(36)) "
        f"FROM {account} a WHERE a.owner_id = %s AND a.deleted_at IS NULL "
        f"UNION ALL SELECT 'g', f.feature, f.allowed, f.amount, '' FROM {grants} x "
        f"JOIN {values} f ON f.plan_id = x.plan_id {mine}"
        "AND x.revoked_at IS NULL AND x.starts_at <= %s AND (x.ends_at IS NULL OR x.ends_at > %s) "
        + ("AND f.feature = %s " if one else "")
        + "UNION ALL SELECT 'o', x.feature, x.allowed, x.amount, "
        f"CASE WHEN x.removed THEN 'removed' ELSE '' END FROM {overrides} x {mine}"
        "AND (x.ends_at IS NULL OR x.ends_at > %s) "
        + ("AND x.feature = %s " if one else "")
        + f"UNION ALL SELECT 'u', x.feature, TRUE, x.used, x.period FROM {usage} x {mine}"
        "AND x.period IN (%s, %s, %s) " + ("AND x.feature = %s " if one else "")
    )


def bound_of(spec: Feature, feature: str, facts: Facts) -> int | None:
    """The amount of a quota or limit in force; None is without bound."""
    allowed, amount = _value(spec, feature, facts)
    return amount if allowed else 0


def _value(spec: Feature, feature: str, facts: Facts) -> Value:
    if feature in facts.overrides:
        return facts.overrides[feature]
    values = [facts.base.get(feature, _free(spec)), *facts.granted.get(feature, [])]
    open_ones = [amount for allowed, amount in values if allowed]
    if not open_ones:
        return False, 0
    if None in open_ones:
        return True, None
    return True, max(amount for amount in open_ones if amount is not None)


def _free(spec: Feature) -> Value:
    if spec.kind == "bool":
        return bool(spec.free), None
    if spec.free is None or spec.free is True:
        return True, None
    return bool(spec.free), int(spec.free)


def _decide(spec: Feature, feature: str, facts: Facts, *, wanted: int) -> Decision:
    allowed, bound = _value(spec, feature, facts)
    if spec.kind == "bool":
        made = Decision(allowed, reason="" if allowed else "not_included")
    elif spec.kind == "limit":
        bound = bound if allowed else 0
        made = Decision(
            bound is None or bound > 0,
            limit=bound,
            remaining=bound,
            reason="" if bound is None or bound > 0 else "not_included",
        )
    else:
        made = _quota(spec, feature, facts, bound if allowed else 0, wanted)
    return made if made.allowed else replace(made, upgrade_url=upgrade_url(feature))


def _quota(spec: Feature, feature: str, facts: Facts, bound: int | None, wanted: int) -> Decision:
    period, reset_at = period_of(spec)
    used = facts.used.get((feature, period), 0)
    if bound is None:
        return Decision(True, used=used, reset_at=reset_at)
    allowed = used + wanted <= bound
    refusal = "quota_used_up" if bound else "not_included"
    return Decision(
        allowed=allowed,
        limit=bound,
        used=used,
        remaining=max(0, bound - used),
        reset_at=reset_at,
        reason="" if allowed else refusal,
    )


def period_of(spec: Feature, now: datetime | None = None) -> tuple[str, datetime | None]:
    """Name of the running period and when the next begins; both in UTC, which has no summer."""
    now = (now or clock.now()).astimezone(UTC)
    day = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if spec.period == "day":
        return f"{day:%Y-%m-%d}", day + timedelta(days=1)
    if spec.period == "month":
        return f"{day:%Y-%m}", (day.replace(day=1) + timedelta(days=32)).replace(day=1)
    return "ever", None


def _periods(now: datetime) -> list[str]:
    now = now.astimezone(UTC)
    return [f"{now:%Y-%m-%d}", f"{now:%Y-%m}", "ever"]


def upgrade_url(feature: str) -> str:
    """The page of plans, with what is missing; "" where the site has not mounted it."""
    try:
        return f"{reverse('threadflow_billing:plans')}?feature={feature}"
    except NoReverseMatch:
        return ""


def _hold(key: str, account_id: Any, feature: str, period: str, n: int) -> bool:
    """Claim the key; False when it was claimed before."""
    try:
        with transaction.atomic():
            UsageHold.objects.create(
                key=key, account_id=account_id, feature=feature, period=period, amount=n
            )
    except IntegrityError:
        return False
    return True


def _take(account_id: Any, feature: str, period: str, n: int, bound: int | None) -> int | None:
    """Add `n` unless that passes the bound, in one statement; the new count or None."""
    if bound is not None and n > bound:
        return None
    table = connection.ops.quote_name(UsageCounter._meta.db_table)
    guard = "" if bound is None else "WHERE t.used + excluded.used <= %s"
    pk = UsageCounter._meta.get_field("account").get_db_prep_value(account_id, connection)
    params = [pk, feature, period, n, *([] if bound is None else [bound])]
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} AS t (account_id, feature, period, used) "
            "VALUES (%s, %s, %s, %s) ON CONFLICT (account_id, feature, period) "
            f"DO UPDATE SET used = t.used + excluded.used {guard} RETURNING used",
            params,
        )
        row = cursor.fetchone()
    return None if row is None else int(row[0])


@transaction.atomic
def _close(key: str, state: str, actual: int) -> None:
    hold = UsageHold.objects.select_for_update().filter(pk=key).first()
    if hold is None or hold.state != UsageHold.State.HELD:
        return
    UsageCounter.objects.filter(
        account_id=hold.account_id, feature=hold.feature, period=hold.period
    ).update(used=F("used") + actual - hold.amount)
    hold.state, hold.amount = state, actual
    hold.save(update_fields=["state", "amount"])
