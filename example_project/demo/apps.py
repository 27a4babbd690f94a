from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import Error, register


class DemoConfig(AppConfig):
    name = "demo"
    verbose_name = "Demo"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from threadflow_core import slots

        from .access import hint

        register(no_fakes_in_production)
        if settings.DEMO:
            slots.register("account_hint", hint, key="demo")


def no_fakes_in_production(app_configs: Any, **kwargs: Any) -> list[Error]:
    """The demo's stand-ins must not be what a real site sends mail with, or tells the time by."""
    if settings.THREADFLOW_ENV != "production":
        return []
    found = []
    if settings.EMAIL_BACKEND.startswith("demo."):
        found.append(
            Error("The demo's outbox is no mail server.", hint="Set EMAIL_URL.", id="demo.E001")
        )
    if str(settings.THREADFLOW_BILLING.get("CLOCK", "")).startswith("demo."):
        found.append(
            Error("The demo's clock can be moved by anybody.", hint="Drop CLOCK.", id="demo.E002")
        )
    return found
