"""What `AppConfig.ready` does for live rooms."""

from __future__ import annotations

from typing import Any

from threadflow_core import realtime
from threadflow_core.ports import entitlements_changed
from threadflow_core.realtime import kinds

from .. import shell
from . import ops, topics


def ready() -> None:
    """Register the topic of rooms and the ops of clients; ask rights again when they change."""
    kinds.register(topics.RoomTopic)
    realtime.register_summary("chat", shell.summary)
    for name, handler in ops.HANDLERS.items():
        realtime.register_op(name, handler)
    entitlements_changed.connect(_recheck, dispatch_uid="threadflow.chat.entitlements")


def _recheck(*, person: Any, **kwargs: Any) -> None:
    if getattr(person, "pk", None) is not None:
        realtime.control(person.pk, "recheck")
