"""The time that plans, grace, gifts, quotas and reminders go by: asked here and nowhere else."""

from __future__ import annotations

import datetime as dt
from typing import cast

from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone

from .app_settings import SYSTEM_CLOCK, app_settings, livemode


def now() -> dt.datetime:
    """The instant by the clock in `CLOCK`, aware.

    Raises ImproperlyConfigured where another clock than the system's meets real money: access
    would end, and people would be told so, at a time that is not theirs.
    """
    if app_settings.CLOCK == SYSTEM_CLOCK:
        return timezone.now()
    if livemode():
        raise ImproperlyConfigured("THREADFLOW_BILLING['CLOCK'] is for test keys only.")
    return cast("dt.datetime", app_settings.load("CLOCK")())
