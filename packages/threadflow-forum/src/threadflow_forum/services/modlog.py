"""The one writer of the moderation log."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from .. import signals
from ..models import ModAction, ModLogEntry


def write(
    *,
    sub: Any,
    actor: Any,
    action: ModAction,
    reason: str = "",
    thread: Any = None,
    comment: Any = None,
    person: Any = None,
    reverts: ModLogEntry | None = None,
    **details: Any,
) -> ModLogEntry:
    """Write one row in the caller's transaction, so that no act is without a trace."""
    entry = ModLogEntry.objects.create(
        sub=sub,
        actor=actor,
        action=action,
        reason=reason[:300],
        thread=thread,
        comment=comment,
        person=person,
        reverts=reverts,
        details=details,
    )
    transaction.on_commit(lambda: signals.moderated.send_robust(ModLogEntry, entry=entry))
    return entry


def last(action: ModAction, **target: Any) -> ModLogEntry | None:
    """The newest entry of `action` about a target: what an undo reverts."""
    return ModLogEntry.objects.filter(action=action, **target).order_by("-id").first()
