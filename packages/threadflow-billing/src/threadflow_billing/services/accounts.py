"""Who pays: the account of a person."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import F

from threadflow_core.ports import announce_entitlements

from .. import clock
from ..adapter import adapter
from ..app_settings import app_settings, livemode
from ..machines import By, record
from ..models import BillingAccount
from .locks import lock_account


def ensure(person: Any) -> BillingAccount:
    """The person's account, made if there is none. Many at once end at the same one."""
    found = BillingAccount.objects.of(person)
    if found is None:
        row = BillingAccount(
            owner_id=person.pk,
            email=adapter().email_of(person=person),
            currency=app_settings.CURRENCY,
            livemode=livemode(),
        )
        BillingAccount.objects.bulk_create([row], ignore_conflicts=True)
        found = BillingAccount.objects.of(person)
    return found  # type: ignore[no-any-return]


def changed(account: BillingAccount) -> None:
    """Note, in the caller's transaction, that what the owner may use is another now."""
    BillingAccount.objects.filter(pk=account.pk).update(epoch=F("epoch") + 1)
    if account.owner_id is not None:
        announce_entitlements(account.owner)


@transaction.atomic
def close(*, account: BillingAccount, by: By) -> BillingAccount:
    """Close the account: it is hidden from its owner, its numbers stay.

    Subscriptions at Stripe are not ended by it: cancel them first.
    """
    account = lock_account(account.pk)
    if account.deleted_at is None:
        account.deleted_at = clock.now()
        account.deleted_by = by.person
        account.deleted_reason = by.reason[:300]
        account.save(update_fields=["deleted_at", "deleted_by", "deleted_reason"])
        record(
            account=account,
            entity="account",
            entity_id=account.pk,
            before="open",
            after="closed",
            by=by,
        )
        changed(account)
    return account
