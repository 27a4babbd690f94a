"""Work that follows from what happened, after the transaction."""

from __future__ import annotations

from threadflow_core import jobs, realtime

from . import rosters
from .services import bots, mentions, previews


@jobs.handler("chat.message_sent", name="chat.mentions")
def mentions_of_new(event: jobs.JobEvent) -> None:
    """Rows for whom a message names, then the badges of the room's members."""
    mentions.follow_text(event.payload["message_id"])
    mentions.push_unread(event.payload["message_id"])


@jobs.handler("chat.message_edited", name="chat.mentions_of_edit")
def mentions_of_edit(event: jobs.JobEvent) -> None:
    """An edit may name others, or nobody any more."""
    mentions.follow_text(event.payload["message_id"])


@jobs.handler("chat.message_hidden", name="chat.mentions_of_hidden")
def mentions_of_hidden(event: jobs.JobEvent) -> None:
    """What is gone names nobody."""
    mentions.follow_text(event.payload["message_id"])


@jobs.handler(
    "chat.message_linked", name="chat.previews", queue="bulk", atomic=False, max_attempts=2
)
def previews_of_links(event: jobs.JobEvent) -> None:
    """Cards of the pages that a new or changed text links to."""
    previews.enrich(event.payload["message_id"])


@jobs.handler("chat.bot_began", name="chat.close_unfinished")
def close_unfinished(event: jobs.JobEvent) -> None:
    """A bot that died in the middle leaves what it had said, marked as cut off."""
    bots.close_unfinished(event.payload["message_id"])


@jobs.handler("chat.person_erased", name="chat.farewells", atomic=False)
def farewells(event: jobs.JobEvent) -> None:
    """Open pages hide what an erased person said. A room at a time: each locks its own topic.

    A direct room's page is loaded anew, so no kept list may have their name by then.
    """
    rosters.expire_all()
    for room in event.payload["rooms"]:
        realtime.publish(f"room:{room}", "person.gone", ids={"author": event.payload["author"]})
