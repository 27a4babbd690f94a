"""The small tables of the ground floor: limiter counts, idempotency keys, feature use, reports."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .ids import uuid7


class RateCount(models.Model):
    """How often one key was used in the running and in the last period of one limit.

    Written only by the upsert in `limits`; times are epoch seconds of the database's clock.
    """

    key = models.CharField(max_length=64, primary_key=True)
    started = models.FloatField()
    count = models.BigIntegerField()
    previous = models.BigIntegerField(default=0)
    expires = models.FloatField(db_index=True)

    class Meta:
        verbose_name = _("rate count")
        verbose_name_plural = _("rate counts")

    def __str__(self) -> str:
        return self.key


class IdempotencyKey(models.Model):
    """One unsafe request that its sender may repeat, and the answer it was given."""

    class State(models.TextChoices):
        RUNNING = "running", _("running")
        DONE = "done", _("done")

    owner = models.CharField(max_length=80)
    scope = models.CharField(max_length=200)
    key = models.CharField(max_length=200)
    fingerprint = models.CharField(max_length=64)
    state = models.CharField(max_length=8, choices=State.choices, default=State.RUNNING)
    status = models.PositiveSmallIntegerField(default=0)
    headers = models.JSONField(default=dict)
    body = models.TextField(default="", blank=True)
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        verbose_name = _("idempotency key")
        verbose_name_plural = _("idempotency keys")
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "scope", "key"], name="threadflow_core_idempotency_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.scope} {self.key}"


class FeatureUse(models.Model):
    """How much of a metered feature a person has used in one period (default entitlements)."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    feature = models.CharField(max_length=80)
    period = models.CharField(max_length=16)
    used = models.BigIntegerField(default=0)

    class Meta:
        verbose_name = _("feature use")
        verbose_name_plural = _("feature uses")
        constraints = [
            models.UniqueConstraint(
                fields=["person", "feature", "period"], name="threadflow_core_feature_use_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.feature} {self.period}: {self.used}"


class FeatureHold(models.Model):
    """What one keyed `consume` took, so that it can be settled, released or repeated for free."""

    class State(models.TextChoices):
        HELD = "held", _("held")
        SETTLED = "settled", _("settled")
        RELEASED = "released", _("released")

    key = models.CharField(max_length=200, primary_key=True)
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    feature = models.CharField(max_length=80)
    period = models.CharField(max_length=16)
    amount = models.BigIntegerField()
    state = models.CharField(max_length=8, choices=State.choices, default=State.HELD)
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        verbose_name = _("feature hold")
        verbose_name_plural = _("feature holds")

    def __str__(self) -> str:
        return self.key


class Report(models.Model):
    """One person's report of one thing; the same person reports the same thing once."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    target_type = models.CharField(_("kind of target"), max_length=100)
    target_id = models.CharField(_("target"), max_length=64)
    reporter = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        verbose_name=_("reporter"),
    )
    reason = models.CharField(_("reason"), max_length=500)
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    handled_at = models.DateTimeField(_("handled"), null=True, blank=True, db_index=True)

    class Meta:
        verbose_name = _("report")
        verbose_name_plural = _("reports")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["target_type", "target_id", "reporter"],
                name="threadflow_core_report_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.target_type} {self.target_id}: {self.reason}"
