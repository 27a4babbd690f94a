"""Bots are members: they begin a message, stream its text, and finish it by one edit.

with bots.answer(bot=bot, room=room, reply_to=question) as stream:
    for piece in model:
        if not stream.write(piece):
            break  # somebody pressed stop
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from threadflow_core import jobs, realtime
from threadflow_core.exceptions import Conflict, NotAllowed

from .. import message_kinds, policies
from ..abstract_models import AbstractMessage, AbstractRoom, MessageState
from ..app_settings import app_settings
from ..swaps import get_message_model
from . import messages, texts
from .locks import lock_message, lock_room

#: Parts per second at most; what comes faster is gathered.
PARTS_PER_SECOND = 5
#: Seconds between two looks whether somebody pressed stop.
LOOK_EVERY = 0.5


def begin(
    *,
    bot: Any,
    room: AbstractRoom,
    reply_to: AbstractMessage | None = None,
    nonce: str | None = None,
    metadata: dict[str, Any] | None = None,
) -> AbstractMessage:
    """Announce an empty message of `bot` that is being written. Bots obey slow mode and mutes.

    Raises NotAllowed with `bot_depth` when bots have answered each other BOT_DEPTH times, and
    what `send_message` raises. A message that is not finished within BOT_TIMEOUT_SECONDS is
    closed as cut off.
    """
    depth = _depth_of(reply_to) + 1
    if depth > app_settings.BOT_DEPTH:
        raise NotAllowed(_("Bots have answered each other often enough."), code="bot_depth")
    with transaction.atomic():
        message = messages.send_message(
            author=bot,
            room=room,
            text="",
            nonce=nonce,
            reply_to=reply_to,
            kind=message_kinds.BOT,
            metadata={**(metadata or {}), "bot_depth": depth},
            state=MessageState.STREAMING,
        )
        late = timezone.now() + timedelta(seconds=app_settings.BOT_TIMEOUT_SECONDS)
        jobs.emit(
            "chat.bot_began",
            dedupe_key=f"bot-{message.pk}",
            run_after=late,
            message_id=str(message.pk),
        )
    return message


def _depth_of(message: Any) -> int:
    if message is None or message.kind != message_kinds.BOT:
        return 0
    return int(message.metadata.get("bot_depth", 1))


def send(
    *,
    bot: Any,
    room: AbstractRoom,
    text: str,
    reply_to: AbstractMessage | None = None,
    nonce: str | None = None,
    metadata: dict[str, Any] | None = None,
) -> AbstractMessage:
    """A whole message of a bot at once."""
    depth = _depth_of(reply_to) + 1
    if depth > app_settings.BOT_DEPTH:
        raise NotAllowed(_("Bots have answered each other often enough."), code="bot_depth")
    return messages.send_message(
        author=bot,
        room=room,
        text=text,
        nonce=nonce,
        reply_to=reply_to,
        kind=message_kinds.BOT,
        metadata={**(metadata or {}), "bot_depth": depth},
    )


def finish(
    *, message: AbstractMessage, text: str, metadata: dict[str, Any] | None = None
) -> AbstractMessage:
    """Give the message its whole text by one sequenced edit. Finishing twice changes nothing.

    `metadata` is added (sources, whether it was cut off). A text over the limit is cut.
    """
    content = texts.body(text[: app_settings.TEXT_MAX_LENGTH], required=False)
    with transaction.atomic():
        room = lock_room(message.room_id)
        locked = lock_message(message.pk)
        if not locked.is_streaming:
            return locked
        locked.source, locked.html = content.source, content.html
        locked.state = MessageState.VISIBLE
        locked.version += 1
        locked.metadata = {**locked.metadata, **(metadata or {})}
        locked.save(update_fields=["source", "html", "state", "version", "metadata"])
        messages.announce_edit(room, locked)
    return locked


@transaction.atomic
def stop(*, person: Any, message: AbstractMessage) -> AbstractMessage:
    """Ask a streaming bot to stop; what it has said so far stays.

    For whoever it answers, and for moderators. Raises NotAllowed, Conflict when it is finished.
    """
    locked = lock_message(message.pk)
    if not locked.is_streaming:
        raise Conflict(_("This answer is finished."), code="not_streaming")
    asked = locked.reply_to_id is not None and locked.reply_to.author_id == person.pk
    if not asked:
        policies.require(policies.may_moderate(person, locked.room))
    locked.metadata = {**locked.metadata, "stop": True}
    locked.save(update_fields=["metadata"])
    return locked


def is_stopped(message: AbstractMessage) -> bool:
    """Whether the message should not be written on: stopped, taken back or finished."""
    rows = get_message_model().objects.filter(pk=message.pk).values_list("state", "metadata")
    found = rows.first()
    return found is None or found[0] != MessageState.STREAMING or bool(found[1].get("stop"))


class Stream:
    """The text of one message while it is being written. Use it in one thread."""

    def __init__(self, message: AbstractMessage) -> None:
        self.message = message
        self.text = ""
        self.stopped = False
        self._number = 0
        self._sent_at = self._looked_at = 0.0

    def write(self, piece: str) -> bool:
        """Add to the text and show it, at most PARTS_PER_SECOND times a second.

        False when it should not be written on.
        """
        self.text += piece
        now = time.monotonic()
        if now - self._looked_at >= LOOK_EVERY:
            self._looked_at = now
            self.stopped = self.stopped or is_stopped(self.message)
        if now - self._sent_at >= 1 / PARTS_PER_SECOND:
            self._sent_at = now
            self._number += 1
            part(self.message, self._number, self.text)
        return not self.stopped and len(self.text) < app_settings.TEXT_MAX_LENGTH


def part(message: AbstractMessage, number: int, text: str) -> None:
    """Show how far a message is: all of its text so far. May be lost; the last edit is not."""
    realtime.hint(
        f"room:{message.room_id}",
        "bot.part",
        room=str(message.room_id),
        id=str(message.pk),
        n=number,
        text=text[: app_settings.TEXT_MAX_LENGTH],
    )


@contextmanager
def answer(
    *,
    bot: Any,
    room: AbstractRoom,
    reply_to: AbstractMessage | None = None,
    nonce: str | None = None,
) -> Iterator[Stream]:
    """Begin a message, stream it, and finish it; what breaks it off is kept as cut off."""
    stream = Stream(begin(bot=bot, room=room, reply_to=reply_to, nonce=nonce))
    try:
        yield stream
    except BaseException:
        finish(message=stream.message, text=stream.text, metadata={"cut": True})
        raise
    finish(
        message=stream.message,
        text=stream.text,
        metadata={"cut": True} if stream.stopped else None,
    )


def close_unfinished(message_id: str) -> bool:
    """Close a message that its bot never finished; True when there was something to close."""
    message = get_message_model().objects.filter(pk=message_id).first()
    if message is None or not message.is_streaming:
        return False
    finish(message=message, text=message.source, metadata={"cut": True})
    return True
