from __future__ import annotations

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application

http = get_asgi_application()

# After the line above the app registry is ready, which consumers need.
from threadflow_core.jobs.asgi import with_jobs  # noqa: E402
from threadflow_core.realtime.routing import websocket_urlpatterns  # noqa: E402

application = with_jobs(
    ProtocolTypeRouter({"http": http, "websocket": URLRouter(websocket_urlpatterns)})
)
