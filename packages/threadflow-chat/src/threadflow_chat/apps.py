from __future__ import annotations

from django.apps import AppConfig


class ChatConfig(AppConfig):
    name = "threadflow_chat"
    label = "threadflow_chat"
    verbose_name = "Threadflow chat"
    default_auto_field = "django.db.models.BigAutoField"
