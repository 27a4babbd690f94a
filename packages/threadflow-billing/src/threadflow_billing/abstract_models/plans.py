from __future__ import annotations

from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from ..querysets import PlanQuerySet

code_rule = RegexValidator(
    r"^[a-z0-9][a-z0-9_]{0,29}\Z", _("Small letters, digits and underscores, at most 30.")
)


class AbstractPlan(models.Model):
    """Something that can be subscribed to; what it opens are its features, what it costs its prices."""

    code = models.CharField(_("code"), max_length=30, unique=True, validators=[code_rule])
    name = models.CharField(_("name"), max_length=60)
    tagline = models.CharField(_("in one sentence"), max_length=200, blank=True)
    #: A higher tier is an upgrade, which happens at once; a lower one waits for the period's end.
    tier = models.PositiveSmallIntegerField(_("tier"), default=0)
    #: The plan of everybody: its features are what one has without paying.
    is_default = models.BooleanField(_("everybody has it"), default=False)
    is_active = models.BooleanField(_("can be bought"), default=True)
    #: Days of access after a payment failed; empty: the site's GRACE_DAYS.
    grace_days = models.PositiveSmallIntegerField(_("days of grace"), null=True, blank=True)
    trial_days = models.PositiveSmallIntegerField(_("days of trial"), default=0)
    trial_needs_card = models.BooleanField(_("trial asks for a card"), default=True)
    #: The product at Stripe, once it was pushed.
    product_id = models.CharField(_("product at Stripe"), max_length=80, blank=True)
    #: Rises with every change of what the plan opens.
    version = models.PositiveIntegerField(_("version"), default=1)
    metadata = models.JSONField(_("metadata"), default=dict, blank=True)

    objects = PlanQuerySet.as_manager()

    class Meta:
        abstract = True
        verbose_name = _("plan")
        verbose_name_plural = _("plans")
        ordering = ["tier", "id"]

    def __str__(self) -> str:
        return self.name
