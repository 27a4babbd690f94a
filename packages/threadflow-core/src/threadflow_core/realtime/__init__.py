"""Live frames: topics with a sequence taken in the writing transaction, a log of ids, a hub.

`publish` is all that a service needs. The log is written whether or not anybody listens, and
without Channels nothing more is imported.
"""

from __future__ import annotations

from .kinds import (
    LiveEventData,
    TopicKind,
    register,
    register_frame,
    register_op,
    register_summary,
    user_topic,
)
from .publishing import control, drop_cached, hint, position, position_sql, publish, recheck

__all__ = [
    "LiveEventData",
    "TopicKind",
    "control",
    "drop_cached",
    "hint",
    "position",
    "position_sql",
    "publish",
    "recheck",
    "register",
    "register_frame",
    "register_op",
    "register_summary",
    "user_topic",
]
