"""Single decisions that a site may take differently: subclass, override, name it in ADAPTER."""

from __future__ import annotations

from typing import Any, cast

from django.utils.translation import gettext as _

from threadflow_core.policies import Verdict

from .app_settings import app_settings


class ForumAdapter:
    """Each method says when it is asked. Keyword arguments only, so that more can be added."""

    def may_take_part(self, *, person: Any) -> Verdict:
        """Asked before any writing: posting, commenting, voting, opening a sub.

        The place for «only with a verified address».
        """
        return Verdict.yes()

    def may_open_sub(self, *, person: Any) -> Verdict:
        """Asked before a sub is opened."""
        if app_settings.SUB_CREATION == "staff" and not person.is_staff:
            return Verdict.no("staff_only", _("Only the staff opens subs here."))
        return Verdict.yes()

    def initial_state(self, *, author: Any, sub: Any, body: str) -> str:
        """The state of a new thread or comment: `visible`, or `pending` to hold it for review."""
        return "visible"

    def vote_effect(self, *, voter: Any, thing: Any, value: int) -> int:
        """What a vote counts for: `value`, or 0 to keep it without effect."""
        return value


def adapter() -> ForumAdapter:
    """The site's adapter."""
    return cast("ForumAdapter", app_settings.load("ADAPTER")())
