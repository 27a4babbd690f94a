"""Messages over the API: history, sending, changing, reactions, pins, search, reports."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.utils.dateparse import parse_datetime
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import remove_query_param, replace_query_param

from threadflow_core.api.pagination import cursor_of, size_of
from threadflow_core.api.pagination import page_of as answer_page
from threadflow_core.api.schema import CURSOR, LIMIT
from threadflow_core.cursors import sign, unsign
from threadflow_core.exceptions import BadCursor, Invalid
from threadflow_core.limits import spend

from .. import frames
from ..services import bots, files, finding, flags, history, pins, reactions, reads
from ..services import messages as service
from .base import ChatAPIView, page_of
from .serializers import (
    AttachmentSerializer,
    EditMessageSerializer,
    MessageSerializer,
    OnSerializer,
    ReactSerializer,
    ReportMessageSerializer,
    RevisionSerializer,
    SendSerializer,
    UploadSerializer,
)

BEFORE = OpenApiParameter("before", OpenApiTypes.INT, description="Messages before this number.")
AFTER = OpenApiParameter("after", OpenApiTypes.INT, description="Messages after this number.")
AROUND = OpenApiParameter("around", OpenApiTypes.STR, description="A number, or `unread`.")
AT = OpenApiParameter("at", OpenApiTypes.DATETIME, description="Messages around this moment.")


class MessagesView(ChatAPIView):
    @extend_schema(
        operation_id="chat_messages",
        parameters=[BEFORE, AFTER, AROUND, AT, CURSOR, LIMIT],
        responses=page_of(MessageSerializer),
    )
    def get(self, request: Request, id: Any) -> Response:
        """The log of a room in the order of its numbers; `previous` leads to older messages."""
        room = self.find_readable(id)
        where = self._where(request, room)
        found = history.stretch(room, limit=size_of(request, 50), **where)
        scope = f"chat:{room.pk}"
        older = sign(scope, ["before", found.first]) if found.more_before else None
        newer = sign(scope, ["after", found.last]) if found.more_after else None
        return Response(
            {
                "next": _link(request, newer),
                "previous": _link(request, older),
                "results": frames.messages(found.messages, request.user),
            }
        )

    def _where(self, request: Request, room: Any) -> dict[str, int]:
        cursor = cursor_of(request)
        if cursor is not None:
            values = unsign(f"chat:{room.pk}", cursor)
            if len(values) != 2 or values[0] not in ("before", "after"):
                raise BadCursor()
            return {values[0]: values[1]}
        if "at" in request.query_params:
            moment = _moment(request.query_params["at"])
            found = history.at_date(room, moment)
            return {"around": found} if found is not None else {}
        if request.query_params.get("around") == "unread":
            first = history.first_unread(request.user, room)
            return {"around": first} if first is not None else {}
        given = {name: self.number(name) for name in ("before", "after", "around")}
        return {name: number for name, number in given.items() if number is not None}

    @extend_schema(
        operation_id="chat_send", request=SendSerializer, responses={201: MessageSerializer}
    )
    def post(self, request: Request, id: Any) -> Response:
        """Send a message. The same `nonce` again answers with the first one."""
        person = self.person(request)
        spend(service.limit_of(person), person)
        given = self.parse(SendSerializer, request)
        message = service.send_message(
            author=person,
            room=self.find_room(id),  # sending asks whether they may
            text=given["text"],
            nonce=given.get("nonce"),
            reply_to=service.to_answer(given.get("reply_to")),
            attachments=given.get("attachments", ()),
            confirmed=given["confirm"],
        )
        return Response(self.shown(message), status=201)


def _link(request: Request, cursor: str | None) -> str | None:
    if cursor is None:
        return None
    url = request.build_absolute_uri()
    for name in ("cursor", "before", "after", "around", "at"):
        url = remove_query_param(url, name)
    return replace_query_param(url, "cursor", cursor)


def _moment(given: str) -> dt.datetime:
    try:
        found = parse_datetime(given)
    except ValueError:
        found = None
    if found is None:
        raise Invalid(fields={"at": ["2026-11-21T12:00:00Z"]})
    return found if found.tzinfo is not None else found.replace(tzinfo=dt.UTC)


class MessageView(ChatAPIView):
    limit = {"PATCH": service.EDIT_LIMIT, "DELETE": service.EDIT_LIMIT}

    @extend_schema(operation_id="chat_message", responses=MessageSerializer)
    def get(self, request: Request, id: Any) -> Response:
        """One message."""
        return Response(self.shown(self.find_message(id)))

    @extend_schema(
        operation_id="chat_edit_message",
        request=EditMessageSerializer,
        responses=MessageSerializer,
    )
    def patch(self, request: Request, id: Any) -> Response:
        """Change your message. `ver` guards against lost changes (412)."""
        given = self.parse(EditMessageSerializer, request)
        message = service.edit_message(
            editor=self.person(request),
            message=self.find_message(id),
            text=given["text"],
            version=given.get("ver"),
        )
        return Response(self.shown(message))

    @extend_schema(operation_id="chat_delete_message", request=None, responses={204: None})
    def delete(self, request: Request, id: Any) -> Response:
        """Take your message back, or as a moderator somebody else's."""
        service.delete_message(person=self.person(request), message=self.find_message(id))
        return Response(status=204)


