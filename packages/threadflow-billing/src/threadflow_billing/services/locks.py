"""Row locks, always in this order: account, subscription, order, refund, gift, then the ledger.

A lock keeps other writers of the row out, not those who only refer to it.
"""

from __future__ import annotations

from typing import Any

from django.db import connections
from django.db.models import QuerySet

from threadflow_core.exceptions import NotFound

from ..models import BillingAccount


def locked(rows: QuerySet[Any]) -> QuerySet[Any]:
    weak = connections[rows.db].features.has_select_for_no_key_update
    return rows.select_for_update(of=("self",), no_key=weak)


def lock_account(pk: Any) -> BillingAccount:
    """The account, locked until the transaction ends; raises NotFound."""
    found = locked(BillingAccount.objects.filter(pk=pk)).first()
    if found is None:
        raise NotFound()
    return found  # type: ignore[no-any-return]


def lock(rows: QuerySet[Any]) -> Any:
    """The first of `rows`, locked; raises NotFound."""
    found = locked(rows).first()
    if found is None:
        raise NotFound()
    return found
