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
    ReminderSent,
    Subscription,
    Transition,
    UsageCounter,
    UsageHold,
    WebhookEvent,
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
    for rows in (UsageCounter.objects, UsageHold.objects, ReminderSent.objects):
        rows.filter(account__in=accounts).delete()
    _forget_copies(list(accounts.values_list("pk", flat=True)))
    accounts.update(owner=None, email="", metadata={})
    BillingAccount.objects.filter(deleted_by=person).update(deleted_by=None)


def _forget_copies(accounts: list[Any]) -> None:
    """What Stripe told about them: copies of objects, bodies of events, parameters of commands."""
    subscriptions = Subscription.objects.filter(account__in=accounts)
    orders = PaymentOrder.objects.filter(account__in=accounts)
    keys = [f"subscription:{pk}" for pk in subscriptions.values_list("provider_id", flat=True)]
    for session, invoice in orders.values_list("session_id", "invoice_id"):
        keys += [f"checkout.session:{session}", f"invoice:{invoice}"]
    WebhookEvent.objects.filter(object_key__in=keys).update(body="")
    subscriptions.update(remote={}, card={})
    finished = Command.objects.filter(account__in=accounts).exclude(finished_at=None)
    finished.update(params={}, result={})


def _leave(model: Any, field: str) -> Any:
    return lambda person: model.objects.filter(**{field: person}).update(**{field: None})
