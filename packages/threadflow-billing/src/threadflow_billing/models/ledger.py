"""Double entry, append-only. The database refuses what does not balance and what rewrites."""

from __future__ import annotations

from typing import Any, NoReturn

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from threadflow_core.ids import uuid7

from .. import clock
from ..querysets import LedgerEntryQuerySet
from .accounts import BillingAccount


class AppendOnly(models.Model):
    """Rows that are written once. On PostgreSQL and SQLite triggers say the same."""

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            self._refuse()
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise TypeError(f"{self._meta.label} is append-only; post a reversal.")


class LedgerAccount(models.Model):
    """One account in one currency, such as `revenue` in eur. Debits are positive."""

    code = models.CharField(_("account"), max_length=60)
    currency = models.CharField(_("currency"), max_length=3)

    class Meta:
        verbose_name = _("ledger account")
        verbose_name_plural = _("ledger accounts")
        constraints = [
            models.UniqueConstraint(
                fields=["code", "currency"], name="threadflow_billing_ledgeraccount_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.currency}"


class LedgerTransaction(AppendOnly):
    """One business event in one currency; its entries add up to zero.

    `posting_key` is made of the Stripe object and its phase, so that it is posted once however
    often it is heard of.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    posting_key = models.CharField(_("key"), max_length=160, unique=True)
    kind = models.CharField(_("kind"), max_length=20)
    currency = models.CharField(_("currency"), max_length=3)
    account = models.ForeignKey(
        BillingAccount, on_delete=models.PROTECT, null=True, related_name="+"
    )
    order_id = models.UUIDField(_("payment"), null=True)
    reversal_of = models.OneToOneField(
        "self", on_delete=models.PROTECT, null=True, related_name="reversed_by"
    )
    happened_at = models.DateTimeField(_("happened"))
    posted_at = models.DateTimeField(_("booked"), default=clock.now)

    class Meta:
        verbose_name = _("ledger transaction")
        verbose_name_plural = _("ledger transactions")
        indexes = [
            models.Index(fields=["order_id"], name="tf_bill_ledger_order"),
            models.Index(fields=["-happened_at"], name="tf_bill_ledger_when"),
        ]

    def __str__(self) -> str:
        return self.posting_key


class LedgerEntry(AppendOnly):
    """One side of a transaction, in minor units; never zero."""

    transaction = models.ForeignKey(
        LedgerTransaction, on_delete=models.PROTECT, related_name="entries"
    )
    ledger_account = models.ForeignKey(
        LedgerAccount, on_delete=models.PROTECT, related_name="entries"
    )
    amount = models.BigIntegerField(_("amount"))

    objects = LedgerEntryQuerySet.as_manager()

    class Meta:
        verbose_name = _("ledger entry")
        verbose_name_plural = _("ledger entries")
        constraints = [
            models.CheckConstraint(condition=~Q(amount=0), name="threadflow_billing_entry_not_zero")
        ]

    def __str__(self) -> str:
        return f"{self.ledger_account_id}: {self.amount}"
