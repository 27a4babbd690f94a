"""Row locks, always in this order: sub, thread, comments by path, marks, person-in-sub, topic.

A lock keeps other writers of the row out, not those who only refer to it: a row elsewhere whose
foreign key is checked at commit must not wait for a transaction that may be waiting for that row.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import IntegrityError, connections, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from threadflow_core.exceptions import Conflict, NotFound
from threadflow_core.lookups import one

from ..models import Membership, Role
from ..swaps import get_comment_model, get_sub_model, get_thread_model


def _locked(rows: QuerySet[Any]) -> QuerySet[Any]:
    weak = connections[rows.db].features.has_select_for_no_key_update
    return rows.select_for_update(of=("self",), no_key=weak)


def lock_sub(pk: int) -> Any:
    """The sub with its row locked until the transaction ends; raises NotFound."""
    sub = one(_locked(get_sub_model().objects.filter(pk=pk)))
    if sub is None:
        raise NotFound()
    return sub


def lock_thread(pk: int) -> Any:
    """The thread, locked, with its sub (not locked)."""
    rows = get_thread_model().objects.select_related("sub")
    thread = one(_locked(rows.filter(pk=pk)))
    if thread is None:
        raise NotFound()
    return thread


def lock_comment(pk: int) -> Any:
    """The comment, locked, with its thread and sub (not locked)."""
    rows = get_comment_model().objects.select_related("thread__sub")
    comment = one(_locked(rows.filter(pk=pk)))
    if comment is None:
        raise NotFound()
    return comment


def lock_membership(person: Any, sub: Any) -> Membership:
    """What ties `person` to `sub`, locked; made first, as a guest, when there is nothing yet.

    Karma writes the same row without the lock of the sub.
    """
    rows = Membership.objects.filter(person_id=person.pk, sub_id=sub.pk)
    found = one(_locked(rows))
    if found is None:
        guest = Membership(person_id=person.pk, sub_id=sub.pk, role=Role.GUEST)
        Membership.objects.bulk_create([guest], ignore_conflicts=True)
        found = _locked(rows).get()
    return found


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
