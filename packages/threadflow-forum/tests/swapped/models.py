"""A site's own models in place of all three of the forum's."""

from __future__ import annotations

from django.db import models

from threadflow_forum.abstract_models import AbstractComment, AbstractSub, AbstractThread


class Club(AbstractSub):
    city = models.CharField(max_length=50, null=True, blank=True)


class Topic(AbstractThread):
    mood = models.CharField(max_length=20, null=True, blank=True)


class Reply(AbstractComment):
    stars = models.PositiveSmallIntegerField(null=True, blank=True)
