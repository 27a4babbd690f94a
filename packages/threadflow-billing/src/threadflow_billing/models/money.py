"""Payments, and what becomes of them. Amounts are in minor units."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from threadflow_core.ids import uuid7

from .. import clock
from ..querysets import OrderQuerySet, OwnedQuerySet
from .accounts import BillingAccount, Grant
from .catalog import Price
from .subscriptions import Subscription


class Purpose(models.TextChoices):
    SUBSCRIPTION = "subscription", _("subscription")
    RENEWAL = "renewal", _("renewal or change")
    GIFT = "gift", _("gift")


class OrderState(models.TextChoices):
    CREATED = "created", _("being opened")
    PENDING = "pending", _("waiting for payment")
    PROCESSING = "processing", _("payment is under way")
    PAID = "paid", _("paid")
    PARTIALLY_REFUNDED = "partially_refunded", _("partly refunded")
    REFUNDED = "refunded", _("refunded")
    FAILED = "failed", _("failed")
    EXPIRED = "expired", _("expired")
    CANCELED = "canceled", _("canceled")


class PaymentOrder(models.Model):
    """One payment: the first of a subscription, each later one, a gift."""

    class DisputeState(models.TextChoices):
        NONE = "none", _("none")
        OPEN = "open", _("open")
        WON = "won", _("won")
        LOST = "lost", _("lost")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    account = models.ForeignKey(
        BillingAccount, on_delete=models.PROTECT, related_name="orders", verbose_name=_("account")
    )
    purpose = models.CharField(_("for"), max_length=12, choices=Purpose.choices)
    price = models.ForeignKey(
        Price, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("price")
    )
    subscription = models.ForeignKey(
        Subscription,
        on_delete=models.PROTECT,
        null=True,
        related_name="orders",
        verbose_name=_("subscription"),
    )
    state = models.CharField(
        _("state"), max_length=20, choices=OrderState.choices, default=OrderState.CREATED
    )
    #: What was paid, tax included; before that, what the price says.
    amount = models.BigIntegerField(_("amount"))
    tax = models.BigIntegerField(_("tax"), default=0)
    refunded = models.BigIntegerField(_("refunded"), default=0)
    currency = models.CharField(_("currency"), max_length=3)
    session_id = models.CharField(_("checkout session"), max_length=120, unique=True, null=True)
    #: Where the person pays; dropped as soon as the session is over.
    session_url = models.TextField(blank=True, editable=False)
    #: Of the first part; all are in `parts`.
    intent_id = models.CharField(_("payment intent"), max_length=80, unique=True, null=True)
    charge_id = models.CharField(_("charge"), max_length=80, blank=True)
    invoice_id = models.CharField(_("invoice"), max_length=80, unique=True, null=True)
    number = models.CharField(_("invoice number"), max_length=80, blank=True)
    dispute = models.CharField(
        _("dispute"), max_length=4, choices=DisputeState.choices, default=DisputeState.NONE
    )
    failure = models.CharField(_("why it failed"), max_length=300, blank=True)
    expires_at = models.DateTimeField(_("open until"), null=True, blank=True)
    #: When the buyer came back from the payment page.
    returned_at = models.DateTimeField(null=True, blank=True, editable=False)
    paid_at = models.DateTimeField(_("paid"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"), default=clock.now)
    metadata = models.JSONField(_("metadata"), default=dict, blank=True)

    objects = OrderQuerySet.as_manager()

    class Meta:
        verbose_name = _("payment")
        verbose_name_plural = _("payments")
        constraints = [
            models.UniqueConstraint(
                fields=["account"],
                condition=Q(purpose="subscription", state__in=["created", "pending"]),
                name="threadflow_billing_one_checkout",
            ),
            models.CheckConstraint(
                condition=Q(refunded__gte=0, refunded__lte=F("amount")),
                name="threadflow_billing_refunded_bound",
            ),
            models.CheckConstraint(
                condition=Q(amount__gte=0), name="threadflow_billing_order_amount"
            ),
        ]
        indexes = [models.Index(fields=["account", "-id"], name="tf_bill_order_account")]

    def __str__(self) -> str:
        return f"{self.purpose} {self.id}"

    @property
    def is_settled(self) -> bool:
        """Whether money came in, whatever became of it."""
        return self.state in ("paid", "partially_refunded", "refunded")


class PaymentPart(models.Model):
    """Money that came in for an order: one each time a card or an account was charged.

    Most orders have one; an invoice that was paid in several payments has several.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    order = models.ForeignKey(
        PaymentOrder, on_delete=models.PROTECT, related_name="parts", verbose_name=_("payment")
    )
    intent_id = models.CharField(_("payment intent"), max_length=80, unique=True, null=True)
    charge_id = models.CharField(_("charge"), max_length=80, blank=True, db_index=True)
    amount = models.BigIntegerField(_("amount"))

    class Meta:
        verbose_name = _("part of a payment")
        verbose_name_plural = _("parts of payments")
        constraints = [
            models.CheckConstraint(
                condition=Q(amount__gte=0), name="threadflow_billing_part_amount"
            )
        ]

    def __str__(self) -> str:
        return self.intent_id or self.charge_id


