"""What billing keeps about people, how it is handed out and how it is forgotten.

Numbers stay, for books must: what names the person is taken out of them.
"""

from __future__ import annotations

from typing import Any

from threadflow_core import privacy

from .models import (
    BillingAccount,
    Command,
    Override,
    PaymentOrder,
    Refund,
    Transition,
    UsageCounter,
)


def register() -> None:
    privacy.register(BillingAccount._meta.label, export=_account, erase=_forget_account)
    privacy.register(
        Transition._meta.label,
        export=lambda person: (
            Transition.objects.visible_to(person)
            .values("entity", "before", "after", "created_at")
            .iterator()
        ),
        erase=lambda person: Transition.objects.filter(actor=person).update(actor=None),
    )
    for model, field in ((Override, "created_by"), (Refund, "requested_by"), (Command, "actor")):
        privacy.register(
            model._meta.label,
            erase=_leave(model, field),
            why="Names the staff member who acted; what it is about is in the account's export.",
        )


def _account(person: Any) -> Any:
    account = BillingAccount.objects.of(person)
    if account is None:
        return
    yield {"email": account.email, "currency": account.currency, "created_at": account.created_at}
    orders = PaymentOrder.objects.filter(account=account)
    yield from orders.values("purpose", "state", "amount", "currency", "created_at").iterator()
    yield from UsageCounter.objects.filter(account=account).values("feature", "period", "used")


def _forget_account(person: Any) -> None:
    accounts = BillingAccount.objects.filter(owner=person)
    UsageCounter.objects.filter(account__in=accounts).delete()
    accounts.update(owner=None, email="", metadata={})
    BillingAccount.objects.filter(deleted_by=person).update(deleted_by=None)


def _leave(model: Any, field: str) -> Any:
    return lambda person: model.objects.filter(**{field: person}).update(**{field: None})
