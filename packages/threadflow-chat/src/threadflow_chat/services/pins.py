"""Pinned messages."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from threadflow_core.limits import Limit

from .. import policies
from ..abstract_models import AbstractMessage
from ..models import Pin
from . import announce
from .locks import lock_message

PIN_LIMIT = Limit.parse("chat.pin", "60/10m")


@transaction.atomic
def set_pinned(*, person: Any, message: AbstractMessage, on: bool) -> AbstractMessage:
    """Keep a message in sight, or let it go. The same again changes nothing."""
    locked = lock_message(message.pk)
    policies.require(policies.may_pin(person, locked, locked.room))
    rows = Pin.objects.filter(message=locked)
    if rows.exists() != on:
        if on:
            Pin.objects.create(message=locked, room=locked.room, person=person)
        else:
            rows.delete()
        announce.pin_changed(locked.room, locked)
    return locked
