"""Whose an object of Stripe's is."""

from __future__ import annotations

import uuid
from typing import Any

from ...models import BillingAccount, PaymentOrder, Price
from ..locks import lock_account


def account_of(customer: str, metadata: dict[str, str]) -> BillingAccount | None:
    """The account, locked; by its customer, else by what we wrote into the object. Or nobody.

    An object that names one of our accounts but belongs to another's customer is nobody's.
    """
    found = BillingAccount.objects.filter(customer_id=customer).first() if customer else None
    if found is None:
        pk = as_uuid(metadata.get("tf_account", ""))
        found = BillingAccount.objects.filter(pk=pk).first() if pk else None
        if found is not None and found.customer_id and customer:
            return None
    if found is None:
        return None
    account = lock_account(found.pk)
    if not account.customer_id and customer:
        account.customer_id = customer
        account.save(update_fields=["customer_id"])
    return account


def order_named(text: str) -> PaymentOrder | None:
    """The order whose id we gave to Stripe."""
    pk = as_uuid(text)
    return PaymentOrder.objects.filter(pk=pk).first() if pk else None


def price_of(provider_id: str, lookup_key: str = "") -> Price | None:
    rows = Price.objects.select_related("plan")
    found = rows.filter(provider_id=provider_id).first() if provider_id else None
    if found is None and lookup_key:
        found = rows.filter(lookup_key=lookup_key).first()
    return found  # type: ignore[no-any-return]


def as_uuid(text: Any) -> uuid.UUID | None:
    try:
        return uuid.UUID(str(text))
    except ValueError:
        return None
