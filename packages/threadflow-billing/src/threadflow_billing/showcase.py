"""The plans side by side, as people read them: prices, what each opens, and the comparison."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.apps import apps
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from threadflow_core.ports import Feature

from .app_settings import app_settings
from .entitlements import Facts, _value
from .models import PlanFeature, Price
from .swaps import get_plan_model

TICKS = 6


@dataclass(frozen=True)
class Card:
    """One plan on the page. `monthly` is what a month costs, in minor units."""

    plan: Any
    price: Price | None
    monthly: int | None
    ticks: tuple[str, ...]
    has_trial: bool


@dataclass(frozen=True)
class Showcase:
    cards: list[Card]
    #: (title, [(label, [(has, text) per plan])]) per app.
    groups: list[tuple[str, list[tuple[str, list[tuple[bool, str]]]]]]
    #: Whole months that a year saves over twelve single ones, 0 when it saves none.
    months_free: int = 0
    intervals: list[str] = field(default_factory=list)
    currency: str = ""


def build(interval: str) -> Showcase:
    """Everything that the page of plans shows, for prices per `interval`. Three queries."""
    plans = list(get_plan_model()._default_manager.offered())  # type: ignore[attr-defined]
    prices: dict[Any, dict[str, Price]] = {}
    rows = Price.objects.for_sale().filter(currency=app_settings.CURRENCY).exclude(interval="gift")
    for price in rows.order_by("pk"):
        prices.setdefault(price.plan_id, {})[price.interval] = price
    facts = _facts(plans)
    shown = [plan for plan in plans if plan.is_default or plan.pk in prices]
    cards = [_card(plan, prices.get(plan.pk, {}), interval, facts[plan.pk]) for plan in shown]
    found = sorted({name for by in prices.values() for name in by})
    return Showcase(
        cards=cards,
        groups=_groups([facts[plan.pk] for plan in shown]),
        months_free=_months_free(prices),
        intervals=found,
        currency=str(app_settings.CURRENCY),
    )


def _facts(plans: list[Any]) -> dict[Any, Facts]:
    values: dict[Any, dict[str, tuple[bool, int | None]]] = {}
    for row in PlanFeature.objects.filter(plan__in=plans):
        values.setdefault(row.plan_id, {})[row.feature] = (row.allowed, row.amount)
    base: dict[str, tuple[bool, int | None]] = {}
    for plan in plans:
        if plan.is_default:
            base = values.get(plan.pk, {})
    return {
        plan.pk: Facts(
            base=base,
            granted={} if plan.is_default else {k: [v] for k, v in values.get(plan.pk, {}).items()},
        )
        for plan in plans
    }


def _card(plan: Any, prices: dict[str, Price], interval: str, facts: Facts) -> Card:
    price = prices.get(interval) or next(iter(prices.values()), None)
    monthly = round(price.amount / price.months) if price else None
    lines = [
        text
        for _title, code, spec in _declared()
        if (text := _line(spec, *_value(spec, code, facts)))
    ]
    return Card(plan, price, monthly, tuple(lines[:TICKS]), bool(price and plan.trial_days))


def _declared() -> list[tuple[str, str, Feature]]:
    """(title of the app, code, feature) of what has a name for people."""
    found = []
    for config in apps.get_app_configs():
        for code, spec in getattr(config, "features", {}).items():
            if spec.label:
                found.append((str(config.verbose_name), code, spec))
    return found


def _groups(facts: list[Facts]) -> list[Any]:
    groups: dict[str, list[Any]] = {}
    for title, code, spec in _declared():
        cells = [_cell(spec, *_value(spec, code, found)) for found in facts]
        groups.setdefault(title, []).append((str(spec.label), cells))
    return list(groups.items())


def _cell(spec: Feature, allowed: bool, amount: int | None) -> tuple[bool, str]:
    """Whether it is there, and the words for it ("" draws a tick)."""
    if not allowed or amount == 0:
        return False, _("None")
    if spec.kind == "bool":
        return True, ""
    return True, _("No limit") if amount is None else _amount(spec, amount)


def _amount(spec: Feature, amount: int) -> str:
    number = number_format(amount, force_grouping=True)
    if spec.kind == "limit" or spec.period == "ever":
        return number
    if spec.period == "day":
        return _("%(n)s a day") % {"n": number}
    return _("%(n)s a month") % {"n": number}


def _line(spec: Feature, allowed: bool, amount: int | None) -> str:
    if not allowed or amount == 0:
        return ""
    if spec.kind == "bool":
        return str(spec.label)
    text = _("No limit") if amount is None else _amount(spec, amount)
    return _("%(what)s: %(amount)s") % {"what": spec.label, "amount": text}


def _months_free(prices: dict[Any, dict[str, Price]]) -> int:
    free = [
        (by["month"].amount * 12 - by["year"].amount) // by["month"].amount
        for by in prices.values()
        if "month" in by and "year" in by
    ]
    return max(0, min(free)) if free else 0


def months_text(n: int) -> str:
    """What the yearly choice says about its saving."""
    return ngettext("one month free", "%(n)d months free", n) % {"n": n}
