"""What is sold: plans, what they open, and their prices."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from threadflow_core import swaps
from threadflow_core.ids import uuid7

from .. import clock
from ..abstract_models import AbstractPlan
from ..querysets import PriceQuerySet
from ..swaps import APP


class Plan(AbstractPlan):
    class Meta(AbstractPlan.Meta):
        swappable = swaps.swappable_setting(APP, "Plan")


class PlanFeature(models.Model):
    """What one plan gives of one feature. `amount` empty means without bound."""

    plan = models.ForeignKey(
        swaps.label(APP, "Plan"),
        on_delete=models.CASCADE,
        related_name="features",
        db_index=False,
        verbose_name=_("plan"),
    )
    feature = models.CharField(_("feature"), max_length=80)
    allowed = models.BooleanField(_("included"), default=True)
    amount = models.BigIntegerField(_("amount"), null=True, blank=True)
    #: Set by hand: what is declared in code leaves it alone.
    is_pinned = models.BooleanField(_("set by hand"), default=False)

    class Meta:
        verbose_name = _("feature of a plan")
        verbose_name_plural = _("features of plans")
        constraints = [
            models.UniqueConstraint(
                fields=["plan", "feature"], name="threadflow_billing_planfeature_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.plan_id} {self.feature}"


class Interval(models.TextChoices):
    MONTH = "month", _("month")
    YEAR = "year", _("year")
    GIFT = "gift", _("gift")


class Price(models.Model):
    """An amount for a plan, in minor units. It never changes: another amount is another row."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    plan = models.ForeignKey(
        swaps.label(APP, "Plan"),
        on_delete=models.PROTECT,
        related_name="prices",
        verbose_name=_("plan"),
    )
    interval = models.CharField(_("per"), max_length=5, choices=Interval.choices)
    #: How long a gift lasts; 1 or 12 for subscriptions.
    months = models.PositiveSmallIntegerField(_("months"), default=1)
    amount = models.BigIntegerField(_("amount"))
    currency = models.CharField(_("currency"), max_length=3)
    lookup_key = models.CharField(_("name at Stripe"), max_length=120, unique=True)
    provider_id = models.CharField(_("price at Stripe"), max_length=80, unique=True, null=True)
    is_active = models.BooleanField(_("for sale"), default=True)
    created_at = models.DateTimeField(_("created"), default=clock.now)

    objects = PriceQuerySet.as_manager()

    class Meta:
        verbose_name = _("price")
        verbose_name_plural = _("prices")
        constraints = [
            models.CheckConstraint(
                condition=Q(amount__gt=0), name="threadflow_billing_price_positive"
            )
        ]

    def __str__(self) -> str:
        return self.lookup_key
