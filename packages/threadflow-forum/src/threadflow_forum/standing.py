"""What a reader is to a thread: the mark on it, the membership in its sub. One statement for both.

Every page of a member begins with it. As annotations of the thread the same costs a quarter of such
a page, nearly all of it for putting the statement together.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from django.db import connections, router

from threadflow_core import realtime
from threadflow_core.columns import Columns

from .models import Membership, ThreadMark
from .swaps import get_thread_model

MARK = ("vote", "saved_at", "hidden_at", "read_number")
HERE = ("role", "is_approved", "banned_at", "banned_until", "ban_reason")


def read(person: Any, thread_pk: int, topic: str = "") -> dict[str, Any]:
    """Attributes for the thread, by name. Read them before the thread itself.

    `my_vote`, `my_saved`, `my_hidden` and `my_read` are None where the reader left no mark; `here` is
    their membership, a guest's where there is none; `position` is that of the live `topic`, as
    `realtime.position` tells it, (0, "") where none is asked for.
    """
    using = router.db_for_read(get_thread_model())
    connection = connections[using]
    position = realtime.position_sql(using) if topic else None
    elsewhere = realtime.position(topic) if topic and position is None else (0, "")
    key = Membership._meta.get_field("person").get_db_prep_value(person.pk, connection)
    names = [topic, topic] if position else []
    with connection.cursor() as cursor:
        cursor.execute(_sql(using, position or "0, ''"), [*names, key, key, thread_pk])
        row = cursor.fetchone()
    seq, epoch, sub_id, *rest = row or [None] * (3 + len(MARK) + len(HERE))
    marks, here = _columns(using)
    ((vote, saved, hidden, seen),) = marks.values([rest[: len(MARK)]])
    (member,) = here.values([rest[len(MARK) :]])
    values = dict(zip(HERE, member, strict=True))
    if values["role"] is None:
        values = {"role": "guest"}
    return {
        "position": (seq, epoch) if seq else elsewhere,
        "my_vote": vote,
        "my_saved": saved,
        "my_hidden": hidden,
        "my_read": seen,
        "here": Membership(person_id=person.pk, sub_id=sub_id, **values),
    }


@lru_cache(maxsize=8)
def _columns(using: str) -> tuple[Columns, Columns]:
    return Columns(using, ThreadMark, MARK), Columns(using, Membership, HERE)


@lru_cache(maxsize=8)
def _sql(using: str, position: str) -> str:
    quote = connections[using].ops.quote_name
    marks, here = _columns(using)
    threads: Any = get_thread_model()._meta
    return (
        f"SELECT {position}, t.sub_id, {marks.sql('m')}, {here.sql('s')} "  # noqa: S608
        f"FROM {quote(threads.db_table)} t "
        f"LEFT JOIN {quote(ThreadMark._meta.db_table)} m "
        f"ON m.thread_id = t.{quote(threads.pk.column)} AND m.person_id = %s "
        f"LEFT JOIN {quote(Membership._meta.db_table)} s "
        f"ON s.sub_id = t.sub_id AND s.person_id = %s "
        f"WHERE t.{quote(threads.pk.column)} = %s"
    )
