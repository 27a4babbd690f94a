"""Tables of the live events. They hold ids and numbers, never what people wrote."""

from __future__ import annotations

import secrets

from django.db import models
from django.db.models.functions import Now


def new_epoch() -> str:
    return secrets.token_hex(6)


class Topic(models.Model):
    """The position of one topic. Its row lock makes commit order and sequence one order."""

    name = models.CharField(max_length=120, unique=True)
    seq = models.BigIntegerField(default=0)
    #: Changes when numbers may repeat (a restored backup): clients then start anew.
    epoch = models.CharField(max_length=12, default=new_epoch)

    def __str__(self) -> str:
        return f"{self.name} {self.seq}"


class LiveEvent(models.Model):
    """What happened, by ids. Its frame is rendered from the rows as they are when it is sent."""

    topic = models.ForeignKey(
        Topic, on_delete=models.CASCADE, related_name="events", db_index=False
    )
    seq = models.BigIntegerField()
    kind = models.CharField(max_length=60)
    ids = models.JSONField(default=dict)
    at = models.DateTimeField(db_default=Now(), db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["topic", "seq"], name="tf_live_event_seq"),
        ]

    def __str__(self) -> str:
        return f"{self.topic_id}/{self.seq} {self.kind}"


class SpentTicket(models.Model):
    """A socket ticket that was used; unique, so each is used once."""

    nonce = models.CharField(max_length=40, primary_key=True)
    at = models.DateTimeField(db_default=Now(), db_index=True)

    def __str__(self) -> str:
        return self.nonce
