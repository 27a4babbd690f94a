"""Socket URLs for a site's `URLRouter`.

They need no `AuthMiddlewareStack`: the session's cookie is read by the socket itself. With one
around them its user counts, at half as much CPU again for each frame.
"""

from __future__ import annotations

from typing import Any

from django.urls import URLPattern, path

from .consumers import LiveConsumer, UrlTopics
from .kinds import user_topic


def own_topic(person: Any) -> list[str]:
    """The topic of the person's own events; none for strangers."""
    return [user_topic(person)] if person.is_authenticated else []


def live_path(route: str, *, topics: UrlTopics | None = None) -> URLPattern:
    """A `path()` to the socket; `topics(person, **url_kwargs)` are joined right after the hello."""
    application: Any = LiveConsumer.as_asgi(topics=topics)
    pattern: URLPattern = path(route, application)
    return pattern


websocket_urlpatterns = [
    live_path("ws/v1/"),
    live_path("ws/notifications/", topics=own_topic),
]
