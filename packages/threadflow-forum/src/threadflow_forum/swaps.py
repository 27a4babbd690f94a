"""The three models that a site may replace, and how the code reaches the ones in force."""

from __future__ import annotations

from typing import TYPE_CHECKING

from threadflow_core import swaps

if TYPE_CHECKING:
    from .abstract_models import AbstractComment, AbstractSub, AbstractThread

APP = "threadflow_forum"

SWAP_POINTS = {
    "Sub": "threadflow_forum.abstract_models.AbstractSub",
    "Thread": "threadflow_forum.abstract_models.AbstractThread",
    "Comment": "threadflow_forum.abstract_models.AbstractComment",
}


def get_sub_model() -> type[AbstractSub]:
    return swaps.load(APP, "Sub")


def get_thread_model() -> type[AbstractThread]:
    return swaps.load(APP, "Thread")


def get_comment_model() -> type[AbstractComment]:
    return swaps.load(APP, "Comment")
