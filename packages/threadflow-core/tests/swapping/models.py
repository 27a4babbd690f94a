from __future__ import annotations

from django.db import models

from threadflow_core import swaps

from .abstract_models import AbstractBoard, AbstractNote


class Board(AbstractBoard):
    class Meta(AbstractBoard.Meta):
        swappable = swaps.swappable_setting("swapping", "Board")


class Note(AbstractNote):
    class Meta(AbstractNote.Meta):
        swappable = swaps.swappable_setting("swapping", "Note")


class Pin(models.Model):
    """Closed: it holds the key to what may be swapped."""

    note = models.ForeignKey(swaps.label("swapping", "Note"), models.CASCADE)
