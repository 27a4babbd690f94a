from __future__ import annotations

from django.apps import AppConfig
from django.core.checks import register


class CoreConfig(AppConfig):
    name = "threadflow_core"
    label = "threadflow_core"
    verbose_name = "Threadflow"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from . import prepared
        from . import utility_setup as utilities
        from .app_settings import app_settings
        from .conf import settings_check
        from .jobs import setup as jobs
        from .realtime import setup as realtime

        register(settings_check(app_settings, "threadflow_core"))
        prepared.ready()
        utilities.ready()
        jobs.ready()
        realtime.ready()
