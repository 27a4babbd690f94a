"""Rooms over the API: one's list, opening, changing, joining, how far one has read."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from threadflow_core.exceptions import Invalid, NotFound

from .. import bindings, frames, rosters
from ..services import calling, membership, reads, rooms, standing
from .base import ChatAPIView, page_of
from .serializers import (
    CallSerializer,
    EditRoomSerializer,
    MarkReadSerializer,
    OpenRoomSerializer,
    ReadStateSerializer,
    RoomRowSerializer,
    RoomSerializer,
    SetMembershipSerializer,
)


def shown(room: Any, person: Any) -> dict[str, Any]:
    """A room as `person` sees it."""
    return {
        **frames.room(room),
        "topic": room.live_topic,
        "url": room.get_absolute_url(),
        "me": standing.of(person, room),
    }


class RoomsView(ChatAPIView):
    limit = {"POST": rooms.OPEN_LIMIT}

    @extend_schema(operation_id="chat_rooms", responses=page_of(RoomRowSerializer))
    def get(self, request: Request) -> Response:
        """The rooms that you have joined, newest message first: all of them on one page."""
        rows = [_row(row) for row in rosters.of(self.person(request))]
        return Response({"next": None, "previous": None, "results": rows})

    @extend_schema(
        operation_id="chat_open_room",
        request=OpenRoomSerializer,
        responses={201: RoomSerializer},
    )
    def post(self, request: Request) -> Response:
        """The room of an object, of you and another person, or a new group."""
        person = self.person(request)
        given = self.parse(OpenRoomSerializer, request)
        room = self._opened(person, given)
        return Response(shown(room, person), status=201)

    def _opened(self, person: Any, given: dict[str, Any]) -> Any:
        if "target" in given:
            binding = bindings.binding_named(given.get("target_kind", ""))
            target = binding.find_public(given["target"], person) if binding else None
            if target is None:
                raise NotFound()
            return self.find_room(rooms.open_for(person=person, target=target).pk)
        if "person" in given:
            (other,) = self.find_people([given["person"]], "person")
            return rooms.direct(person=person, other=other)
        if "title" not in given:
            raise Invalid(_("Give target, person or title: what is the room for?"))
        others = self.find_people(given.get("people", []), "people")
        visibility = given.get("visibility", "private")
        return rooms.open_group(
            person=person, title=given["title"], people=others, visibility=visibility
        )


def _row(row: rosters.Row) -> dict[str, Any]:
    return {
        "room": str(row.id),
        "topic": f"room:{row.id}",
        "kind": row.kind,
        "title": row.title,
        "url": row.url,
        "visibility": row.visibility,
        "state": row.state,
        "role": row.role,
        "level": row.level,
        "unread": row.unread,
        "mentions": row.mentions,
        "last_read": row.last_read_mno,
        "last_mno": row.last_mno,
        "last_message_at": row.last_message_at,
        "other": frames.person(row.other) if row.other is not None else None,
    }


class RoomView(ChatAPIView):
    limit = {"PATCH": rooms.ROOM_LIMIT}

    @extend_schema(operation_id="chat_room", responses=RoomSerializer)
    def get(self, request: Request, id: Any) -> Response:
        """A room, and what you may do in it. Without a membership `can` lacks `read`."""
        return Response(shown(self.find_room(id), request.user))

    @extend_schema(
        operation_id="chat_edit_room", request=EditRoomSerializer, responses=RoomSerializer
    )
    def patch(self, request: Request, id: Any) -> Response:
        """Change a room (moderators)."""
        person = self.person(request)
        given = self.parse(EditRoomSerializer, request)
        given["topic"] = given.pop("about", None)
        room = rooms.edit_room(editor=person, room=self.find_room(id), **given)
        return Response(shown(room, person))


class MembershipView(ChatAPIView):
    limit = membership.JOIN_LIMIT

    @extend_schema(
        operation_id="chat_set_membership",
        request=SetMembershipSerializer,
        responses=RoomSerializer,
    )
    def put(self, request: Request, id: Any) -> Response:
        """Join or leave, or choose what you are told of."""
        person = self.person(request)
        given = self.parse(SetMembershipSerializer, request)
        room = self.find_room(id)
        if "joined" in given:
            act = membership.join if given["joined"] else membership.leave
            act(person=person, room=room)
        if "level" in given:
            membership.set_level(person=person, room=room, level=given["level"])
        room.refresh_from_db()
        return Response(shown(room, person))


class ReadView(ChatAPIView):
    limit = reads.READ_LIMIT

    @extend_schema(
        operation_id="chat_mark_read", request=MarkReadSerializer, responses=ReadStateSerializer
    )
    def put(self, request: Request, id: Any) -> Response:
        """Move your pointer: it only grows, but with `unread`."""
        person = self.person(request)
        given = self.parse(MarkReadSerializer, request)
        act = reads.mark_unread if given["unread"] else reads.mark_read
        state = act(person=person, room=self.find_readable(id), mno=given["mno"])
        return Response(ReadStateSerializer(state).data)


class CallView(ChatAPIView):
    limit = calling.CALL_LIMIT

    @extend_schema(operation_id="chat_call", request=None, responses=CallSerializer)
    def post(self, request: Request, id: Any) -> Response:
        """Your way into the voice or video call of a room; 404 where a site has none."""
        call = calling.join_call(person=self.person(request), room=self.find_readable(id))
        return Response(CallSerializer(call).data)
