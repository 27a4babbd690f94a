from __future__ import annotations

from django.db import models


class Entry(models.Model):
    """One effect of a job. Nothing here is unique: a second effect must show."""

    handler = models.CharField(max_length=40)
    number = models.IntegerField()
    pid = models.IntegerField(default=0)


class Note(models.Model):
    """Something that is written, changed and hidden, with a live event for each."""

    room = models.CharField(max_length=40)
    text = models.TextField()
    hidden = models.BooleanField(default=False)


class Ban(models.Model):
    """A person who may not follow a private room any more."""

    room = models.CharField(max_length=40)
    user_id = models.IntegerField()
