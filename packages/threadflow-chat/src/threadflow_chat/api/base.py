"""What the API views of the chat share."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from drf_spectacular.utils import OpenApiResponse
from rest_framework import serializers

from threadflow_core import people
from threadflow_core.api.schema import page_schema
from threadflow_core.api.views import ServiceAPIView
from threadflow_core.exceptions import Invalid, NotFound

from .. import frames, policies
from ..swaps import get_message_model, get_room_model

#: Largest number that the database holds.
MOST = 2**53


def page_of(serializer: type[serializers.Serializer[Any]]) -> OpenApiResponse:
    """The schema of a cursor page."""
    return page_schema("Chat", serializer)


class ChatAPIView(ServiceAPIView):
    """Strangers read what is public; every write asks the policies."""

    def find_room(self, id: Any) -> Any:
        """A room whose existence the person may know; raises NotFound."""
        return get_room_model().objects.find_visible(id, self.request.user)

    def find_readable(self, id: Any) -> Any:
        """A room whose messages the person may read; raises NotFound, NotAllowed."""
        room = self.find_room(id)
        policies.require(policies.may_read(self.request.user, room))
        return room

    def find_message(self, id: Any) -> Any:
        """A message of a room that the person may read, deleted ones too; raises NotFound."""
        rows = get_message_model().objects.with_people().select_related("room")
        return rows.find_readable(id, self.request.user)

    def find_people(self, names: list[str], field: str) -> list[Any]:
        """Active people by their user names; raises Invalid when one is unknown."""
        found = people.by_names(names)
        missing = [name for name in names if name not in found]
        if missing:
            raise Invalid(fields={field: [f"“{name}”?" for name in missing]})
        return list(found.values())

    def find_person(self, name: str) -> Any:
        """Somebody by user name, also with a closed account; raises NotFound."""
        users = get_user_model()
        rows = users._default_manager.filter(**{users.USERNAME_FIELD: name})
        found = rows.first() if name.isprintable() else None
        if found is None:
            raise NotFound()
        return found

    def shown(self, message: Any) -> dict[str, Any]:
        """One message as everybody gets it, with the reader's own reactions marked."""
        (frame,) = frames.messages([message], self.request.user)
        return frame

    def number(self, name: str) -> int | None:
        """A whole number of the query; raises Invalid."""
        given = self.request.query_params.get(name)
        if given is None:
            return None
        if not given.isascii() or not given.isdigit() or not 0 <= int(given[:20]) < MOST:
            raise Invalid(fields={name: ["0, 1, 2, …"]})
        return int(given)
