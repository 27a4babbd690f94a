"""Messages as pages show them: the frames of live clients, in lines with days and breaks."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.utils import timezone

from . import frames

#: Messages of one person closer together than this stand under one name.
TOGETHER = timedelta(minutes=5)

#: Emoji that are offered first.
EMOJI = ("👍", "❤️", "😂", "🎉", "😮", "😢", "🙏", "👀", "✅", "🔥", "💯", "🤔")


@dataclass(slots=True)
class Line:
    """One message: its frame, whether it begins with a name, and what stands above it."""

    frame: dict[str, Any]
    at: datetime
    begins: bool
    #: The day, where a new one begins.
    day: date | None = None
    #: The first message that the reader has not seen.
    first_unread: bool = False
    reactions: list[dict[str, Any]] = field(default_factory=list)


def lines(messages: list[Any], reader: Any, *, last_read: int | None = None) -> list[Line]:
    """Lines of messages in their order. `last_read`: number after which everything is new.

    As many queries as `frames.messages`.
    """
    found: list[Line] = []
    before: Line | None = None
    marked = last_read is None
    for message, frame in zip(messages, frames.messages(messages, reader), strict=True):
        if "author" in frame:  # as the avatar's template asks for it
            frame["author"]["avatar_url"] = frame["author"]["avatar"]
        line = Line(frame, message.created_at, begins=True, reactions=frame.get("reactions", []))
        day = timezone.localtime(message.created_at).date()
        if before is None or timezone.localtime(before.at).date() != day:
            line.day = day
        elif not marked and last_read is not None and message.mno > last_read:
            line.first_unread = marked = True
        if before is not None and line.day is None and not line.first_unread:
            line.begins = not _goes_on(before, line)
        found.append(line)
        before = line
    return found


def _goes_on(before: Line, line: Line) -> bool:
    """Whether a message belongs under the name above it."""
    one, other = before.frame, line.frame
    if "gone" in one or "gone" in other or other["reply_to"] or other["kind"] != one["kind"]:
        return False
    return bool(
        one["author"]["id"]
        and one["author"]["id"] == other["author"]["id"]
        and line.at - before.at < TOGETHER
    )
