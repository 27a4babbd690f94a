"""Settings of the processes that a drill starts: on its database, with what it wants to differ."""

from __future__ import annotations

import json
import os

from .settings import *  # noqa: F403
from .settings import THREADFLOW_CORE

THREADFLOW_CORE = {**THREADFLOW_CORE, **json.loads(os.environ.get("THREADFLOW_CORE", "{}"))}
