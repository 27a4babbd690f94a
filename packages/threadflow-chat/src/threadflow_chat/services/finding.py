"""Finding messages by their words, through core's index."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from threadflow_core import search as core_search
from threadflow_core.limits import Limit
from threadflow_core.search.grammar import parse

from ..abstract_models import AbstractMessage, AbstractRoom
from ..search import KIND, room_tag
from ..swaps import get_message_model

SEARCH_LIMIT = Limit.parse("chat.search", "60/m")


@dataclass(frozen=True, slots=True)
class Found:
    """Messages in the order of the search; `next` and `previous` are cursors."""

    messages: list[AbstractMessage]
    next: str | None
    previous: str | None


def find(
    *,
    person: Any,
    text: str,
    room: AbstractRoom | None = None,
    limit: int = 25,
    cursor: str | None = None,
) -> Found:
    """Messages that `person` may read, newest first, in `room` or in all rooms.

    Two queries. Raises BadCursor.
    """
    asked = parse(text)
    if room is not None and not asked.is_empty:
        asked = replace(asked, tags=(room_tag(room.pk),))
    page = core_search.query(
        asked, person=person, kinds=[KIND], limit=limit, cursor=cursor, sort="new"
    )
    rows = get_message_model().objects.visible_to(person).with_people().select_related("room")
    found = {row.pk: row for row in rows.filter(pk__in=[hit.pk for hit in page.hits])}
    hits = [found[hit.pk] for hit in page.hits if hit.pk in found]
    return Found(hits, page.next, page.previous)
