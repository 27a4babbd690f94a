"""The list of rooms and a room's page, its search, pins and members."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.http import HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _

from threadflow_core import people, realtime
from threadflow_core.exceptions import NotFound
from threadflow_core.idempotency import new_form_key
from threadflow_core.limits import spend
from threadflow_core.realtime.kinds import user_key
from threadflow_core.views import PageView, ServiceView

from .. import bindings, calls, pages, policies
from ..live import presence
from ..models import Level, RoomMember
from ..services import finding, history, reads, standing
from ..services import rooms as room_service
from ..swaps import get_message_model
from .base import find_readable, find_room, grouped, require_person

#: Members whose names stand beside a room.
ASIDE = 40
PAGE = 100


class IndexView(PageView):
    """The reader's rooms. `?part=rooms` is the list alone, for the dock of other pages."""

    template_name = "threadflow_chat/index.html"
    parts = {"rooms": "threadflow_chat/partials/_dock.html"}

    def check_access(self) -> None:
        require_person(self.request)

    def get_context(self) -> dict[str, Any]:
        # On a page of the chat itself one goes to the room: two rooms on a page are one too many.
        index = reverse("threadflow_chat:index")
        groups = grouped(self.request.user)
        begins = bool(groups) or policies.may_begin(self.request.user)
        return {
            "groups": groups,
            "missing": None if begins else begins,
            "dock": not self.page.path.startswith(index),
        }


