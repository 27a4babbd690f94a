"""What the API views of the forum share."""

from __future__ import annotations

from functools import cache
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request

from threadflow_core.api.views import ServiceAPIView
from threadflow_core.exceptions import Invalid, SignInRequired

from .. import blocks, policies
from ..swaps import get_comment_model, get_sub_model, get_thread_model

CURSOR = OpenApiParameter("cursor", OpenApiTypes.STR, description="From `next` or `previous`.")
LIMIT = OpenApiParameter("limit", OpenApiTypes.INT, description="1 to 100.")
ID = OpenApiParameter("id", OpenApiTypes.STR, OpenApiParameter.PATH)
SLUG = OpenApiParameter("slug", OpenApiTypes.STR, OpenApiParameter.PATH)


@cache
def page_of(serializer: type[serializers.Serializer[Any]]) -> OpenApiResponse:
    """The schema of a cursor page."""
    name = serializer.__name__.removesuffix("Serializer")
    fields = {
        "next": serializers.URLField(allow_null=True),
        "previous": serializers.URLField(allow_null=True),
        "results": serializer(many=True),
    }
    return OpenApiResponse(inline_serializer(f"ForumPageOf{name}", fields))


class ForumAPIView(ServiceAPIView):
    """Anonymous readers may read; every write asks the policies."""

    def person(self, request: Request) -> Any:
        """The signed-in person; raises SignInRequired."""
        if not request.user.is_authenticated:
            raise SignInRequired()
        return request.user

    def parse(self, serializer: type[serializers.Serializer[Any]], request: Request) -> Any:
        """The checked input; raises DRF's ValidationError (422)."""
        form = serializer(data=request.data)
        form.is_valid(raise_exception=True)
        return form.validated_data

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
