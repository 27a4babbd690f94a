"""Settings of the processes that a drill starts: on its database, with what it wants to differ."""

from __future__ import annotations

import json
import os

from .drill_hooks import set_clocks
from .settings import *  # noqa: F403
from .settings import THREADFLOW_CORE

THREADFLOW_CORE = {**THREADFLOW_CORE, **json.loads(os.environ.get("THREADFLOW_CORE", "{}"))}
THREADFLOW_CHAT = {
    "SOCKET_BINDING": "project",
    **json.loads(os.environ.get("THREADFLOW_CHAT", "{}")),
}
set_clocks()
