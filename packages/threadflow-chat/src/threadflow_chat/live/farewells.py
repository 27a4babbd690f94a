"""What followers of a room are told when somebody's words were erased: hide them, and the name."""

from __future__ import annotations

from threadflow_core.realtime import LiveEventData
from threadflow_core.realtime.kinds import Frame

from .topics import RoomTopic

#: The event; its ids name the author as frames of messages do.
GONE = "person.gone"


class Rooms(RoomTopic):
    """The topic of a room, with farewells: one event for all that a person said there."""

    def render(
        self, key: str, events: list[LiveEventData], instance: object | None = None
    ) -> list[Frame | None]:
        frames = super().render(key, events, instance)
        for index, event in enumerate(events):
            if event.kind == GONE:
                frames[index] = {"room": key, "user": {"id": event.ids["author"]}}
        return frames
