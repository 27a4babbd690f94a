"""Plans as data: from the settings into the database. Pushing them to Stripe is a service."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from .app_settings import app_settings
from .models import PlanFeature, Price
from .swaps import get_plan_model

KEYS = frozenset(
    [
        "code",
        "name",
        "tagline",
        "tier",
        "default",
        "active",
        "grace_days",
        "trial_days",
        "trial_needs_card",
        "prices",
        "gifts",
        "features",
        "metadata",
    ]
)


@dataclass(frozen=True)
class PlanSpec:
    """One entry of PLANS. Amounts are in minor units, `gifts` maps months to amounts."""

    code: str
    name: str
    tagline: str = ""
    tier: int = 0
    default: bool = False
    active: bool = True
    grace_days: int | None = None
    trial_days: int = 0
    trial_needs_card: bool = True
    prices: dict[str, int] = field(default_factory=dict)
    gifts: dict[int, int] = field(default_factory=dict)
    features: dict[str, bool | int | None] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def parse(cls, data: dict[str, Any]) -> PlanSpec:
        """Raises ValueError or TypeError saying what is wrong."""
        unknown = set(data) - KEYS
        if unknown:
            raise ValueError(f"unknown keys {sorted(unknown)} in {data.get('code')!r}")
        spec = cls(**{**data, "name": str(data["name"]), "tagline": str(data.get("tagline", ""))})
        if set(spec.prices) - {"month", "year"}:
            raise ValueError(f"prices of {spec.code!r} are per `month` or `year`")
        amounts = [*spec.prices.values(), *spec.gifts.values()]
        if any(isinstance(a, bool) or not isinstance(a, int) or a < 1 for a in amounts):
            raise ValueError(f"amounts of {spec.code!r} are whole minor units above zero")
        if spec.default and spec.prices:
            raise ValueError(f"{spec.code!r} is everybody's and can't have a price")
        return spec


@transaction.atomic
def declare(*, using: str = "default") -> None:
    """Make plans, features and prices what PLANS says; what was set by hand stays.

    Doing it again changes nothing. A price that is no longer declared is closed, never deleted.
    """
    for data in app_settings.PLANS:
        spec = PlanSpec.parse(data)
        plan = _plan(spec, using)
        _features(spec, plan, using)
        _prices(spec, plan, using)


def _plan(spec: PlanSpec, using: str) -> Any:
    rows = get_plan_model()._default_manager.using(using)
    values = {
        "name": spec.name,
        "tagline": spec.tagline,
        "tier": spec.tier,
        "is_default": spec.default,
        "is_active": spec.active,
        "grace_days": spec.grace_days,
        "trial_days": spec.trial_days,
        "trial_needs_card": spec.trial_needs_card,
        "metadata": spec.metadata,
    }
    plan, made = rows.get_or_create(code=spec.code, defaults=values)
    if not made and not plan.metadata.get("by_hand"):
        changed = [name for name, value in values.items() if getattr(plan, name) != value]
        for name in changed:
            setattr(plan, name, values[name])
        if changed:
            plan.save(using=using, update_fields=changed)
    return plan


def _features(spec: PlanSpec, plan: Any, using: str) -> None:
    rows = PlanFeature.objects.using(using).filter(plan=plan)
    known = {row.feature: row for row in rows}
    for code, value in spec.features.items():
        allowed, amount = split(value)
        row = known.pop(code, None)
        if row is None:
            PlanFeature.objects.using(using).create(
                plan=plan, feature=code, allowed=allowed, amount=amount
            )
        elif not row.is_pinned and (row.allowed, row.amount) != (allowed, amount):
            row.allowed, row.amount = allowed, amount
            row.save(using=using)
    stale = [row.pk for row in known.values() if not row.is_pinned]
    PlanFeature.objects.using(using).filter(pk__in=stale).delete()


def _prices(spec: PlanSpec, plan: Any, using: str) -> None:
    wanted = {
        **{(interval, 12 if interval == "year" else 1): n for interval, n in spec.prices.items()},
        **{("gift", months): n for months, n in spec.gifts.items()},
    }
    keys = set()
    for (interval, months), amount in wanted.items():
        key = lookup_key(spec.code, interval, months, str(app_settings.CURRENCY), amount)
        keys.add(key)
        price, made = Price.objects.using(using).get_or_create(
            lookup_key=key,
            defaults={
                "plan": plan,
                "interval": interval,
                "months": months,
                "amount": amount,
                "currency": app_settings.CURRENCY,
            },
        )
        if not made and not price.is_active:
            Price.objects.using(using).filter(pk=price.pk).update(is_active=True)
    if wanted:
        old = Price.objects.using(using).filter(plan=plan, is_active=True)
        old.exclude(lookup_key__in=keys).update(is_active=False)


def lookup_key(plan: str, interval: str, months: int, currency: str, amount: int) -> str:
    """The name under which a price is found at Stripe: all of what can't change about it."""
    span = f"gift{months}" if interval == "gift" else interval
    return f"tf_{plan}_{span}_{currency}_{amount}"


def split(value: bool | int | None) -> tuple[bool, int | None]:
    """A declared value as the columns `allowed` and `amount`; None is without bound."""
    if isinstance(value, bool):
        return value, None
    return value is None or value > 0, value
