"""HTTP and WebSockets in one application: what the demo serves, and the `ws` role in production."""

from __future__ import annotations

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "threadflow_site.settings")
http = get_asgi_application()

from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402 - needs the app registry

from threadflow_chat.routing import websocket_urlpatterns as chat_urlpatterns  # noqa: E402
from threadflow_core.jobs.asgi import with_jobs  # noqa: E402
from threadflow_core.realtime.routing import websocket_urlpatterns  # noqa: E402

from .garbage import settle  # noqa: E402

# The socket reads the session itself: Channels' own middleware would wrap every frame sent.
application = with_jobs(
    ProtocolTypeRouter(
        {"http": http, "websocket": URLRouter([*websocket_urlpatterns, *chat_urlpatterns])}
    )
)
settle()
