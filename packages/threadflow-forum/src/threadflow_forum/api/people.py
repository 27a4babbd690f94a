"""People over the API: others, oneself, and the log of what moderators did."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from threadflow_core import people
from threadflow_core.api.pagination import page_response
from threadflow_core.api.schema import CURSOR, LIMIT

from ..models import Membership, ModLogEntry
from ..people import find_person
from ..swaps import get_sub_model
from .base import ForumAPIView, page_of
from .serializers import MeSerializer, ModLogSerializer, UserSerializer

SUB = OpenApiParameter("sub", OpenApiTypes.STR, description="Only acts in this sub.")


def _values(user: Any, reader: Any) -> Any:
    card = people.card(user)
    karma = Membership.objects.karma_of(user, reader)
    return {
        "handle": card.handle,
        "name": card.name,
        "url": card.url,
        "avatar_url": card.avatar_url,
        "joined_at": getattr(user, "date_joined", None),
        "karma": karma,
    }


class UserView(ForumAPIView):
    @extend_schema(operation_id="forum_user", responses=UserSerializer)
    def get(self, request: Request, username: str) -> Response:
        """Somebody by name."""
        found = find_person(username)
        return Response(UserSerializer(_values(found, request.user)).data)


class MeView(ForumAPIView):
    @extend_schema(operation_id="forum_me", responses=MeSerializer)
    def get(self, request: Request) -> Response:
        """Yourself, and the subs that you follow."""
        person = self.person(request)
        subs = get_sub_model().objects.followed_by(person).values_list("slug", flat=True)
        values: Any = {**_values(person, person), "subs": sorted(subs)}
        return Response(MeSerializer(values).data)


class ModLogView(ForumAPIView):
    @extend_schema(
        operation_id="forum_modlog",
        parameters=[SUB, CURSOR, LIMIT],
        responses=page_of(ModLogSerializer),
    )
    def get(self, request: Request) -> Response:
        """What moderators did in the subs that you may read, newest first."""
        subs = get_sub_model().objects.visible_to(request.user)
        rows = ModLogEntry.objects.filter(sub__in=subs)
        if slug := request.query_params.get("sub"):
            rows = rows.filter(sub=self.find_sub(slug))
        return page_response(
            request,
            rows.select_related("sub", "thread", "comment"),
            order=("-created_at", "-id"),
            scope=f"api:modlog:{slug or ''}",
            serialize=_entries,
        )


def _entries(entries: list[Any]) -> Any:
    cards = people.cards_of({entry.actor_id for entry in entries})
    for entry in entries:
        entry.actor_card = people.card_of(cards, entry.actor_id)
    return ModLogSerializer(entries, many=True).data
