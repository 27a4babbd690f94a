"""Reactions: one person's one emoji on one message."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from threadflow_core.exceptions import Conflict
from threadflow_core.limits import Limit

from .. import policies, signals
from ..abstract_models import AbstractMessage
from ..app_settings import app_settings
from ..models import Reaction
from . import announce, texts
from .locks import lock_message

REACT_LIMIT = Limit.parse("chat.react", "60/m")


@transaction.atomic
def react(*, person: Any, message: AbstractMessage, emoji: str, on: bool) -> AbstractMessage:
    """Put an emoji on a message, or take one's own off. The same again changes nothing.

    Raises NotAllowed, Invalid for what is no emoji, Conflict when there are too many different.
    """
    clean = texts.emoji(emoji)
    locked = lock_message(message.pk)
    policies.require(policies.may_react(person, locked, locked.room))
    rows = Reaction.objects.filter(message=locked, emoji=clean, person=person)
    if rows.exists() == on:
        return locked
    if on:
        _refuse_too_many(locked, clean)
        Reaction.objects.create(message=locked, emoji=clean, person=person)
    else:
        rows.delete()
    locked.reaction_count = max(0, locked.reaction_count + (1 if on else -1))
    locked.save(update_fields=["reaction_count"])
    announce.reaction_changed(locked.room, locked, person, clean)
    transaction.on_commit(
        lambda: signals.reaction_changed.send_robust(
            Reaction, message=locked, person=person, emoji=clean, on=on
        )
    )
    return locked


def _refuse_too_many(message: Any, emoji: str) -> None:
    rows = Reaction.objects.filter(message=message)
    used = set(rows.order_by().values_list("emoji", flat=True).distinct())
    if emoji not in used and len(used) >= app_settings.REACTIONS_MAX:
        raise Conflict(_("There are enough different reactions here."), code="too_many_reactions")
