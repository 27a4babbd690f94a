from __future__ import annotations

from django.apps import AppConfig


class DrillConfig(AppConfig):
    """What fault drills write into, and the handlers and topics that they use."""

    name = "tests.drill"
    label = "drill"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from . import topics  # noqa: F401 - registers itself
