"""Single decisions that a site may take differently: subclass, override, name it in ADAPTER."""

from __future__ import annotations

from typing import Any, cast

from threadflow_core.policies import Verdict

from .app_settings import app_settings


class ChatAdapter:
    """Each method says when it is asked. Keyword arguments only, so that more can be added."""

    def may_take_part(self, *, person: Any) -> Verdict:
        """Asked before any writing. The place for «only with a verified address»."""
        return Verdict.yes()

    def may_open_group(self, *, person: Any, visibility: str) -> Verdict:
        """Asked before a group is opened."""
        return Verdict.yes()

    def may_message(self, *, person: Any, other: Any) -> Verdict:
        """Asked before a direct room of the two is opened or written to; blocks are checked."""
        return Verdict.yes()

    def is_new(self, *, person: Any) -> bool:
        """Asked before a message is counted: newcomers get the stricter limit."""
        return False

    def is_spam(self, *, author: Any, room: Any, text: str) -> bool:
        """Asked before a message is stored; True refuses it."""
        return False

    def shows_presence(self, *, person: Any) -> bool:
        """Asked when somebody enters a room: False keeps them invisible."""
        return True


def adapter() -> ChatAdapter:
    """The site's adapter."""
    return cast("ChatAdapter", app_settings.load("ADAPTER")())
