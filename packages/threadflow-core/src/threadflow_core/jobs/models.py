"""Tables of the outbox. Rows are written by `jobs.emit` and moved on by `jobs.runner` alone."""

from __future__ import annotations

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from ..ids import uuid7


class OutboxEvent(models.Model):
    """One event for one handler, with a lease, a fence and retries of its own."""

    class State(models.TextChoices):
        PENDING = "pending", _("waiting")
        LEASED = "leased", _("running")
        DONE = "done", _("done")
        DEAD = "dead", _("given up")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(_("event"), max_length=100)
    handler = models.CharField(_("handler"), max_length=100)
    queue = models.CharField(_("queue"), max_length=20, default="default")
    payload = models.JSONField(_("payload"), default=dict, encoder=DjangoJSONEncoder)
    headers = models.JSONField(_("headers"), default=dict)
    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.PENDING)
    #: By the database's clock, so that processes with wrong clocks agree.
    run_after = models.DateTimeField(_("not before"), db_default=Now())
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    max_attempts = models.PositiveSmallIntegerField(_("most attempts"), default=8)
    #: Of a leased row: when others may take it. Of a waiting row: until when it counts as handed
    #: to Celery.
    lease_until = models.DateTimeField(_("leased until"), null=True, blank=True)
    lease_owner = models.CharField(_("leased by"), max_length=100, default="", blank=True)
    #: Rises with every lease; a result is accepted only from the holder of the latest one.
    fence = models.PositiveIntegerField(_("fence"), default=0)
    dedupe_key = models.CharField(_("key"), max_length=200, null=True, blank=True)
    created_at = models.DateTimeField(_("created"), db_default=Now())
    done_at = models.DateTimeField(_("finished"), null=True, blank=True)
    last_error = models.TextField(_("last error"), default="", blank=True)

    class Meta:
        verbose_name = _("job")
        verbose_name_plural = _("jobs")
        constraints = [
            models.UniqueConstraint(fields=["handler", "dedupe_key"], name="tf_outbox_key"),
        ]
        indexes = [
            models.Index(
                fields=["queue", "run_after", "id"],
                condition=Q(state="pending"),
                name="tf_outbox_due",
            ),
            models.Index(
                fields=["lease_until"], condition=Q(state="leased"), name="tf_outbox_lease"
            ),
            models.Index(
                fields=["state", "done_at"],
                condition=Q(state__in=["done", "dead"]),
                name="tf_outbox_finished",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.handler} {self.id}"


class Effect(models.Model):
    """The mark that one effect of a handler has happened; unique, so it happens once."""

    handler = models.CharField(max_length=100)
    event_id = models.UUIDField()
    key = models.CharField(max_length=200, default="")
    at = models.DateTimeField(db_default=Now(), db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["handler", "event_id", "key"], name="tf_effect_once"),
        ]

    def __str__(self) -> str:
        return f"{self.handler} {self.event_id} {self.key}"


class Leader(models.Model):
    """Which process does a thing that one process per database does."""

    name = models.CharField(max_length=50, primary_key=True)
    owner = models.CharField(max_length=100)
    until = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name}: {self.owner}"
