"""Subs over the API."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from threadflow_core.api.pagination import page_response
from threadflow_core.api.schema import CURSOR, LIMIT

from ..models import Membership
from ..services import subs as service
from ..swaps import get_sub_model
from .base import ForumAPIView, page_of
from .serializers import (
    EditSubSerializer,
    JoinSerializer,
    MembershipSerializer,
    OpenSubSerializer,
    SubSerializer,
)


class SubsView(ForumAPIView):
    limit = {"POST": service.OPEN_LIMIT}

    @extend_schema(
        operation_id="forum_subs", parameters=[CURSOR, LIMIT], responses=page_of(SubSerializer)
    )
    def get(self, request: Request) -> Response:
        """Subs that you may know of, the biggest first."""
        return page_response(
            request,
            get_sub_model().objects.visible_to(request.user),
            order=("-member_count", "-id"),
            scope="api:subs",
            serialize=lambda rows: SubSerializer(rows, many=True).data,
        )

    @extend_schema(
        operation_id="forum_open_sub", request=OpenSubSerializer, responses={201: SubSerializer}
    )
    def post(self, request: Request) -> Response:
        """Open a sub."""
        person = self.person(request)
        sub = service.open_sub(founder=person, **self.parse(OpenSubSerializer, request))
        return Response(SubSerializer(sub).data, status=201)


class SubView(ForumAPIView):
    limit = {"PATCH": service.JOIN_LIMIT}

    @extend_schema(operation_id="forum_sub", responses=SubSerializer)
    def get(self, request: Request, slug: str) -> Response:
        """One sub."""
        sub = self.find_sub(slug)
        return Response(SubSerializer(sub).data, headers={"ETag": f'"{sub.version}"'})

    @extend_schema(
        operation_id="forum_edit_sub", request=EditSubSerializer, responses=SubSerializer
    )
    def patch(self, request: Request, slug: str) -> Response:
        """Change its settings (moderators). Send `If-Match` to be told of others' changes."""
        person = self.person(request)
        changes = self.parse(EditSubSerializer, request)
        version = self.version(request, None)
        sub = service.edit_sub(editor=person, sub=self.find_sub(slug), version=version, **changes)
        return Response(SubSerializer(sub).data, headers={"ETag": f'"{sub.version}"'})


class MembershipView(ForumAPIView):
    limit = {"PUT": service.JOIN_LIMIT}

    @extend_schema(operation_id="forum_membership", responses=MembershipSerializer)
    def get(self, request: Request, slug: str) -> Response:
        """Your place in a sub."""
        person = self.person(request)
        return self.answer(Membership.objects.of(person, self.find_sub(slug)))

    @extend_schema(
        operation_id="forum_join", request=JoinSerializer, responses=MembershipSerializer
    )
    def put(self, request: Request, slug: str) -> Response:
        """Join or leave. Joining a private sub asks its moderators."""
        person = self.person(request)
        wanted = self.parse(JoinSerializer, request)["joined"]
        call: Any = service.join if wanted else service.leave
        return self.answer(call(person=person, sub=self.find_sub(slug)))

    def answer(self, membership: Membership) -> Response:
        return Response(MembershipSerializer(membership).data)