class RestoreView(ChatAPIView):
    limit = service.EDIT_LIMIT

    @extend_schema(operation_id="chat_restore_message", request=None, responses=MessageSerializer)
    def post(self, request: Request, id: Any) -> Response:
        """Bring a message back."""
        person = self.person(request)
        message = service.restore_message(person=person, message=self.find_message(id))
        return Response(self.shown(message))


class RevisionsView(ChatAPIView):
    @extend_schema(operation_id="chat_revisions", responses=page_of(RevisionSerializer))
    def get(self, request: Request, id: Any) -> Response:
        """Earlier texts of a message that is still there, newest first."""
        message = self.find_message(id)
        rows = history.revisions(message) if message.is_visible else []
        data = RevisionSerializer(rows, many=True).data
        return Response({"next": None, "previous": None, "results": data})


class ReactionsView(ChatAPIView):
    limit = reactions.REACT_LIMIT

    @extend_schema(operation_id="chat_react", request=ReactSerializer, responses=MessageSerializer)
    def put(self, request: Request, id: Any) -> Response:
        """Put an emoji on a message or take yours off. The same again changes nothing."""
        person = self.person(request)
        given = self.parse(ReactSerializer, request)
        message = reactions.react(person=person, message=self.find_message(id), **given)
        return Response(self.shown(message))


class PinView(ChatAPIView):
    limit = pins.PIN_LIMIT

    @extend_schema(operation_id="chat_pin", request=OnSerializer, responses=OnSerializer)
    def put(self, request: Request, id: Any) -> Response:
        """Keep a message in sight, or let it go (moderators; both of a direct room)."""
        person = self.person(request)
        on = self.parse(OnSerializer, request)["on"]
        pins.set_pinned(person=person, message=self.find_message(id), on=on)
        return Response({"on": on})


class PinsView(ChatAPIView):
    @extend_schema(operation_id="chat_pins", responses=page_of(MessageSerializer))
    def get(self, request: Request, id: Any) -> Response:
        """The pinned messages of a room, newest pin first."""
        found = history.pinned(self.find_readable(id))
        shown = frames.messages(found, request.user)
        return Response({"next": None, "previous": None, "results": shown})


class ReportView(ChatAPIView):
    limit = flags.FLAG_LIMIT

    @extend_schema(
        operation_id="chat_report", request=ReportMessageSerializer, responses={204: None}
    )
    def post(self, request: Request, id: Any) -> Response:
        """Tell those who look after the site about a message."""
        person = self.person(request)
        reason = self.parse(ReportMessageSerializer, request)["reason"]
        flags.flag(person=person, message=self.find_message(id), reason=reason)
        return Response(status=204)


class StopView(ChatAPIView):
    limit = reads.READ_LIMIT

    @extend_schema(operation_id="chat_stop_bot", request=None, responses={204: None})
    def post(self, request: Request, id: Any) -> Response:
        """Ask a bot that is writing this message to stop."""
        bots.stop(person=self.person(request), message=self.find_message(id))
        return Response(status=204)


class SearchView(ChatAPIView):
    limit = {"GET": finding.SEARCH_LIMIT}

    @extend_schema(
        operation_id="chat_search",
        parameters=[
            OpenApiParameter("q", OpenApiTypes.STR, required=True),
            OpenApiParameter("room", OpenApiTypes.UUID),
            CURSOR,
            LIMIT,
        ],
        responses=page_of(MessageSerializer),
    )
    def get(self, request: Request) -> Response:
        """Messages that you may read with these words, newest first."""
        room = request.query_params.get("room")
        found = finding.find(
            person=request.user,
            text=request.query_params.get("q", ""),
            room=self.find_readable(room) if room else None,
            limit=size_of(request),
            cursor=cursor_of(request),
        )
        return answer_page(request, found, frames.messages(found.messages, request.user))


class UploadsView(ChatAPIView):
    limit = files.UPLOAD_LIMIT
    parser_classes = [MultiPartParser]

    @extend_schema(
        operation_id="chat_upload",
        request={"multipart/form-data": UploadSerializer},
        responses={201: AttachmentSerializer},
    )
    def post(self, request: Request) -> Response:
        """Store a file; its `id` goes into `attachments` of the message that it is sent with."""
        person = self.person(request)
        file = self.parse(UploadSerializer, request)["file"]
        upload = files.store_file(owner=person, file=file)
        return Response(frames.attachment(upload), status=201)
