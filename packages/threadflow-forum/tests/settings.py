"""A plain Django site with the forum and nothing else; `SWAPPED=1` replaces all three models."""

from __future__ import annotations

import os

from threadflow_core.testing.project import site

swapped = os.environ.get("SWAPPED") == "1"

globals().update(
    site(
        "threadflow_core",
        "threadflow_forum",
        *(["rest_framework", "drf_spectacular"] if os.environ.get("WITHOUT_API") != "1" else []),
        *(["tests.swapped"] if swapped else []),
        urls="tests.urls",
        name="threadflow-forum",
        THREADFLOW_CORE={"JOBS_DRIVER": "inline"},
        CACHES={
            "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
        },
        REST_FRAMEWORK={
            "EXCEPTION_HANDLER": "threadflow_core.api.exceptions.exception_handler",
            "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
        },
    )
)
if swapped:
    THREADFLOW_FORUM_SUB_MODEL = "swapped.Club"
    THREADFLOW_FORUM_THREAD_MODEL = "swapped.Topic"
    THREADFLOW_FORUM_COMMENT_MODEL = "swapped.Reply"
