"""Reads, as methods. `visible_to` is the one door to what belongs to somebody."""

from __future__ import annotations

import datetime as dt
from typing import Any, Self

from django.db.models import Q, QuerySet, Sum

from threadflow_core.exceptions import NotFound


class PlanQuerySet(QuerySet[Any]):
    def offered(self) -> Self:
        """What the page of plans shows: the plan of everybody, and those with a price."""
        return self.filter(is_active=True).order_by("tier", "pk")


class PriceQuerySet(QuerySet[Any]):
    def for_sale(self) -> Self:
        """Prices that can be bought now: active, of an active plan, known to Stripe."""
        return self.filter(is_active=True, plan__is_active=True).exclude(provider_id=None)


class OwnedQuerySet(QuerySet[Any]):
    """Rows that belong to one billing account."""

    def visible_to(self, person: Any) -> Self:
        """Rows of the person's own account. Staff look in the admin, not here."""
        if getattr(person, "pk", None) is None:
            return self.none()
        return self.filter(account__owner_id=person.pk, account__deleted_at=None)

    def get_visible(self, person: Any, pk: Any) -> Any:
        """One of them; raises NotFound for what is not there and for what is somebody else's."""
        found = self.visible_to(person).filter(pk=pk).first()
        if found is None:
            raise NotFound()
        return found


class AccountQuerySet(QuerySet[Any]):
    def of(self, person: Any) -> Any:
        """The person's account, or None while they have none."""
        if getattr(person, "pk", None) is None:
            return None
        return self.filter(owner_id=person.pk, deleted_at=None).first()


#: Statuses in which nothing more will happen.
ENDED = ("canceled", "incomplete_expired")


class SubscriptionQuerySet(OwnedQuerySet):
    def running(self) -> Self:
        return self.exclude(status__in=ENDED)

    def current(self, account: Any) -> Any:
        """The subscription that the account manages: the newest that still runs, else None."""
        rows = self.filter(account=account).running().exclude(status="incomplete")
        return rows.select_related("price__plan", "pending_price__plan").order_by("-pk").first()


class OrderQuerySet(OwnedQuerySet):
    def open(self) -> Self:
        return self.filter(state__in=("created", "pending"))


class GrantQuerySet(OwnedQuerySet):
    def active(self, now: dt.datetime) -> Self:
        return self.filter(
            Q(ends_at=None) | Q(ends_at__gt=now), revoked_at=None, starts_at__lte=now
        )


class LedgerEntryQuerySet(QuerySet[Any]):
    def balance(self, code: str, currency: str) -> int:
        """Sum of one ledger account, in minor units; debits are positive."""
        rows = self.filter(ledger_account__code=code, ledger_account__currency=currency)
        return int(rows.aggregate(total=Sum("amount"))["total"] or 0)
