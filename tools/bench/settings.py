"""The example project as it is measured: PostgreSQL and Redis from the environment, debug off."""

from __future__ import annotations

import os

from threadflow_site.settings import *  # noqa: F403
from threadflow_site.settings import THREADFLOW_CHAT, THREADFLOW_CORE, THREADFLOW_FORUM

ROOT_URLCONF = "bench.urls"
ALLOWED_HOSTS = ["127.0.0.1", "localhost", "testserver"]
# A measuring client writes faster than any person may.
THREADFLOW_CORE = {**THREADFLOW_CORE, "LIMITS": {"*": None}, "JOBS_DRIVER": "worker"}
THREADFLOW_FORUM = {
    **THREADFLOW_FORUM,
    "CACHE_SECONDS": 3600,
    "ADAPTER": "threadflow_forum.adapter.ForumAdapter",
}
THREADFLOW_CHAT = {**THREADFLOW_CHAT, "ADAPTER": "threadflow_chat.adapter.ChatAdapter"}
if os.environ.get("BENCH_PRESENCE") == "once":
    THREADFLOW_CHAT |= {"PRESENCE_RENEW_SECONDS": 3600, "PRESENCE_LEASE_SECONDS": 7200}
if os.environ.get("BENCH_CACHE") == "off":
    THREADFLOW_FORUM["CACHE_ALIAS"] = None
LOGGING_CONFIG = None
