"""Rows of a comment tree: the first few replies of many comments, read in one statement.

A page looks at twice the comments that it shows, so they stay plain rows; the SQL is made once
per model and order, because putting it together would cost as much as the database takes.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from django.db import connections, router

from threadflow_core.columns import Columns
from threadflow_core.exceptions import BadCursor

from .abstract_models import State

#: What a row has: what pages and the API show, and every column that comments are sorted by.
COLUMNS = (
    *("author_id", "body_html", "state", "state_reason", "created_at", "edited_at", "version"),
    *("score", "controversy", "best", "parent_id", "answers_id", "number", "parent_number"),
    *("depth", "child_count", "descendant_count"),
)


class Row:
    """A comment as a page of a tree reads it: the key and `COLUMNS`."""

    __slots__ = ("pk", *COLUMNS)

    def __init__(self, values: Sequence[Any]) -> None:
        (
            self.pk, self.author_id, self.body_html, self.state, self.state_reason,
            self.created_at, self.edited_at, self.version, self.score, self.controversy,
            self.best, self.parent_id, self.answers_id, self.number, self.parent_number,
            self.depth, self.child_count, self.descendant_count,
        ) = values  # fmt: skip

    @property
    def id(self) -> int:
        return int(self.pk)

    @property
    def is_visible(self) -> bool:
        return self.state == State.VISIBLE


def read(
    model: Any,
    thread_id: int,
    numbers: list[int],
    order: tuple[str, ...],
    each: int,
    after: Sequence[Any] = (),
) -> list[Row]:
    """The first `each` shown replies of every comment in `numbers`; 0 stands for the thread.

    Replies of one comment come together and in `order`. With `after`, the values of a row in
    `order`, only what comes after that row. Raises BadCursor. One statement, which reads no other
    row than these.
    """
    if after and len(after) != len(order):
        raise BadCursor()
    using = router.db_for_read(model)
    connection = connections[using]
    bounds = [value for n, _ in enumerate(order) for value in after[: n + 1]]
    if connection.vendor == "postgresql":
        sql = _lateral(model, using, order, bool(after))
        parameters: list[Any] = [numbers, thread_id, *after[:1], *bounds, each]
    else:
        # SQLite has no LATERAL; a union of limited reads uses the same index in the same way.
        one = _limited(model, using, order, bool(after))
        sql = " UNION ALL ".join([one] * len(numbers))
        parameters = [
            value for number in numbers for value in (thread_id, number, *after[:1], *bounds, each)
        ]
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        found = cursor.fetchall()
    return [Row(values) for values in _columns(model, using).values(found)]


def instance(model: Any, row: Row) -> Any:
    """The comment itself; columns that the row lacks are read when somebody asks for them."""
    names = [model._meta.pk.attname, *COLUMNS]
    values = [row.pk, *(getattr(row, name) for name in COLUMNS)]
    # `from_db` wants the order of the model's own columns.
    known = dict(zip(names, values, strict=True))
    own = [field.attname for field in model._meta.concrete_fields if field.attname in known]
    return model.from_db(router.db_for_read(model), own, [known[name] for name in own])


@lru_cache(maxsize=8)
def _columns(model: Any, using: str) -> Columns:
    return Columns(using, model, (model._meta.pk.attname, *COLUMNS))


@lru_cache(maxsize=64)
def _lateral(model: Any, using: str, order: tuple[str, ...], after: bool) -> str:
    return (
        f"SELECT c.* FROM unnest(%s::int[]) AS p(number) CROSS JOIN LATERAL "  # noqa: S608
        f"({_select(model, using, order, after, 'p.number')}) AS c"
    )


@lru_cache(maxsize=64)
def _limited(model: Any, using: str, order: tuple[str, ...], after: bool) -> str:
    return f"SELECT * FROM ({_select(model, using, order, after, '%s')})"  # noqa: S608


def _select(model: Any, using: str, order: tuple[str, ...], after: bool, number: str) -> str:
    quote = connections[using].ops.quote_name
    sorts = [
        (quote(model._meta.get_field(name.lstrip("-")).column), name.startswith("-"))
        for name in order
    ]
    by = ", ".join(f"{column} {'DESC' if down else 'ASC'}" for column, down in sorts)
    place = f" AND {_after(sorts)}" if after else ""
    return (
        f"SELECT {_columns(model, using).sql()} FROM {quote(model._meta.db_table)} "  # noqa: S608
        f"WHERE {quote('thread_id')} = %s AND {quote('parent_number')} = {number} "
        f"AND ({quote('state')} = '{State.VISIBLE}' OR {quote('descendant_count')} > 0)"
        f"{place} ORDER BY {by} LIMIT %s"
    )


def _after(sorts: list[tuple[str, bool]]) -> str:
    """As `cursors.after`: a bound on the first column, where both databases begin an index scan."""
    first, down = sorts[0]
    tail = []
    for n, (column, falling) in enumerate(sorts):
        equal = [f"{other} = %s" for other, _ in sorts[:n]]
        tail.append(" AND ".join([*equal, f"{column} {'<' if falling else '>'} %s"]))
    return f"{first} {'<=' if down else '>='} %s AND ({' OR '.join(f'({t})' for t in tail)})"
