"""What the services of the chat raise besides core's errors."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from threadflow_core.exceptions import Conflict, Invalid, LimitExceeded, NotAllowed


class PremiumRequired(NotAllowed):
    """A feature is missing: `feature` is its code, `upgrade_url` where it can be had."""

    code = "premium_required"
    message = _("This needs a membership.")

    def __init__(self, message: Any = None, *, feature: str = "", upgrade_url: str = "") -> None:
        super().__init__(message)
        self.feature = feature
        self.upgrade_url = upgrade_url


class Barred(NotAllowed):
    """Muted or banned; `until` is None for without end."""

    def __init__(self, message: Any, *, code: str, until: datetime | None = None) -> None:
        super().__init__(message, code=code)
        self.until = until


class SlowMode(LimitExceeded):
    """The room lets everybody speak once in a while; `retry_after` is in seconds."""

    code = "slow_mode"
    message = _("This room is in slow mode. Wait a moment before the next message.")


class DuplicateText(Invalid):
    code = "duplicate_text"
    message = _("You have just said that.")


class ConfirmMention(Conflict):
    """`@here` would call many: send again confirmed. `count` is how many."""

    code = "confirm_mention"
    message = _("That calls everybody in this room.")

    def __init__(self, message: Any = None, *, count: int = 0) -> None:
        super().__init__(message)
        self.count = count
