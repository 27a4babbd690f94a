"""The demo's clock: that of its local Stripe, so that months pass on both sides at once.

Only Premium goes by it (`THREADFLOW_BILLING["CLOCK"]`). What the clock is ahead by stands in a
file, because commands of the site run in processes of their own.
"""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone

from .payments import CLOCK

if not settings.LOCAL_STRIPE:
    raise ImproperlyConfigured("Time can be moved only in the demo, with its own local Stripe.")

#: When the file was written, and what it said then.
_known: tuple[int, int] = (0, 0)


def now() -> dt.datetime:
    return timezone.now() + dt.timedelta(seconds=offset())


def offset() -> int:
    """Seconds ahead of this machine's time."""
    global _known
    try:
        written = _file().stat().st_mtime_ns
    except FileNotFoundError:
        return 0
    if written != _known[0]:
        _known = (written, int(_file().read_text()))
    return _known[1]


def move(seconds: int) -> None:
    """Go ahead of this machine's time by so much."""
    new = _file().with_suffix(".new")
    new.write_text(str(seconds))
    os.replace(new, _file())


def _file() -> Path:
    return Path(settings.VAR) / CLOCK
