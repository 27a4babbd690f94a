"""Settings of the processes that a drill starts: on its database, with what it wants to differ.

`CLOCK_AHEAD` makes all clocks of the process go ahead by so many seconds.
"""

from __future__ import annotations

import json
import os

from .settings import *  # noqa: F403
from .settings import THREADFLOW_CORE

THREADFLOW_CORE = {**THREADFLOW_CORE, **json.loads(os.environ.get("THREADFLOW_CORE", "{}"))}
THREADFLOW_CHAT = {
    "SOCKET_BINDING": "project",
    **json.loads(os.environ.get("THREADFLOW_CHAT", "{}")),
}

if ahead := float(os.environ.get("CLOCK_AHEAD", "0")):
    import datetime
    import time

    from django.utils import timezone

    right = time.time
    time.time = lambda: right() + ahead
    timezone.now = lambda: (
        datetime.datetime.now(tz=datetime.UTC) + datetime.timedelta(seconds=ahead)
    )
