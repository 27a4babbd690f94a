from __future__ import annotations

from django.apps import AppConfig


class NotifyConfig(AppConfig):
    name = "threadflow_notify"
    label = "threadflow_notify"
    verbose_name = "Threadflow notify"
    default_auto_field = "django.db.models.BigAutoField"
