"""Joining and leaving, opening rooms, and what moderators do."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from threadflow_core import cursors, people
from threadflow_core.exceptions import Invalid, NotAllowed, ThreadflowError
from threadflow_core.limits import Limit
from threadflow_core.views import FormPage, PageView, ServiceView

from .. import policies
from ..forms import InviteForm, LevelForm, MemberForm, NewForm, OnForm, RoomForm
from ..models import Level, RoomMember
from ..services import membership, standing
from ..services import rooms as room_service
from .base import find_people, find_person, find_room, require_person
from .rooms import room_title

NEW_LIMIT = Limit.parse("chat.new_room", "20/h")
JOIN_LIMIT = Limit.parse("chat.join", "60/h")
MODERATE_LIMIT = Limit.parse("chat.moderate", "120/10m")
PAGE = 50


class InRoom:
    """Looks the room up; private rooms are 404 for others."""

    request: Any
    kwargs: Any
    #: None where access was refused before it was found: a refused form is shown all the same.
    room: Any = None

    def check_access(self) -> None:
        require_person(self.request)
        self.room = find_room(self.request, self.kwargs["room"])

    def get_success_url(self, context: dict[str, Any]) -> str:
        return str(self.room.get_absolute_url())


class NewView(FormPage):
    """Write to one person, or open a group. Who may begin nothing is told what is missing."""

    form_class = NewForm
    form_template_name = "threadflow_chat/partials/_new.html"
    page_template_name = "threadflow_chat/new.html"
    parts = {"dialog": "threadflow_chat/partials/_new_dialog.html"}
    limit = NEW_LIMIT
    title = gettext_lazy("New conversation")
    submit_label = gettext_lazy("Begin")

    def check_access(self) -> None:
        require_person(self.request)

    def get_initial(self) -> dict[str, Any]:
        return {"people": self.request.GET.get("with", "")[:200]}

    def get_form_context(self, form: Any) -> dict[str, Any]:
        begins = policies.may_begin(self.request.user)
        return {**super().get_form_context(form), "missing": None if begins else begins}

    def act(self, form: Any) -> dict[str, Any]:
        me = self.request.user
        others = [other for other in find_people(form.cleaned_data["people"]) if other.pk != me.pk]
        title = form.cleaned_data["title"].strip()
        if not others:
            raise Invalid(fields={"people": [_("Name somebody else than yourself.")]})
        if len(others) == 1 and not title:
            return {"room": room_service.direct(person=me, other=others[0])}
        title = title or ", ".join(str(people.card(who).name) for who in [me, *others])[:300]
        return {"room": room_service.open_group(person=me, title=title, people=others)}

    def get_success_url(self, context: dict[str, Any]) -> str:
        return str(context["room"].get_absolute_url())


class JoinView(InRoom, ServiceView):
    form_class = OnForm
    limit = JOIN_LIMIT

    def act(self, form: Any) -> dict[str, Any]:
        act = membership.join if form.cleaned_data["on"] else membership.leave
        self.left = not form.cleaned_data["on"]
        act(person=self.request.user, room=self.room)
        return {}

    def get_success_url(self, context: dict[str, Any]) -> str:
        return reverse("threadflow_chat:index") if self.left else super().get_success_url(context)


class LevelView(InRoom, FormPage):
    form_class = LevelForm
    limit = JOIN_LIMIT
    template_name = "threadflow_chat/partials/_done.html"
    title = gettext_lazy("Notifications of this room")
    submit_label = gettext_lazy("Save")
    success_message = gettext_lazy("Saved.")
    #: The bell of a room asks for itself as the answer: `?part=bell`.
    bell_template_name = "threadflow_chat/partials/_bell.html"

    def check_access(self) -> None:
        super().check_access()
        self.member = RoomMember.objects.of(self.request.user, self.room)
        if not self.member.is_inside:
            raise NotAllowed(_("Join this room first."))

    def get_initial(self) -> dict[str, Any]:
        return {} if self.room is None else {"level": self.member.level}

    def act(self, form: Any) -> dict[str, Any]:
        level = form.cleaned_data["level"]
        member = membership.set_level(person=self.request.user, room=self.room, level=level)
        if self.is_bell:
            self.template_name = self.bell_template_name
        me = {"inside": True, "level": member.level}
        return {"room": self.room, "me": me, "levels": Level.choices, "fresh": True}

    @property
    def is_bell(self) -> bool:
        return self.request.GET.get("part") == "bell"

    def get_success_message(self, context: dict[str, Any]) -> str:
        return "" if self.is_bell and self.is_htmx else super().get_success_message(context)

    def refuse_htmx(self, error: ThreadflowError, form: Any) -> HttpResponse:
        """The bell has no place for a form: a toast says why."""
        return self.toast_response(error) if self.is_bell else super().refuse_htmx(error, form)


class SettingsView(InRoom, FormPage):
    """Name, topic, who finds it, state and slow mode; moderators only."""

    form_class = RoomForm
    limit = MODERATE_LIMIT
    title = gettext_lazy("Room settings")
    submit_label = gettext_lazy("Save")
    success_message = gettext_lazy("Saved.")

    def check_access(self) -> None:
        super().check_access()
        policies.require(policies.may_moderate(self.request.user, self.room))

    def get_initial(self) -> dict[str, Any]:
        names = ("title", "topic", "visibility", "state", "slow_seconds")
        if self.room is None:
            return {}
        return {name: getattr(self.room, name) for name in names}

    def get_form(self) -> Any:
        form = super().get_form()
        if self.room is None:
            return form
        if self.room.kind != "group":
            form.fields.pop("title")
        if self.room.is_direct:
            form.fields.pop("visibility")
        return form

    def act(self, form: Any) -> dict[str, Any]:
        room_service.edit_room(editor=self.request.user, room=self.room, **form.cleaned_data)
        return {}


class InviteView(InRoom, FormPage):
    form_class = InviteForm
    limit = JOIN_LIMIT
    title = gettext_lazy("Invite people")
    submit_label = gettext_lazy("Invite")
    success_message = gettext_lazy("They are in.")

    def check_access(self) -> None:
        super().check_access()
        policies.require(policies.may_invite(self.request.user, self.room))

    def act(self, form: Any) -> dict[str, Any]:
        found = find_people(form.cleaned_data["people"])
        membership.invite(person=self.request.user, room=self.room, people=found)
        return {}

    def get_success_url(self, context: dict[str, Any]) -> str:
        return reverse("threadflow_chat:members", args=[self.room.pk])


class MembersView(InRoom, PageView):
    """Everybody in the room; for moderators, the banned too."""

    template_name = "threadflow_chat/members.html"

    def check_access(self) -> None:
        super().check_access()
        policies.require(policies.may_read(self.request.user, self.room))

    def get_context(self) -> dict[str, Any]:
        me = standing.of(self.request.user, self.room)
        rows = RoomMember.objects.filter(room_id=self.room.pk).select_related("person")
        banned = "moderate" in me["can"] and self.request.GET.get("show") == "banned"
        rows = rows.filter(banned_at__isnull=False) if banned else rows.inside()  # type: ignore[attr-defined]
        page = cursors.paginate(
            rows,
            order=("id",),
            cursor=self.request.GET.get("cursor") or None,
            size=PAGE,
            scope=f"chat.members:{self.room.pk}:{banned}",
        )
        found: list[Any] = page.items
        for row in found:
            row.card = people.card(row.person)
        return {
            "room": self.room,
            "me": me,
            "title": room_title(self.room, self.request.user),
            "members": found,
            "banned": banned,
            "next": page.next,
        }


class MemberView(InRoom, FormPage):
    """What moderators do about one member."""

    form_class = MemberForm
    limit = MODERATE_LIMIT
    submit_label = gettext_lazy("Do it")

    def check_access(self) -> None:
        super().check_access()
        policies.require(policies.may_moderate(self.request.user, self.room))
        self.person = find_person(self.kwargs["name"])
        self.title = _("%(name)s in this room") % {"name": people.card(self.person).name}

    def act(self, form: Any) -> dict[str, Any]:
        given, act = form.cleaned_data, form.cleaned_data["act"]
        about = {"moderator": self.request.user, "room": self.room, "person": self.person}
        until = None
        if given["minutes"]:
            until = timezone.now() + timedelta(minutes=given["minutes"])
        if act == "mute":
            if until is None:
                raise Invalid(fields={"minutes": [_("For how long?")]})
            membership.mute(**about, until=until, reason=given["reason"])
        elif act == "ban":
            membership.ban(**about, until=until, reason=given["reason"])
        elif act == "kick":
            membership.kick(**about, reason=given["reason"])
        elif act == "role":
            membership.set_role(**about, role=given["role"] or "member")
        elif act == "unmute":
            membership.unmute(**about)
        else:
            membership.unban(**about)
        return {}

    def get_success_message(self, context: dict[str, Any]) -> str:
        return _("Done. It is in the room's log.")

    def get_success_url(self, context: dict[str, Any]) -> str:
        return reverse("threadflow_chat:members", args=[self.room.pk])
