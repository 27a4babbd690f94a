"""Socket URLs of the chat for a site's `URLRouter`, besides those of core."""

from __future__ import annotations

from typing import Any

from threadflow_core.exceptions import ThreadflowError
from threadflow_core.realtime.routing import live_path

from . import bindings
from .app_settings import app_settings
from .services import rooms

#: A topic that nobody may follow: answered as if the object were not there.
NOWHERE = "room:nowhere"


def room_of_object(person: Any, id: str) -> list[str]:
    """The topic of the room of the object with this public id, opened if there is none yet."""
    binding = bindings.binding_named(app_settings.SOCKET_BINDING)
    target = binding.find_public(id, person) if binding is not None else None
    if target is None:
        return [NOWHERE]
    try:
        room = rooms.open_for(person=person, target=target)
    except ThreadflowError:
        return [NOWHERE]
    return [room.live_topic]


websocket_urlpatterns = [live_path("ws/chat/<str:id>/", topics=room_of_object)]
