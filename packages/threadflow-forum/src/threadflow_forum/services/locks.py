"""Row locks, always in this order: sub, thread, comments by path, marks, person-in-sub, topic."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from threadflow_core.exceptions import Conflict, NotFound

from ..swaps import get_comment_model, get_sub_model, get_thread_model


def lock_sub(pk: int) -> Any:
    """The sub with its row locked until the transaction ends; raises NotFound."""
    sub = get_sub_model().objects.select_for_update().filter(pk=pk).first()
    if sub is None:
        raise NotFound()
    return sub


def lock_thread(pk: int) -> Any:
    """The thread, locked, with its sub (not locked)."""
    rows = get_thread_model().objects.select_related("sub").select_for_update(of=("self",))
    thread = rows.filter(pk=pk).first()
    if thread is None:
        raise NotFound()
    return thread


def lock_comment(pk: int) -> Any:
    """The comment, locked, with its thread and sub (not locked)."""
    rows = get_comment_model().objects.select_related("thread__sub")
    comment = rows.select_for_update(of=("self",)).filter(pk=pk).first()
    if comment is None:
        raise NotFound()
    return comment


@contextmanager
def writing_once(nonce: str | None) -> Iterator[None]:
    """A transaction that writes a text with a one-time key.

    Raises Conflict when the same key came in elsewhere at the same moment: another thread or sub
    is another lock, so the database is the first to notice.
    """
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        if not nonce:
            raise
        raise used_elsewhere() from error


def used_elsewhere() -> Conflict:
    return Conflict(_("This form was already used for something else."), code="nonce_used")
