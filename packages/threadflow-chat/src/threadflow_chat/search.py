"""Messages as documents of core's search."""

from __future__ import annotations

from typing import Any

from threadflow_core import markup, people
from threadflow_core import search as core_search
from threadflow_core.search.registry import Document, SearchKind

from . import message_kinds
from .swaps import get_message_model

KIND = "chat_message"


def register() -> None:
    core_search.register(
        SearchKind(
            name=KIND,
            model=get_message_model,
            document=document,
            visible=lambda person: get_message_model().objects.visible_to(person),
            related=("author",),
        )
    )


def document(message: Any) -> Document | None:
    """What can be found of a message; nothing of what is gone, half written or a note."""
    if message.state != "visible" or message.kind == message_kinds.SYSTEM:
        return None
    return Document(
        title="",
        body=markup.excerpt(message.html, 10_000),
        created_at=message.created_at,
        author=people.card(message.author).handle if message.author_id else "",
        tag=room_tag(message.room_id),
    )


def room_tag(room_id: Any) -> str:
    """What narrows a search to one room."""
    return f"room-{room_id.hex}"
