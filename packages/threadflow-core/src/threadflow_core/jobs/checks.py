"""System checks of the outbox's settings and database."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import connections

from ..app_settings import app_settings
from .registry import QUEUES

DRIVERS = ("inline", "thread", "worker", "celery")


@register
def check_driver(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    driver = app_settings.JOBS_DRIVER
    if driver not in DRIVERS:
        found.append(
            Error(
                f"THREADFLOW_CORE['JOBS_DRIVER'] is {driver!r}.",
                hint=f"Choose one of {', '.join(DRIVERS)}.",
                id="threadflow_core.E010",
            )
        )
    if driver == "celery" and find_spec("celery") is None:
        found.append(
            Error(
                "The celery driver needs Celery.",
                hint="pip install 'threadflow-core[celery]'",
                id="threadflow_core.E011",
            )
        )
    missing = set(QUEUES) - {queue for lane in app_settings.JOBS_LANES for queue in lane}
    if missing:
        found.append(
            Error(
                f"No lane in THREADFLOW_CORE['JOBS_LANES'] runs {', '.join(sorted(missing))}.",
                id="threadflow_core.E012",
            )
        )
    return found


@register(Tags.database)
def check_sqlite(
    app_configs: Any, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """SQLite must take its write lock at BEGIN, or two writers end in "database is locked"."""
    found: list[CheckMessage] = []
    for alias in databases or ():
        connection = connections[alias]
        options = connection.settings_dict.get("OPTIONS", {})
        mode = str(options.get("transaction_mode") or "").upper()
        if connection.vendor == "sqlite" and mode not in ("IMMEDIATE", "EXCLUSIVE"):
            found.append(
                Warning(
                    f"Database {alias!r} is SQLite without transaction_mode IMMEDIATE.",
                    hint='Set OPTIONS = {"transaction_mode": "IMMEDIATE", "timeout": 20}.',
                    id="threadflow_core.W010",
                )
            )
    return found
