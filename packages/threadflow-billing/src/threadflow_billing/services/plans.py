"""Pushing plans to Stripe: a product per plan, a price per amount, found by lookup key."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from ..gateway import Gateway, gateway
from ..machines import By, record
from ..models import PlanFeature, Price
from ..swaps import get_plan_model


def push() -> list[str]:
    """Create what Stripe does not have yet; returns what was done, in words.

    Doing it again does nothing: prices are found by their lookup key, which holds all of what
    can't change about them.
    """
    gw = gateway()
    done: list[str] = []
    prices = Price.objects.filter(is_active=True, provider_id=None)
    plans: dict[Any, Any] = get_plan_model()._default_manager.in_bulk()
    for price in prices.order_by("pk"):
        found = _existing(gw, price)
        if found:
            done.append(f"found {price.lookup_key}: {found}")
        else:
            product = _product(gw, plans[price.plan_id], done)
            found = gw.create_price(_price_params(price, product), key=f"tf:price:{price.pk}")
            done.append(f"made {price.lookup_key}: {found}")
        Price.objects.filter(pk=price.pk).update(provider_id=found)
    return done


def _existing(gw: Gateway, price: Price) -> str:
    params = {"lookup_keys": [price.lookup_key], "active": True}
    for raw in gw.listed("price", params):
        same = (raw.get("unit_amount"), raw.get("currency")) == (price.amount, price.currency)
        if raw.get("lookup_key") == price.lookup_key and same:
            return str(raw["id"])
    return ""


def _product(gw: Gateway, plan: Any, done: list[str]) -> str:
    if not plan.product_id:
        params = {"name": str(plan.name), "metadata": {"tf_plan": plan.code}}
        if plan.tagline:
            params["description"] = str(plan.tagline)
        plan.product_id = gw.create_product(params, key=f"tf:product:{plan.code}:{plan.pk}")
        type(plan)._default_manager.filter(pk=plan.pk).update(product_id=plan.product_id)
        done.append(f"made product {plan.code}: {plan.product_id}")
    return str(plan.product_id)


def _price_params(price: Price, product: str) -> dict[str, Any]:
    params: dict[str, Any] = {
        "product": product,
        "unit_amount": price.amount,
        "currency": price.currency,
        "lookup_key": price.lookup_key,
        "metadata": {"tf_price": str(price.pk)},
    }
    if price.interval != "gift":
        params["recurring"] = {"interval": price.interval}
    return params


@transaction.atomic
def set_features(*, staff: Any, values: dict[tuple[str, str], tuple[bool, int | None]]) -> int:
    """Write the matrix: (plan code, feature) → (allowed, amount). Returns how many changed."""
    plans: dict[str, Any] = {p.code: p for p in get_plan_model()._default_manager.all()}
    rows = {(row.plan_id, row.feature): row for row in PlanFeature.objects.select_for_update()}
    touched: set[Any] = set()
    count = 0
    for (code, feature), (allowed, amount) in values.items():
        plan = plans[code]
        row = rows.get((plan.pk, feature)) or PlanFeature(plan=plan, feature=feature)
        if not row._state.adding and (row.allowed, row.amount) == (allowed, amount):
            continue
        before = "" if row._state.adding else f"{row.allowed} {row.amount}"
        row.allowed, row.amount, row.is_pinned = allowed, amount, True
        row.save()
        count += 1
        touched.add(plan.pk)
        record(
            account=None,
            entity="plan",
            entity_id=_plan_uuid(plan),
            before=before,
            after=f"{code} {feature}: {allowed} {amount}",
            by=By.user(staff, "matrix"),
        )
    for plan in plans.values():
        if plan.pk in touched:
            plan.version += 1
            plan.save(update_fields=["version"])
    return count


def _plan_uuid(plan: Any) -> Any:
    """History names things by UUID; a plan's is made of its code."""
    import uuid

    return uuid.uuid5(uuid.NAMESPACE_URL, f"threadflow:plan:{plan.code}")
