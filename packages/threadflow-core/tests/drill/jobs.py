from __future__ import annotations

import os
import time

from django.db import transaction

from threadflow_core import jobs

from .models import Entry


@jobs.handler("drill.counted", name="drill.atomic")
def count(event: jobs.JobEvent) -> None:
    Entry.objects.create(handler="atomic", number=event.payload["number"], pid=os.getpid())


@jobs.handler("drill.counted", name="drill.guarded", queue="bulk", atomic=False)
def count_guarded(event: jobs.JobEvent) -> None:
    with transaction.atomic():
        if jobs.once(event):
            Entry.objects.create(handler="guarded", number=event.payload["number"])


@jobs.handler("drill.slow", name="drill.slow", atomic=False)
def slow(event: jobs.JobEvent) -> None:
    Entry.objects.create(handler="begun", number=event.payload["number"])
    time.sleep(event.payload["seconds"])
    Entry.objects.create(handler="ended", number=event.payload["number"])
