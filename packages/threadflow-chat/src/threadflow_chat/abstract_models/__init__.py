"""Bases of the swappable models: a site's replacement inherits one of these."""

from __future__ import annotations

from .messages import AbstractMessage, MessageState
from .rooms import AbstractRoom, RoomKind, RoomState, RoomVisibility

__all__ = [
    "AbstractMessage",
    "AbstractRoom",
    "MessageState",
    "RoomKind",
    "RoomState",
    "RoomVisibility",
]
