"""What the chat's pages share: looking rooms and messages up for the reader, and the shell."""

from __future__ import annotations

import re
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _

from threadflow_core import people
from threadflow_core.exceptions import Invalid, NotFound, SignInRequired

from .. import policies, rosters
from ..swaps import get_message_model, get_room_model

_BETWEEN = re.compile(r"[\s,;@]+")


def find_room(request: HttpRequest, key: Any) -> Any:
    """A room that the reader may know of; raises NotFound. Reading it is asked apart."""
    return get_room_model().objects.find_visible(key, request.user)


def find_readable(request: HttpRequest, key: Any) -> Any:
    """A room whose messages the reader may read; raises NotFound, NotAllowed, PremiumRequired."""
    room = find_room(request, key)
    policies.require(policies.may_read(request.user, room))
    return room


def find_message(request: HttpRequest, key: Any) -> Any:
    """A message of a room that the reader may read, deleted ones too; raises NotFound."""
    rows = get_message_model().objects.with_people().select_related("room")
    return rows.find_readable(key, request.user)


def require_person(request: HttpRequest) -> None:
    if not request.user.is_authenticated:
        raise SignInRequired()


def find_person(name: str) -> Any:
    """Somebody active by their whole name; raises NotFound."""
    found = people.backend().by_names([name]) if name.isprintable() else {}
    if name not in found:
        raise NotFound()
    return found[name]


def find_people(text: str, *, field: str = "people") -> list[Any]:
    """Active people by the names in `text`; raises Invalid with those that nobody has."""
    names = [name for name in _BETWEEN.split(text) if name]
    found = people.backend().by_names(names)
    unknown = [name for name in dict.fromkeys(names) if name not in found]
    if unknown or not found:
        text = (
            _("Nobody here is called %(names)s.") % {"names": ", ".join(unknown)}
            if unknown
            else _("Name somebody.")
        )
        raise Invalid(fields={field: [text]})
    return list(found.values())


#: Groups of the list of rooms, in their order: (what, heading).
def grouped(reader: Any) -> list[tuple[Any, list[rosters.Row]]]:
    """The reader's rooms under headings: rooms of objects by kind, groups, direct ones."""
    found: dict[Any, list[rosters.Row]] = {}
    for row in rosters.of(reader):
        found.setdefault(_heading(row), []).append(row)
    return sorted(found.items(), key=lambda pair: _ORDER.get(pair[1][0].kind, 0))


_ORDER = {"bound": 0, "group": 1, "direct": 2}


def _heading(row: rosters.Row) -> str:
    if row.kind == "direct":
        return _("Direct")
    if row.kind == "group":
        return _("Groups")
    return _("Threads") if row.target_kind == "thread" else _("Rooms")
