"""What a room is to one person: pointer, level, what they may do, how long slow mode lasts."""

from __future__ import annotations

from datetime import datetime
from math import ceil
from typing import Any

from django.utils import timezone

from .. import policies


def of(person: Any, room: Any) -> dict[str, Any]:
    """The `me` of a room, for frames, REST and pages."""
    here = policies.Here(person, room)
    member = here.member
    return {
        "role": member.role,
        "level": member.level if member.is_inside else "none",
        "inside": member.is_inside,
        "last_read": member.last_read_mno,
        "unread": max(0, room.last_mno - member.last_read_mno) if member.is_inside else 0,
        "mentions": member.mention_count,
        "can": policies.abilities(person, room, here),
        "why_not_write": _why_not(policies.may_write(person, room, here)),
        "slow_left": _slow_left(room, here),
        "muted_until": _moment(member.muted_until) if member.is_muted() else None,
    }


def _moment(at: datetime | None) -> str | None:
    return at.isoformat() if at is not None else None


def _why_not(verdict: Any) -> dict[str, Any] | None:
    """The reason as a page shows it in place of the composer."""
    if verdict.allowed:
        return None
    return {
        "code": verdict.code,
        "msg": str(verdict.message),
        "feature": getattr(verdict, "feature", ""),
        "upgrade_url": getattr(verdict, "upgrade_url", ""),
    }


def _slow_left(room: Any, here: policies.Here) -> int:
    """Whole seconds until the person may write again."""
    last = here.member.last_sent_at
    if not room.slow_seconds or last is None or here.is_moderator:
        return 0
    passed = (timezone.now() - last).total_seconds()
    return max(0, ceil(room.slow_seconds - passed))
