from __future__ import annotations

from django.apps import AppConfig


class BillingConfig(AppConfig):
    name = "threadflow_billing"
    label = "threadflow_billing"
    verbose_name = "Threadflow billing"
    default_auto_field = "django.db.models.BigAutoField"
