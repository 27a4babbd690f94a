"""What was heard, what was asked, what changed. No row here is a queue: the outbox does the work."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from threadflow_core.ids import uuid7

from .. import clock
from ..querysets import OwnedQuerySet
from .accounts import BillingAccount


class WebhookEvent(models.Model):
    """One verified event, as it came. Its ids say what to look at; its body is never believed."""

    class State(models.TextChoices):
        RECEIVED = "received", _("waiting")
        DONE = "done", _("done")
        IGNORED = "ignored", _("of no concern")
        ORPHANED = "orphaned", _("nobody's")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    event_id = models.CharField(_("id at Stripe"), max_length=80, unique=True)
    type = models.CharField(_("type"), max_length=80)
    object_key = models.CharField(_("object"), max_length=140, blank=True)
    api_version = models.CharField(_("version"), max_length=40, blank=True)
    livemode = models.BooleanField(_("real money"), default=False)
    body = models.TextField(_("body"), blank=True)
    state = models.CharField(
        _("state"), max_length=8, choices=State.choices, default=State.RECEIVED
    )
    note = models.CharField(_("note"), max_length=200, blank=True)
    created_at = models.DateTimeField(_("happened"))
    received_at = models.DateTimeField(_("received"), default=clock.now)
    processed_at = models.DateTimeField(_("processed"), null=True, blank=True)

    class Meta:
        verbose_name = _("webhook event")
        verbose_name_plural = _("webhook events")
        indexes = [
            models.Index(fields=["object_key", "state"], name="tf_bill_event_object"),
            models.Index(fields=["state", "received_at"], name="tf_bill_event_state"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.event_id}"


class ObjectSync(models.Model):
    """How far our picture of one Stripe object is behind: `dirty_seq` heard, `done_seq` applied."""

    key = models.CharField(_("object"), max_length=140, primary_key=True)
    dirty_seq = models.PositiveBigIntegerField(_("heard"), default=0)
    done_seq = models.PositiveBigIntegerField(_("applied"), default=0)
    #: Begin of the fetch that was applied last; an older picture is not applied over it.
    fetched_at = models.DateTimeField(_("fetched"), null=True, blank=True)
    result = models.CharField(_("result"), max_length=40, blank=True)
    error = models.CharField(_("error"), max_length=300, blank=True)
    changed_at = models.DateTimeField(_("heard last"), default=clock.now)

    class Meta:
        verbose_name = _("Stripe object")
        verbose_name_plural = _("Stripe objects")
        indexes = [
            models.Index(
                fields=["changed_at"],
                condition=Q(dirty_seq__gt=F("done_seq")),
                name="tf_bill_sync_behind",
            )
        ]

    def __str__(self) -> str:
        return self.key


class Command(models.Model):
    """One thing that Stripe is asked to do, kept before it is asked.

    A retry sends the same `params` with the same key; after COMMAND_HOURS it is not sent again,
    for Stripe may have forgotten the key: then it is `unknown`, and reconciling tells.
    """

    class State(models.TextChoices):
        PLANNED = "planned", _("waiting")
        SENT = "sent", _("sent, no answer yet")
        DONE = "done", _("done")
        FAILED = "failed", _("refused")
        UNKNOWN = "unknown", _("outcome unknown")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(_("kind"), max_length=30)
    account = models.ForeignKey(
        BillingAccount, on_delete=models.PROTECT, null=True, related_name="commands"
    )
    target_id = models.UUIDField(_("concerns"), null=True, blank=True)
    params = models.JSONField(_("parameters"), default=dict, encoder=DjangoJSONEncoder)
    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.PLANNED)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    #: What came of it, as the page or the API client needs it.
    result = models.JSONField(_("result"), default=dict, blank=True, encoder=DjangoJSONEncoder)
    error_code = models.CharField(_("error"), max_length=80, blank=True)
    error = models.CharField(_("error text"), max_length=300, blank=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField(_("created"), default=clock.now)
    sent_at = models.DateTimeField(_("first sent"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    objects = OwnedQuerySet.as_manager()

    class Meta:
        verbose_name = _("command")
        verbose_name_plural = _("commands")
        indexes = [models.Index(fields=["state", "created_at"], name="tf_bill_command_state")]

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"

    @property
    def payer(self) -> Any:
        """Id of the account that it is about; commands of the site itself have none."""
        return self.account_id

    @property
    def target(self) -> Any:
        """Id of the row that it concerns."""
        return self.target_id

    @property
    def key(self) -> str:
        """Idempotency key of its request to Stripe."""
        return f"tf:{self.kind}:{self.id}"

    @property
    def is_finished(self) -> bool:
        return self.state in (self.State.DONE, self.State.FAILED, self.State.UNKNOWN)


class Transition(models.Model):
    """One step of one thing: what, from where, where to, who and why. Append-only."""

    class Actor(models.TextChoices):
        USER = "user", _("a person")
        SYSTEM = "system", _("the system")
        STRIPE = "stripe", _("Stripe")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    account = models.ForeignKey(
        BillingAccount, on_delete=models.PROTECT, null=True, related_name="transitions"
    )
    entity = models.CharField(_("what"), max_length=20)
    entity_id = models.UUIDField(_("id"))
    before = models.CharField(_("from"), max_length=60, blank=True)
    after = models.CharField(_("to"), max_length=60)
    actor_kind = models.CharField(_("by"), max_length=6, choices=Actor.choices)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    cause = models.CharField(_("cause"), max_length=120)
    reason = models.CharField(_("reason"), max_length=300, blank=True)
    is_anomaly = models.BooleanField(_("odd"), default=False)
    created_at = models.DateTimeField(_("when"), default=clock.now)

    objects = OwnedQuerySet.as_manager()

    class Meta:
        verbose_name = _("transition")
        verbose_name_plural = _("history")
        indexes = [
            models.Index(fields=["account", "-id"], name="tf_bill_step_account"),
            models.Index(fields=["entity_id"], name="tf_bill_step_entity"),
        ]

    def __str__(self) -> str:
        return f"{self.entity}: {self.before} → {self.after}"


class ReminderSent(models.Model):
    """A reminder was due for this kind and period; unique, so it goes out once."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    account = models.ForeignKey(
        BillingAccount, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    kind = models.CharField(_("kind"), max_length=20)
    #: The thing and the date it is about, and how many days off it was.
    period = models.CharField(_("period"), max_length=120)
    details = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    created_at = models.DateTimeField(_("due"), default=clock.now)
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)

    class Meta:
        verbose_name = _("reminder")
        verbose_name_plural = _("reminders")
        constraints = [
            models.UniqueConstraint(
                fields=["account", "kind", "period"], name="threadflow_billing_reminder_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.period}"


class Drift(models.Model):
    """A difference between Stripe and us that reconciling found."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(_("kind"), max_length=20)
    object_key = models.CharField(_("object"), max_length=140)
    detail = models.CharField(_("detail"), max_length=300)
    found_at = models.DateTimeField(_("found"), default=clock.now)
    fixed_at = models.DateTimeField(_("repaired"), null=True, blank=True)

    class Meta:
        verbose_name = _("drift")
        verbose_name_plural = _("drift")
        indexes = [models.Index(fields=["-found_at"], name="tf_bill_drift_found")]

    def __str__(self) -> str:
        return f"{self.kind} {self.object_key}"
