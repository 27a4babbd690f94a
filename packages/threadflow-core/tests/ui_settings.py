"""The site of the browser tests, a process of its own: see `test_ui_browser`."""

from __future__ import annotations

import os
from pathlib import Path

from tests.settings import *  # noqa: F403
from tests.settings import MIDDLEWARE, TEMPLATES

ROOT_URLCONF = "tests.ui_site"
LOGIN_URL = "/login/"
TEMPLATES = [{**TEMPLATES[0], "DIRS": [Path(__file__).parent / "templates"]}]
MIDDLEWARE = [
    "threadflow_core.middleware.ContentSecurityPolicy",
    "threadflow_core.middleware.AnonymousPages",
    *MIDDLEWARE,
]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ["UI_DATABASE"],
        "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 20},
    }
}
THREADFLOW_CORE = {"JOBS_DRIVER": "inline", "REALTIME_ENABLED": False}
