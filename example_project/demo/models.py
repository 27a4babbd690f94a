"""What the demo would have sent."""

from __future__ import annotations

from django.db import models


class SentMessage(models.Model):
    """A mail (later: an SMS) that stays here instead of going out."""

    channel = models.CharField(max_length=10, default="mail")
    recipient = models.CharField(max_length=254)
    subject = models.CharField(max_length=300, blank=True)
    text = models.TextField()
    code = models.CharField(max_length=20, blank=True)
    sent_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.channel} to {self.recipient}"
