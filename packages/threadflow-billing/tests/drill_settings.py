"""Settings of the processes that a drill starts: on its database, with its Stripe."""

from __future__ import annotations

import os

from .settings import *  # noqa: F403
from .settings import THREADFLOW_BILLING, THREADFLOW_CORE

THREADFLOW_CORE = {**THREADFLOW_CORE, "JOBS_DRIVER": "worker"}
THREADFLOW_BILLING = {**THREADFLOW_BILLING, "API_BASE": os.environ["DRILL_API_BASE"]}
