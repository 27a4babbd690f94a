"""What the API views of the forum share."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework import serializers
from rest_framework.request import Request

from threadflow_core.api.schema import page_schema
from threadflow_core.api.views import ServiceAPIView
from threadflow_core.exceptions import Invalid

from .. import blocks, policies
from ..swaps import get_comment_model, get_sub_model, get_thread_model

ID = OpenApiParameter("id", OpenApiTypes.STR, OpenApiParameter.PATH)
SLUG = OpenApiParameter("slug", OpenApiTypes.STR, OpenApiParameter.PATH)


def page_of(serializer: type[serializers.Serializer[Any]]) -> OpenApiResponse:
    """The schema of a cursor page."""
    return page_schema("Forum", serializer)


class ForumAPIView(ServiceAPIView):
    """Anonymous readers may read; every write asks the policies."""

    def find_sub(self, slug: str) -> Any:
        return get_sub_model().objects.visible_to(self.request.user).get_named(slug)

    def find_thread(self, public_id: str) -> Any:
        rows = get_thread_model().objects.visible_to(self.request.user).select_related("sub")
        if self.request.user.is_authenticated:
            rows = rows.with_marks_of(self.request.user)
        return rows.get_public(public_id)

    def find_comment(self, public_id: str) -> Any:
        rows = get_comment_model().objects.visible_to(self.request.user)
        return rows.select_related("thread__sub").get_public(public_id)

    def version(self, request: Request, given: int | None) -> int | None:
        """The version an edit is based on: `If-Match: "3"` or the body; None: not said."""
        header = request.headers.get("If-Match", "").strip().removeprefix("W/").strip('"')
        if not header:
            return given
        if not header.isascii() or not header.isdigit() or len(header) > 9:
            raise Invalid(code="bad_if_match")
        return int(header)


def with_cards(things: list[Any], reader: Any) -> list[Any]:
    """Give threads or comments their authors' cards and say whether their text is shown."""
    blocks.give_cards(things)
    for thing in things:
        thing.readable = policies.may_read_text(reader, thing, moderating=False)
    return things
