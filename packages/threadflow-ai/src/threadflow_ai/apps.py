from __future__ import annotations

from django.apps import AppConfig


class AIConfig(AppConfig):
    name = "threadflow_ai"
    label = "threadflow_ai"
    verbose_name = "Threadflow ai"
    default_auto_field = "django.db.models.BigAutoField"
