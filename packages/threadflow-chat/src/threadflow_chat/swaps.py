"""The two models that a site may replace, and how the code reaches the ones in force."""

from __future__ import annotations

from typing import TYPE_CHECKING

from threadflow_core import swaps

if TYPE_CHECKING:
    from .abstract_models import AbstractMessage, AbstractRoom

APP = "threadflow_chat"

SWAP_POINTS = {
    "Room": "threadflow_chat.abstract_models.AbstractRoom",
    "Message": "threadflow_chat.abstract_models.AbstractMessage",
}


def get_room_model() -> type[AbstractRoom]:
    return swaps.load(APP, "Room")


def get_message_model() -> type[AbstractMessage]:
    return swaps.load(APP, "Message")
