"""What `AppConfig.ready` does for the utilities."""

from __future__ import annotations

from django.core.checks import register

from . import health, limits, logging, privacy_entries
from .jobs.carry import carry


def ready() -> None:
    from . import utility_jobs  # noqa: F401 - its handlers register themselves

    register(limits.limits_check)
    health.register_builtin()
    privacy_entries.register()
    carry("request_id", logging.current, logging.bind)
