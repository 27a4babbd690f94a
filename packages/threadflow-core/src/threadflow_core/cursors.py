"""Keyset paging: signed cursors that carry the whole sort tuple. There is no OFFSET anywhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from django.core import signing
from django.db.models import Model, Q, QuerySet

from .exceptions import BadCursor

M = TypeVar("M", bound=Model)

_SALT = "threadflow.cursor"


@dataclass(frozen=True, slots=True)
class Page(Generic[M]):
    """One page of a list. `next` and `previous` are cursors, None at the ends."""

    items: list[M]
    next: str | None
    previous: str | None


def sign(scope: str, values: Sequence[Any]) -> str:
    """Sign a tuple of sort values for the list `scope` (URL-safe, compact)."""
    return signing.dumps([scope, *(_pack(v) for v in values)], salt=_SALT, compress=True)


def unsign(scope: str, cursor: str) -> list[Any]:
    """Return the values of a cursor that `sign` made for the same `scope`; raises BadCursor."""
    try:
        found, *values = signing.loads(cursor, salt=_SALT)
    except (signing.BadSignature, ValueError, TypeError) as error:
        raise BadCursor() from error
    if found != scope:
        raise BadCursor()
    return [_unpack(v) for v in values]


def after(order: Sequence[str], values: Sequence[Any]) -> Q:
    """Rows that come strictly after the row with `values` in `order`.

    The first column is also given as a plain bound, so that both databases can start an
    index scan there: `a <= x AND (a < x OR (a = x AND id < y))`.
    """
    if len(order) != len(values):
        raise BadCursor()
    tail = Q()
    equal = Q()
    for name, value in zip(order, values, strict=True):
        field, step = (name[1:], "lt") if name.startswith("-") else (name, "gt")
        tail |= equal & Q(**{f"{field}__{step}": value})
        equal &= Q(**{field: value})
    field, bound = (order[0][1:], "lte") if order[0].startswith("-") else (order[0], "gte")
    return Q(**{f"{field}__{bound}": values[0]}) & tail


def paginate(
    queryset: QuerySet[M],
    *,
    order: Sequence[str],
    cursor: str | None,
    size: int,
    scope: str,
    value: Callable[[Any, str], Any] = getattr,
) -> Page[M]:
    """One page of `queryset` in `order`, which must end in a unique column.

    `scope` names list and sort; a cursor of another list is refused. `value` finds a column in
    what the queryset yields. Two neighbouring pages neither repeat nor skip a row that stays
    where it is. One query.
    """

    def end(way: str, row: Any) -> str:
        return sign(scope, [way, *(value(row, name.lstrip("-")) for name in order)])

    if not cursor:
        rows = list(queryset.order_by(*order)[: size + 1])
        more = len(rows) > size
        rows = rows[:size]
        return Page(rows, end("n", rows[-1]) if more else None, None)
    way, *values = unsign(scope, cursor)
    if way == "p":
        back = [n[1:] if n.startswith("-") else f"-{n}" for n in order]
        rows = list(queryset.filter(after(back, values)).order_by(*back)[: size + 1])
        more = len(rows) > size
        rows = rows[:size][::-1]
        return Page(
            rows,
            end("n", rows[-1]) if rows else None,
            end("p", rows[0]) if more else None,
        )
    if way != "n":
        raise BadCursor()
    rows = list(queryset.filter(after(order, values)).order_by(*order)[: size + 1])
    more = len(rows) > size
    rows = rows[:size]
    return Page(
        rows,
        end("n", rows[-1]) if more else None,
        end("p", rows[0]) if rows else None,
    )


def _pack(value: Any) -> Any:
    if isinstance(value, datetime):
        return {"t": value.isoformat()}
    if isinstance(value, UUID):
        return {"u": value.hex}
    if isinstance(value, (bytes, memoryview)):
        return {"b": bytes(value).hex()}
    return value


def _unpack(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    ((kind, text),) = value.items()
    if kind == "t":
        return datetime.fromisoformat(text)
    if kind == "u":
        return UUID(hex=text)
    return bytes.fromhex(text)
