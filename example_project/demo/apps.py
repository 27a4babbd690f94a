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
    """The demo's stand-ins must not be what a real site sends its mail with."""
    if settings.THREADFLOW_ENV == "production" and settings.EMAIL_BACKEND.startswith("demo."):
        return [
            Error("The demo's outbox is no mail server.", hint="Set EMAIL_URL.", id="demo.E001")
        ]
    return []
