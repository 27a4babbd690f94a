"""A site's own models in place of both of the chat's."""

from __future__ import annotations

from django.db import models

from threadflow_chat.abstract_models import AbstractMessage, AbstractRoom


class Hall(AbstractRoom):
    floor = models.CharField(max_length=50, null=True, blank=True)


class Line(AbstractMessage):
    mood = models.CharField(max_length=20, null=True, blank=True)