class RoomView(PageView):
    """A room with its log. `?part=log` and the numbers `before`, `after` are pages of the log.

    `around` and `date` jump; `?part=panel` is the room beside something else,
    `?part=dock` in the dock of another page.
    """

    template_name = "threadflow_chat/room.html"
    parts = {
        "log": "threadflow_chat/partials/_log.html",
        "panel": "threadflow_chat/partials/_panel.html",
        "dock": "threadflow_chat/partials/_docked.html",
        "members": "threadflow_chat/partials/_aside.html",
        "bell": "threadflow_chat/partials/_bell.html",
        "pin": "threadflow_chat/partials/_pin.html",
    }

    def check_access(self) -> None:
        require_person(self.request)
        self.room = find_room(self.request, self.kwargs["room"])

    def get(self, request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
        verdict = policies.may_read(request.user, self.room)
        if verdict:
            return super().get(request, *args, **kwargs)
        return self.closed(verdict)

    def closed(self, verdict: Any) -> HttpResponse:
        """The face of a room that may be known of but not read: what is missing, and where to get it."""
        template = "threadflow_chat/closed.html"
        if request_part(self.request) in ("panel", "dock"):
            template = "threadflow_chat/partials/_closed.html"
        context = {
            "room": self.room,
            "why": verdict,
            "feature": getattr(verdict, "feature", ""),
            "upgrade_url": getattr(verdict, "upgrade_url", ""),
        }
        return self.respond(template, context, 403)

    def get_context(self) -> dict[str, Any]:
        room, reader = self.room, self.request.user
        part = request_part(self.request)
        if part == "members":
            return {"room": room, **members_context(room)}
        if part == "bell":
            me = standing.of(reader, room)
            return {"room": room, "me": me, "levels": Level.choices}
        if part == "pin":
            return {"room": room, **pins(room, reader)}
        # Before the rows: an event in between is then seen twice, never missed.
        position = realtime.position(room.live_topic) if self.page.live_url else None
        me = standing.of(reader, room)
        asked = self.asked()
        found = history.stretch(room, **asked)
        lines = pages.lines(
            found.messages, reader, last_read=me["last_read"] if me["inside"] else None
        )
        context = {
            "room": room,
            "me": me,
            "lines": lines,
            "found": found,
            "newest": not found.more_after,
            "jumped": bool(asked),
            "position": position,
        }
        if part == "log":
            return context
        if found.last and not found.more_after and me["inside"]:
            reads.mark_read(person=reader, room=room, mno=found.last)
        return context | self.around(room, reader, me)

    def around(self, room: Any, reader: Any, me: dict[str, Any]) -> dict[str, Any]:
        """What stands around the log."""
        context = {
            "title": room_title(room, reader),
            **pins(room, reader),
            "nonce": new_form_key(),
            "reply": self.answered(),
            "levels": Level.choices,
            "crowd": self.crowd(room, reader),
            "has_calls": calls.backend() is not None,
            "my_key": user_key(reader.pk),
            "emoji": pages.EMOJI,
        }
        if request_part(self.request):
            return context
        return context | {"groups": grouped(reader), **members_context(room)}

    def crowd(self, room: Any, reader: Any) -> presence.Crowd | None:
        """Who is here; None where nothing tells, and where there are only two."""
        if room.is_direct or not self.page.live_url:
            return None
        return presence.seen_by(reader, room)

    def answered(self) -> Any:
        """The message that the composer answers, where scripts are off."""
        key = self.request.GET.get("reply")
        if not key:
            return None
        try:
            found = get_message_model().objects.with_people().filter(room_id=self.room.pk)
            return pages.lines([found.get_message(key)], self.request.user)[0]  # type: ignore[attr-defined]
        except NotFound:
            return None

    def asked(self) -> dict[str, int]:
        """Which stretch of the log the address names."""
        for name in ("before", "after", "around"):
            given = self.request.GET.get(name, "")
            if given.isdecimal() and len(given) < 16:
                return {name: int(given)}
        day = parse_day(self.request.GET.get("date", ""))
        if day is not None:
            found = history.at_date(self.room, day)
            return {"around": found if found is not None else self.room.last_mno}
        return {}


def pins(room: Any, reader: Any) -> dict[str, Any]:
    """The pinned messages of a room, and the newest as a line."""
    found = history.pinned(room)
    return {"pins": found, "pin": pages.lines(found[:1], reader)[0] if found else None}


def request_part(request: Any) -> str:
    return str(request.GET.get("part", ""))


def parse_day(text: str) -> dt.datetime | None:
    """The first moment of a day in the reader's time zone; None for what is no day."""
    try:
        day = parse_date(text)
    except ValueError:
        return None
    if day is None or not 1970 <= day.year <= 9000:
        return None
    return timezone.make_aware(dt.datetime(day.year, day.month, day.day))


def room_title(room: Any, reader: Any) -> str:
    """What a room is called for this reader: of a direct one, the other person's name."""
    if room.is_direct:
        other = policies.other_of(reader, room)
        return str(people.card(other).name)
    return str(room.title) or _("Group")


def members_context(room: Any) -> dict[str, Any]:
    """The members of a room as its side shows them. One query."""
    rows = RoomMember.objects.inside().filter(room_id=room.pk).select_related("person")
    found: list[Any] = list(rows.order_by("role", "id")[:ASIDE])
    for row in found:
        row.card = people.card(row.person)
        row.key = user_key(row.person_id)
    return {
        "moderators": [row for row in found if row.is_moderating],
        "others": [row for row in found if not row.is_moderating],
        "more_members": max(0, room.member_count - len(found)),
    }


class OfView(PageView):
    """The room of an object by its public key: on to the room, or an offer to open it."""

    template_name = "threadflow_chat/open.html"
    parts = {"panel": "threadflow_chat/partials/_open.html"}

    def check_access(self) -> None:
        require_person(self.request)
        self.target = find_target(self.request, self.kwargs["code"], self.kwargs["key"])
        self.room = room_service.room_of(self.target)

    def get(self, request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if self.room is None:
            return super().get(request, *args, **kwargs)
        url = self.room.get_absolute_url()
        part = request_part(request)
        return HttpResponseRedirect(f"{url}?part={part}" if part else url)

    def get_context(self) -> dict[str, Any]:
        verdict = policies.may_open(self.request.user, self.target)
        binding = bindings.binding_of(self.target)
        return {
            "title": binding.title(self.target),
            "target_url": binding.url(self.target),
            "why": None if verdict else verdict,
            "feature": getattr(verdict, "feature", ""),
            "upgrade_url": getattr(verdict, "upgrade_url", ""),
            "open_url": reverse("threadflow_chat:open", kwargs=self.kwargs),
        }


class OpenView(ServiceView):
    """Open the room of an object."""

    def check_access(self) -> None:
        require_person(self.request)
        self.target = find_target(self.request, self.kwargs["code"], self.kwargs["key"])

    def act(self, form: Any) -> dict[str, Any]:
        return {"room": room_service.open_for(person=self.request.user, target=self.target)}

    def answer_success(self, context: dict[str, Any]) -> HttpResponse:
        response = super().answer_success(context)
        if self.is_htmx:
            response["HX-Redirect"] = self.get_success_url(context)
        return response

    def get_success_url(self, context: dict[str, Any]) -> str:
        return str(context["room"].get_absolute_url())


def find_target(request: Any, code: str, key: str) -> Any:
    binding = bindings.binding_named(code)
    found = binding.find_public(key, request.user) if binding is not None else None
    if found is None:
        raise NotFound()
    return found


class PinsView(PageView):
    template_name = "threadflow_chat/pins.html"
    parts = {"dialog": "threadflow_chat/partials/_pins.html"}

    def check_access(self) -> None:
        require_person(self.request)
        self.room = find_readable(self.request, self.kwargs["room"])

    def get_context(self) -> dict[str, Any]:
        found = history.pinned(self.room)
        return {
            "room": self.room,
            "title": room_title(self.room, self.request.user),
            "lines": pages.lines(found, self.request.user),
        }


class SearchView(PageView):
    """Messages with some words, in one room or in all that the reader may read."""

    template_name = "threadflow_chat/search.html"

    def check_access(self) -> None:
        require_person(self.request)
        key = self.kwargs.get("room")
        self.room = find_readable(self.request, key) if key else None

    def get_context(self) -> dict[str, Any]:
        words = self.request.GET.get("q", "").strip()[:200]
        found = None
        if words:
            spend(finding.SEARCH_LIMIT, self.request)
            found = finding.find(
                person=self.request.user,
                text=words,
                room=self.room,
                cursor=self.request.GET.get("cursor") or None,
            )
        shown = found.messages if found else []
        return {
            "room": self.room,
            "title": room_title(self.room, self.request.user) if self.room else "",
            "words": words,
            "found": found,
            "hits": [
                (line, message.room)
                for line, message in zip(pages.lines(shown, self.request.user), shown, strict=True)
            ],
        }


class CallView(ServiceView):
    """On to the call of a room."""

    def check_access(self) -> None:
        require_person(self.request)
        self.room = find_readable(self.request, self.kwargs["room"])

    def act(self, form: Any) -> dict[str, Any]:
        from ..services import calling

        spend(calling.CALL_LIMIT, self.request)
        return {"call": calling.join_call(person=self.request.user, room=self.room)}

    def get_success_url(self, context: dict[str, Any]) -> str:
        return str(context["call"].url)
