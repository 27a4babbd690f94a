"""A plain Django site with the chat and an app whose objects have rooms.

`SWAPPED=1` replaces both models; `WITHOUT_FORUM=1` leaves the forum out where it is installed.
"""

from __future__ import annotations

import os
import tempfile
from importlib.util import find_spec

from threadflow_core.testing.project import site

swapped = os.environ.get("SWAPPED") == "1"
with_api = os.environ.get("WITHOUT_API") != "1" and find_spec("rest_framework") is not None
with_forum = os.environ.get("WITHOUT_FORUM") != "1" and find_spec("threadflow_forum") is not None

globals().update(
    site(
        "threadflow_core",
        *(["threadflow_forum"] if with_forum else []),
        "threadflow_chat",
        "tests.hosted",
        *(["rest_framework", "drf_spectacular"] if with_api else []),
        *(["tests.swapped"] if swapped else []),
        urls="tests.urls",
        name="threadflow-chat",
        MEDIA_ROOT=os.path.join(tempfile.gettempdir(), "threadflow-chat-test-media"),
        THREADFLOW_CORE={"JOBS_DRIVER": "inline", "PEOPLE": "tests.hosted.people.HostedPeople"},
        CACHES={
            "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
        },
        REST_FRAMEWORK={
            "EXCEPTION_HANDLER": "threadflow_core.api.exceptions.exception_handler",
            "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
        },
        SPECTACULAR_SETTINGS={
            "TITLE": "Chat",
            "VERSION": "1",
            "POSTPROCESSING_HOOKS": [
                "drf_spectacular.hooks.postprocess_schema_enums",
                "threadflow_core.api.schema.document_errors",
            ],
        },
    )
)
if swapped:
    THREADFLOW_CHAT_ROOM_MODEL = "swapped.Hall"
    THREADFLOW_CHAT_MESSAGE_MODEL = "swapped.Line"
