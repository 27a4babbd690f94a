"""Pruning of the log of live events and of spent tickets."""

from __future__ import annotations

import datetime as dt

from ..app_settings import app_settings
from ..jobs.builtin import delete_in_slices
from ..jobs.clock import database_clock
from ..jobs.registry import JobEvent, schedule
from .publishing import using


@schedule("core.prune_live", every=dt.timedelta(hours=1), queue="bulk", atomic=False)
def prune_live(event: JobEvent) -> None:
    prune(database_clock(using())())


def prune(now: dt.datetime) -> int:
    """Delete live events and tickets that are too old to matter. Return how many.

    Topics keep their position, so a client that was away longer is told to start anew.
    """
    from .models import LiveEvent, SpentTicket

    old = now - dt.timedelta(days=app_settings.REALTIME_KEEP_DAYS)
    count = delete_in_slices(LiveEvent.objects.using(using()).filter(at__lt=old))
    spent = now - dt.timedelta(hours=1)
    return count + delete_in_slices(SpentTicket.objects.using(using()).filter(at__lt=spent))
