"""What a host project has of its own: projects with a team, and who blocks whom."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q


class ProjectQuerySet(models.QuerySet["Project"]):
    def visible_to(self, person: Any) -> Any:
        if getattr(person, "pk", None) is None:
            return self.filter(is_secret=False)
        mine = Q(lead_id=person.pk) | Q(team=person.pk)
        rows = self.filter(mine | Q(is_secret=False))
        return self.filter(pk__in=rows.values("pk"))


class Project(models.Model):
    name = models.CharField(max_length=50)
    is_secret = models.BooleanField(default=False)
    chat_state = models.CharField(max_length=10, default="open")
    lead = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    team = models.ManyToManyField(settings.AUTH_USER_MODEL, related_name="+")

    objects = ProjectQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name


class Blocking(models.Model):
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    other = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
