"""The chat on a server: what the drills start."""

from __future__ import annotations

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application

http = get_asgi_application()

# After the line above the app registry is ready, which consumers need.
from threadflow_chat import routing as chat  # noqa: E402
from threadflow_core.realtime import routing as core  # noqa: E402

from .drill_hooks import set_gate  # noqa: E402

set_gate()

sockets = URLRouter([*chat.websocket_urlpatterns, *core.websocket_urlpatterns])
application = ProtocolTypeRouter({"http": http, "websocket": sockets})
