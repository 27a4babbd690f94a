"""Joining the call of a room."""

from __future__ import annotations

from typing import Any

from threadflow_core.exceptions import NotFound
from threadflow_core.limits import Limit

from .. import calls, policies
from ..abstract_models import AbstractRoom

CALL_LIMIT = Limit.parse("chat.call", "20/10m")


def join_call(*, person: Any, room: AbstractRoom) -> calls.Call:
    """The way into the call of a room, for who may write there. Raises NotFound without calls."""
    policies.require(policies.may_write(person, room))
    backend = calls.backend()
    if backend is None:
        raise NotFound()
    return backend.join(room=room, person=person)
