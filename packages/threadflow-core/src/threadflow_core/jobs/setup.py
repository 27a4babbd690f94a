"""What `AppConfig.ready` does for the outbox."""

from __future__ import annotations

from django.core.signals import request_started
from django.utils.module_loading import autodiscover_modules

from ..app_settings import app_settings
from . import embedded


def ready() -> None:
    """Import every app's `jobs.py` and let the first request start the embedded thread."""
    from . import builtin, checks  # noqa: F401 - they register themselves

    autodiscover_modules("jobs")
    if app_settings.JOBS_DRIVER == "celery":
        from . import celery  # noqa: F401 - registers the tasks
    request_started.connect(embedded.start_on_request, dispatch_uid="threadflow.jobs.start")
