"""Pages of the chat. A site mounts them under any prefix: `path("chat/", include(…))`."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver

from threadflow_core.urls import shared_urls

app_name = "threadflow_chat"

urlpatterns: list[URLPattern | URLResolver] = [*shared_urls()]
