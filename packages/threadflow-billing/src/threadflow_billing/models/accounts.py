"""Whose money it is, and what they may use."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from threadflow_core import swaps
from threadflow_core.ids import uuid7

from .. import clock
from ..querysets import AccountQuerySet, GrantQuerySet
from ..swaps import APP


class BillingAccount(models.Model):
    """One payer. It exists before anything is asked of Stripe, and is never deleted."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("owner"),
    )
    customer_id = models.CharField(_("customer at Stripe"), max_length=80, unique=True, null=True)
    #: What the customer was created with; a retry must send the same.
    email = models.CharField(_("e-mail"), max_length=254, blank=True)
    currency = models.CharField(_("currency"), max_length=3, blank=True)
    livemode = models.BooleanField(_("real money"), default=False)
    #: Rises with everything that changes what the owner may use.
    epoch = models.PositiveBigIntegerField(_("epoch"), default=1)
    trial_used_at = models.DateTimeField(_("had a trial"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"), default=clock.now)
    deleted_at = models.DateTimeField(_("closed"), null=True, blank=True)
    deleted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("closed by"),
    )
    deleted_reason = models.CharField(_("why closed"), max_length=300, blank=True)
    metadata = models.JSONField(_("metadata"), default=dict, blank=True)

    objects = AccountQuerySet.as_manager()

    class Meta:
        verbose_name = _("billing account")
        verbose_name_plural = _("billing accounts")
        constraints = [
            models.UniqueConstraint(
                fields=["owner"],
                condition=Q(deleted_at=None),
                name="threadflow_billing_account_once",
            )
        ]

    def __str__(self) -> str:
        return str(self.id)


class Source(models.TextChoices):
    SUBSCRIPTION = "subscription", _("subscription")
    GIFT = "gift", _("gift")
    COMP = "comp", _("given by staff")


class Grant(models.Model):
    """The plan is open to the account from `starts_at` to `ends_at`. Access comes from nothing else.

    Each subscription, gift and favour is a grant of its own; ending one never ends another.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    account = models.ForeignKey(
        BillingAccount, on_delete=models.PROTECT, related_name="grants", verbose_name=_("account")
    )
    plan = models.ForeignKey(
        swaps.label(APP, "Plan"),
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("plan"),
    )
    source = models.CharField(_("from"), max_length=12, choices=Source.choices)
    source_id = models.UUIDField(_("id of the source"), default=uuid7)
    starts_at = models.DateTimeField(_("from"), default=clock.now)
    ends_at = models.DateTimeField(_("until"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("taken back"), null=True, blank=True)
    #: When it was noticed that the end had come, and told to whom it concerns.
    lapsed_at = models.DateTimeField(null=True, blank=True, editable=False)
    reason = models.CharField(_("reason"), max_length=300, blank=True)
    created_at = models.DateTimeField(_("created"), default=clock.now)

    objects = GrantQuerySet.as_manager()

    class Meta:
        verbose_name = _("grant")
        verbose_name_plural = _("grants")
        constraints = [
            models.UniqueConstraint(
                fields=["source", "source_id"], name="threadflow_billing_grant_once"
            )
        ]
        indexes = [
            models.Index(fields=["account", "plan"], name="tf_bill_grant_account"),
            models.Index(
                fields=["ends_at"],
                condition=Q(revoked_at=None, lapsed_at=None),
                name="tf_bill_grant_ends",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.source} {self.id}"


class Override(models.Model):
    """One feature of one account, by hand: it stands above every plan; `removed` above all."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    account = models.ForeignKey(
        BillingAccount,
        on_delete=models.PROTECT,
        related_name="overrides",
        verbose_name=_("account"),
    )
    feature = models.CharField(_("feature"), max_length=80)
    allowed = models.BooleanField(_("included"), default=True)
    amount = models.BigIntegerField(
        _("amount"), null=True, blank=True, help_text=_("Empty: without bound.")
    )
    removed = models.BooleanField(_("taken away"), default=False)
    ends_at = models.DateTimeField(_("until"), null=True, blank=True)
    reason = models.CharField(_("reason"), max_length=300)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField(_("created"), default=clock.now)

    class Meta:
        verbose_name = _("override")
        verbose_name_plural = _("overrides")
        constraints = [
            models.UniqueConstraint(
                fields=["account", "feature"], name="threadflow_billing_override_once"
            )
        ]

    def __str__(self) -> str:
        return self.feature


class UsageCounter(models.Model):
    """How much of a quota an account has used in one period. Written by one statement only."""

    account = models.ForeignKey(
        BillingAccount, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    feature = models.CharField(_("feature"), max_length=80)
    period = models.CharField(_("period"), max_length=16)
    used = models.BigIntegerField(_("used"), default=0)

    class Meta:
        verbose_name = _("usage")
        verbose_name_plural = _("usage")
        constraints = [
            models.UniqueConstraint(
                fields=["account", "feature", "period"], name="threadflow_billing_usage_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.feature} {self.period}: {self.used}"


class UsageHold(models.Model):
    """What one keyed `consume` took, so that it can be settled, released or repeated for free."""

    class State(models.TextChoices):
        HELD = "held", _("held")
        SETTLED = "settled", _("settled")
        RELEASED = "released", _("released")

    key = models.CharField(max_length=200, primary_key=True)
    account = models.ForeignKey(BillingAccount, on_delete=models.CASCADE, related_name="+")
    feature = models.CharField(max_length=80)
    period = models.CharField(max_length=16)
    amount = models.BigIntegerField()
    state = models.CharField(max_length=8, choices=State.choices, default=State.HELD)
    created_at = models.DateTimeField(default=clock.now, db_index=True)

    class Meta:
        verbose_name = _("usage hold")
        verbose_name_plural = _("usage holds")

    def __str__(self) -> str:
        return self.key
