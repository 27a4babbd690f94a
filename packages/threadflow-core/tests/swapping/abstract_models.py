"""Two swappable models in a circle, as small as they can be."""

from __future__ import annotations

from django.db import models

from threadflow_core import swaps


class AbstractBoard(models.Model):
    title = models.CharField(max_length=50)
    newest = models.ForeignKey(
        swaps.label("swapping", "Note"), models.SET_NULL, null=True, related_name="+"
    )

    class Meta:
        abstract = True


class AbstractNote(models.Model):
    board = models.ForeignKey(
        swaps.label("swapping", "Board"), models.CASCADE, related_name="notes"
    )

    class Meta:
        abstract = True
