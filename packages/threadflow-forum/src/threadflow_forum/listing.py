"""What pages read of threads: one statement with few columns, and objects of what is shown.

A capped feed looks at twice the rows that it shows, of few subs, so rows stay tuples until they
are picked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from operator import itemgetter
from typing import Any

from django.db.models import QuerySet

from threadflow_core.columns import Columns
from threadflow_core.lookups import ColumnList

from .swaps import get_sub_model, get_thread_model

#: What no list shows; texts and JSON are the dearest part of a row.
UNUSED = {"body", "body_html", "metadata", "nonce"}
UNUSED_OF_SUB = {"sidebar", "sidebar_html", "rules", "metadata", "description", "founder"}
#: What `rows.dress` asks of a thread and of its sub.
SHOWN = (
    *("author_id", "sub_id", "created_at", "score", "title", "slug", "url", "domain", "excerpt"),
    *("flair", "locked_at", "comment_count", "last_number"),
)
SHOWN_OF_SUB = ("slug", "hue", "icon")
MARKS = ("my_vote", "my_saved", "my_hidden", "my_read")


class Row:
    """A thread as a page lists it: the key, `SHOWN`, the reader's marks, and what `dress` adds."""

    __slots__ = ("pk", "public_id", *SHOWN, *MARKS, "sub", "card", "row")

    card: Any
    row: Any

    def __init__(self, values: Sequence[Any], encode: Callable[[int], str], sub: Any) -> None:
        (
            self.pk, self.author_id, self.sub_id, self.created_at, self.score, self.title,
            self.slug, self.url, self.domain, self.excerpt, self.flair, self.locked_at,
            self.comment_count, self.last_number, *_sorts,
        ) = values  # fmt: skip
        self.public_id = encode(self.pk)
        self.sub = sub
        self.my_vote = self.my_saved = self.my_hidden = self.my_read = None


class RowSub:
    """The sub of such rows."""

    __slots__ = (*SHOWN_OF_SUB, "_make")

    def __init__(self, shown: Sequence[Any], make: Callable[[], Any]) -> None:
        self.slug, self.hue, self.icon = shown
        self._make = make

    def flair_of(self, code: str) -> Any:
        # Few threads have one, and a site's own model may decide what they are.
        return self._make().flair_of(code)


class Shape:
    """Columns of a list, and the making of threads from its rows."""

    @classmethod
    def of(cls, rows: QuerySet[Any], order: Sequence[str], plain: bool) -> Shape:
        """The shape for a queryset; made once for all that are annotated alike.

        With `plain` threads are `Row`s, else instances of the model.
        """
        added = tuple(rows.query.annotation_select)
        kind = PlainShape if plain and set(added) <= set(MARKS) else Shape
        return _kept(kind, rows.db, get_thread_model(), get_sub_model(), added, tuple(order))

    def __init__(
        self, using: str, thread: Any, sub: Any, added: tuple[str, ...], order: tuple[str, ...]
    ) -> None:
        self.using, self.thread, self.sub, self.added = using, thread, sub, added
        own, of_sub = self.names(order)
        #: For `values_list`, after the annotations.
        self.columns = ColumnList(own, sub=of_sub)
        # `from_db` asks for each column of the model whether it is among these.
        self.own, self.of_sub = dict.fromkeys(own), dict.fromkeys(of_sub)
        self._read_own = Columns(using, thread, own)
        self._read_sub = Columns(using, sub, of_sub)
        self._from, self._upto = len(added), len(added) + len(own)
        self._places = {name: n for n, name in enumerate(own, len(added))}
        self._order = {name: Columns(using, thread, (name,)) for name in map(bare, order)}
        self.sub_of = itemgetter(self._places["sub_id"])

    def names(self, order: tuple[str, ...]) -> tuple[list[str], list[str]]:
        """The columns of thread and sub. Models are made of them in the order of their own."""
        return _all(self.thread, UNUSED), _all(self.sub, UNUSED_OF_SUB)

    def value(self, row: Sequence[Any], name: str) -> Any:
        """A value that the list is sorted by, as the model has it."""
        ((value,),) = self._order[name].values([[row[self._places[name]]]])
        return value

    def threads(self, found: Sequence[Any]) -> list[Any]:
        """Threads with their subs and annotations; each sub is one object."""
        subs: dict[int, Any] = {}
        threads = []
        own = self._read_own.values([row[self._from : self._upto] for row in found])
        for row, values in zip(found, own, strict=True):
            key = self.sub_of(row)
            sub = subs.get(key)
            if sub is None:
                sub = subs[key] = self.make_sub(row[self._upto :])
            threads.append(self.make(values, sub, row))
        return threads

    def make(self, values: Sequence[Any], sub: Any, marks: Sequence[Any]) -> Any:
        thread = self.thread.from_db(self.using, self.own, values)
        self.thread._meta.get_field("sub").set_cached_value(thread, sub)
        for name, value in zip(self.added, marks, strict=False):
            setattr(thread, name, value)
        return thread

    def make_sub(self, row: Sequence[Any]) -> Any:
        (values,) = self._read_sub.values([row])
        return self.sub.from_db(self.using, self.of_sub, values)


class PlainShape(Shape):
    """Only what a page shows, in objects that cost a tenth of models."""

    def names(self, order: tuple[str, ...]) -> tuple[list[str], list[str]]:
        key = self.thread._meta.pk.attname
        sorts = [name for name in map(bare, order) if name not in (*SHOWN, key)]
        self.encode = self.thread.public_ids.encode
        known = {self.sub._meta.pk.attname, *SHOWN_OF_SUB, "flairs"}
        of_sub = [name for name in _all(self.sub, set()) if name in known]
        self._shown_of_sub = itemgetter(*(of_sub.index(name) for name in SHOWN_OF_SUB))
        return [key, *SHOWN, *sorts], of_sub

    def make(self, values: Sequence[Any], sub: Any, marks: Sequence[Any]) -> Any:
        row = Row(values, self.encode, sub)
        for name, value in zip(self.added, marks, strict=False):
            setattr(row, name, value)
        return row

    def make_sub(self, row: Sequence[Any]) -> Any:
        return RowSub(self._shown_of_sub(row), partial(super().make_sub, row))


class WholeShape(Shape):
    """Everything, for the one thread of a page."""

    def names(self, order: tuple[str, ...]) -> tuple[list[str], list[str]]:
        return _all(self.thread, set()), _all(self.sub, set())


def whole(rows: QuerySet[Any]) -> Any:
    """The thread of `rows`, which has one at most, with its sub, or None. One query.

    As `select_related` would bring it, for half of what that costs.
    """
    added = tuple(rows.query.annotation_select)
    shape = _kept(WholeShape, rows.db, get_thread_model(), get_sub_model(), added, ())
    found = list(rows.order_by().values_list(*added, shape.columns)[:1])
    return shape.threads(found)[0] if found else None


@lru_cache(maxsize=64)
def _kept(kind: type[Shape], *given: Any) -> Shape:
    return kind(*given)


def bare(name: str) -> str:
    """A column of an order without its direction."""
    return name.lstrip("-")


def _all(model: Any, without: set[str]) -> list[str]:
    return [field.attname for field in model._meta.concrete_fields if field.name not in without]