class RefundState(models.TextChoices):
    REQUESTED = "requested", _("asked for")
    SUBMITTED = "submitted", _("sent to Stripe")
    PENDING = "pending", _("under way")
    REQUIRES_ACTION = "requires_action", _("the customer must act")
    SUCCEEDED = "succeeded", _("done")
    FAILED = "failed", _("failed")
    CANCELED = "canceled", _("canceled")


class Refund(models.Model):
    """Money that goes back. The row is there before Stripe is asked."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    order = models.ForeignKey(
        PaymentOrder, on_delete=models.PROTECT, related_name="refunds", verbose_name=_("payment")
    )
    #: The charge that is given back, or a share of it.
    part = models.ForeignKey(
        PaymentPart, on_delete=models.PROTECT, related_name="refunds", null=True, editable=False
    )
    provider_id = models.CharField(_("id at Stripe"), max_length=80, unique=True, null=True)
    state = models.CharField(
        _("state"), max_length=16, choices=RefundState.choices, default=RefundState.REQUESTED
    )
    amount = models.BigIntegerField(_("amount"))
    currency = models.CharField(_("currency"), max_length=3)
    reason = models.CharField(_("reason"), max_length=300, blank=True)
    failure = models.CharField(_("why it failed"), max_length=300, blank=True)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    anomaly = models.CharField(_("odd"), max_length=200, blank=True)
    created_at = models.DateTimeField(_("created"), default=clock.now)

    class Meta:
        verbose_name = _("refund")
        verbose_name_plural = _("refunds")
        constraints = [
            models.CheckConstraint(
                condition=Q(amount__gt=0), name="threadflow_billing_refund_positive"
            )
        ]

    def __str__(self) -> str:
        return str(self.id)


class Dispute(models.Model):
    """A customer's bank asks for a payment back."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    order = models.ForeignKey(
        PaymentOrder, on_delete=models.PROTECT, related_name="disputes", verbose_name=_("payment")
    )
    provider_id = models.CharField(_("id at Stripe"), max_length=80, unique=True)
    status = models.CharField(_("status"), max_length=40)
    reason = models.CharField(_("reason"), max_length=80, blank=True)
    amount = models.BigIntegerField(_("amount"))
    currency = models.CharField(_("currency"), max_length=3)
    created_at = models.DateTimeField(_("created"), default=clock.now)

    class Meta:
        verbose_name = _("dispute")
        verbose_name_plural = _("disputes")

    def __str__(self) -> str:
        return self.provider_id


class GiftState(models.TextChoices):
    ISSUED = "issued", _("can be redeemed")
    REDEEMED = "redeemed", _("redeemed")
    REVOKED = "revoked", _("taken back")


class GiftCode(models.Model):
    """A paid gift. Only a keyed hash of the code is stored."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    order = models.OneToOneField(
        PaymentOrder, on_delete=models.PROTECT, related_name="gift", verbose_name=_("payment")
    )
    account = models.ForeignKey(
        BillingAccount, on_delete=models.PROTECT, related_name="gifts", verbose_name=_("buyer")
    )
    price = models.ForeignKey(Price, on_delete=models.PROTECT, related_name="+")
    code_hash = models.CharField(max_length=64, unique=True)
    hint = models.CharField(_("ends in"), max_length=4)
    state = models.CharField(
        _("state"), max_length=8, choices=GiftState.choices, default=GiftState.ISSUED
    )
    expires_at = models.DateTimeField(_("redeem until"))
    redeemed_by = models.ForeignKey(
        BillingAccount, on_delete=models.PROTECT, null=True, related_name="+"
    )
    redeemed_at = models.DateTimeField(_("redeemed"), null=True)
    grant = models.OneToOneField(Grant, on_delete=models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(_("created"), default=clock.now)

    objects = OwnedQuerySet.as_manager()

    class Meta:
        verbose_name = _("gift")
        verbose_name_plural = _("gifts")

    def __str__(self) -> str:
        return f"…{self.hint}"
