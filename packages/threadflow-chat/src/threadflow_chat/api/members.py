"""The people of a room over the API, and what moderators do about them."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from threadflow_core import people
from threadflow_core.api.pagination import cursor_of, size_of
from threadflow_core.api.pagination import page_of as answer_page
from threadflow_core.api.schema import CURSOR, LIMIT
from threadflow_core.cursors import paginate
from threadflow_core.exceptions import Invalid

from .. import frames, policies
from ..models import RoomMember
from ..services import membership
from .base import ChatAPIView, page_of
from .serializers import InviteSerializer, MemberSerializer, ModerateSerializer


class MembersView(ChatAPIView):
    limit = {"POST": membership.JOIN_LIMIT}

    @extend_schema(
        operation_id="chat_members",
        parameters=[CURSOR, LIMIT],
        responses=page_of(MemberSerializer),
    )
    def get(self, request: Request, id: Any) -> Response:
        """The members of a room, those of the longest standing first."""
        room = self.find_readable(id)
        rows = RoomMember.objects.inside().filter(room_id=room.pk).select_related("person")
        page = paginate(
            rows,
            order=("pk",),
            cursor=cursor_of(request),
            size=size_of(request),
            scope=f"chat-members:{room.pk}",
        )
        moderating = bool(policies.may_moderate(request.user, room))
        return answer_page(request, page, _shown(page.items, moderating=moderating))

    @extend_schema(
        operation_id="chat_invite",
        request=InviteSerializer,
        responses=page_of(MemberSerializer),
    )
    def post(self, request: Request, id: Any) -> Response:
        """Let others in, by their user names; answers with the new members."""
        person = self.person(request)
        names = self.parse(InviteSerializer, request)["people"]
        others = self.find_people(names, "people")
        made = membership.invite(person=person, room=self.find_room(id), people=others)
        shown = _shown(made, moderating=False)
        return Response({"next": None, "previous": None, "results": shown})


class MemberView(ChatAPIView):
    limit = membership.MODERATION_LIMIT

    @extend_schema(
        operation_id="chat_moderate", request=ModerateSerializer, responses=MemberSerializer
    )
    def post(self, request: Request, id: Any, username: str) -> Response:
        """Mute, kick, ban, or change the role of somebody (moderators)."""
        moderator = self.person(request)
        given = self.parse(ModerateSerializer, request)
        room = self.find_room(id)
        policies.require(policies.may_moderate(moderator, room))
        act = _ACTS[given.pop("do")]
        member = act(moderator, room, self.find_person(username), given)
        return Response(_shown([member], moderating=True)[0])


def _shown(members: list[RoomMember], *, moderating: bool) -> list[dict[str, Any]]:
    cards = people.cards(member.person for member in members)
    rows = []
    for member in members:
        row = {
            "person": frames.person(cards[member.person_id]),
            "role": member.role,
            "joined_at": member.joined_at,
        }
        if moderating:
            row |= {"muted_until": member.muted_until, "banned": member.is_banned()}
        rows.append(row)
    return rows


def _mute(moderator: Any, room: Any, person: Any, given: dict[str, Any]) -> RoomMember:
    until = given.get("until")
    if until is None or until <= timezone.now():
        raise Invalid(fields={"until": [_("Until when? Give a moment in the future.")]})
    reason = given.get("reason", "")
    return membership.mute(
        moderator=moderator, room=room, person=person, until=until, reason=reason
    )


def _ban(moderator: Any, room: Any, person: Any, given: dict[str, Any]) -> RoomMember:
    return membership.ban(
        moderator=moderator,
        room=room,
        person=person,
        until=given.get("until"),
        reason=given.get("reason", ""),
    )


def _kick(moderator: Any, room: Any, person: Any, given: dict[str, Any]) -> RoomMember:
    reason = given.get("reason", "")
    return membership.kick(moderator=moderator, room=room, person=person, reason=reason)


def _unmute(moderator: Any, room: Any, person: Any, given: dict[str, Any]) -> RoomMember:
    return membership.unmute(moderator=moderator, room=room, person=person)


def _unban(moderator: Any, room: Any, person: Any, given: dict[str, Any]) -> RoomMember:
    return membership.unban(moderator=moderator, room=room, person=person)


def _role(moderator: Any, room: Any, person: Any, given: dict[str, Any]) -> RoomMember:
    role = given.get("role", "")
    return membership.set_role(moderator=moderator, room=room, person=person, role=role)


_ACTS = {
    "mute": _mute,
    "unmute": _unmute,
    "kick": _kick,
    "ban": _ban,
    "unban": _unban,
    "role": _role,
}
