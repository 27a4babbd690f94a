"""A subscription as Stripe last told it. Stripe owns its truth; access comes from its grant."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from threadflow_core.ids import uuid7

from .. import clock
from ..querysets import ENDED, SubscriptionQuerySet
from .accounts import BillingAccount
from .catalog import Price


class Subscription(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    account = models.ForeignKey(
        BillingAccount,
        on_delete=models.PROTECT,
        related_name="subscriptions",
        verbose_name=_("account"),
    )
    provider_id = models.CharField(_("id at Stripe"), max_length=80, unique=True)
    #: As Stripe calls it; a status that we do not know is kept and opens nothing.
    status = models.CharField(_("status"), max_length=30)
    price = models.ForeignKey(
        Price, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("price")
    )
    quantity = models.PositiveIntegerField(_("quantity"), default=1)
    cancel_at_period_end = models.BooleanField(_("ends with the period"), default=False)
    cancel_at = models.DateTimeField(_("ends"), null=True, blank=True)
    #: Earliest begin and latest end over all items.
    period_start = models.DateTimeField(_("period from"), null=True, blank=True)
    period_end = models.DateTimeField(_("period until"), null=True, blank=True)
    trial_end = models.DateTimeField(_("trial until"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    paused_at = models.DateTimeField(_("paused"), null=True, blank=True)
    #: Begin of the failure that the running grace belongs to, and its end.
    past_due_at = models.DateTimeField(_("payment failed"), null=True, blank=True)
    grace_until = models.DateTimeField(_("grace until"), null=True, blank=True)
    #: The price that the next period begins with, when a downgrade waits.
    pending_price = models.ForeignKey(
        Price, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    schedule_id = models.CharField(_("schedule at Stripe"), max_length=80, blank=True)
    #: An upgrade whose payment is not through: the old plan stays until it is.
    change_unpaid = models.BooleanField(_("change waits for payment"), default=False)
    collection_paused = models.BooleanField(_("collection paused"), default=False)
    latest_invoice = models.CharField(_("latest invoice"), max_length=80, blank=True)
    card = models.JSONField(_("card"), default=dict, blank=True)
    previous = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    anomaly = models.CharField(_("odd"), max_length=200, blank=True)
    #: The object as last fetched, for support. Nothing reads it.
    remote = models.JSONField(_("as fetched"), default=dict, blank=True)
    remote_fetched_at = models.DateTimeField(_("fetched"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"), default=clock.now)

    objects = SubscriptionQuerySet.as_manager()

    class Meta:
        verbose_name = _("subscription")
        verbose_name_plural = _("subscriptions")
        indexes = [
            models.Index(fields=["account", "-id"], name="tf_bill_sub_account"),
            models.Index(fields=["status", "period_end"], name="tf_bill_sub_due"),
        ]

    def __str__(self) -> str:
        return self.provider_id

    @property
    def is_ended(self) -> bool:
        return self.status in ENDED

    @property
    def is_grace_over(self) -> bool:
        return self.grace_until is not None and self.grace_until <= clock.now()

    @property
    def ends_at(self) -> object:
        """When it ends, if that is settled."""
        if self.cancel_at is not None:
            return self.cancel_at
        return self.period_end if self.cancel_at_period_end else None
