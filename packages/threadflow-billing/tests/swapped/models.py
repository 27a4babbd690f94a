"""A site's own plan."""

from __future__ import annotations

from django.db import models

from threadflow_billing.abstract_models import AbstractPlan


class Tariff(AbstractPlan):
    colour = models.CharField(max_length=20, null=True, blank=True)
