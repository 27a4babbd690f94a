"""Writing the index by jobs, and asking it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from .. import jobs
from ..cursors import paginate
from .engines import engine, restricted
from .grammar import Query, parse
from .registry import MOST_BODY, SearchKind, kind_named, kinds

#: Objects that `rebuild` writes in one transaction.
SLICE = 500


@dataclass(frozen=True, slots=True)
class Hit:
    """One found object: its kind and key, for `model.objects.in_bulk`."""

    kind: str
    pk: Any
    created_at: datetime
    rank: float


@dataclass(frozen=True, slots=True)
class SearchPage:
    """Hits in order; `next` and `previous` are cursors. There is no total: counting what a
    person may not see would tell of it."""

    hits: list[Hit]
    next: str | None
    previous: str | None
    query: Query


def index(kind: str, pk: Any) -> None:
    """Have the object's document written anew from its current row, by a job after commit.

    Call it in the transaction that creates, edits, hides or restores the object.
    """
    jobs.emit("core.search_changed", kind=kind, pk=str(pk))


def remove(kind: str, pk: Any) -> None:
    """Take the document out at once, in the caller's transaction: for deletes and erasure."""
    _remove(kind_named(kind), [pk])


@transaction.atomic
def write(kind: str, pks: Iterable[Any]) -> None:
    """Write the documents of these objects now, and remove those that have none. For jobs.

    A constant number of statements for any number of objects; give it hundreds, not millions.
    """
    from .models import SearchDocument

    spec, pks = kind_named(kind), list(pks)
    found = spec.model()._base_manager.filter(pk__in=pks)
    if spec.related:
        found = found.select_related(*spec.related)
    # Locked, so that of two jobs for one object the later one has read the later text.
    objects = list(found.select_for_update(of=("self",)).order_by("pk"))
    documents = {obj.pk: document for obj in objects if (document := spec.document(obj))}
    _remove(spec, [pk for pk in pks if pk not in documents])
    rows = [
        SearchDocument(
            kind=kind,
            author=document.author.lower()[:150],
            sub=document.sub.lower()[:100],
            tag=document.tag.lower()[:60],
            created_at=document.created_at,
            **{spec.key_field: pk},
        )
        for pk, document in documents.items()
    ]
    SearchDocument.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["kind", spec.key_field],
        update_fields=["author", "sub", "tag", "created_at"],
    )
    engine().write(
        [
            (row.pk, document.title, document.body[:MOST_BODY])
            for row, document in zip(rows, documents.values(), strict=True)
        ]
    )


def rebuild(kind: str) -> int:
    """Write every document of a kind anew, in slices; returns how many objects were read."""
    keys = kind_named(kind).model()._base_manager.order_by("pk").values_list("pk", flat=True)
    count, last = 0, None
    while slice_ := list((keys if last is None else keys.filter(pk__gt=last))[:SLICE]):
        write(kind, slice_)
        count += len(slice_)
        last = slice_[-1]
    return count


def query(
    text: str | Query,
    *,
    person: Any,
    kinds: Iterable[str] | None = None,
    limit: int = 25,
    cursor: str | None = None,
    sort: Literal["relevance", "new"] = "relevance",
) -> SearchPage:
    """Find documents that `person` may see. Raises BadCursor.

    All words must be there, none of the -words; without a word it lists by time. Of very
    common words the newest matches are ranked (`engines.RANKED`). A page is one query.
    """
    from .models import SearchDocument

    asked = parse(text) if isinstance(text, str) else text
    if asked.is_empty:
        return SearchPage([], None, None, asked)
    documents = restricted(_facts(SearchDocument.objects.all(), asked), _specs(kinds), person)
    found: QuerySet[Any] = engine().matching(documents, asked)  # each with its `rank`
    ranked = sort == "relevance" and asked.wanted
    order = ("-rank", "-id") if ranked else ("-created_at", "-id")
    scope = f"search:{sort}:{hash_of(asked, kinds)}"
    page = paginate(found, order=order, cursor=cursor, size=limit, scope=scope)
    hits = [Hit(row.kind, row.number or row.uuid, row.created_at, row.rank) for row in page.items]
    return SearchPage(hits, page.next, page.previous, asked)


def hash_of(asked: Query, kinds: Iterable[str] | None) -> str:
    """Names the list that a cursor belongs to: another query's cursor is refused."""
    from ..idempotency import fingerprint

    return fingerprint(str(asked), sorted(kinds or ()))[:16]


def _remove(spec: SearchKind, pks: list[Any]) -> None:
    from .models import SearchDocument

    if not pks:
        return
    found = SearchDocument.objects.filter(kind=spec.name, **{f"{spec.key_field}__in": pks})
    ids = list(found.values_list("pk", flat=True))
    if ids:
        engine().erase(ids)
        SearchDocument.objects.filter(pk__in=ids).delete()


def _specs(names: Iterable[str] | None) -> list[SearchKind]:
    if names is None:
        return list(kinds().values())
    return [spec for name, spec in kinds().items() if name in set(names)]


def _facts(documents: Any, asked: Query) -> Any:
    for field in ("author", "sub", "tag"):
        wanted = getattr(asked, f"{field}s")
        unwanted = getattr(asked, f"not_{field}s")
        if wanted:
            documents = documents.filter(**{f"{field}__in": wanted})
        if unwanted:
            documents = documents.exclude(**{f"{field}__in": unwanted})
    if asked.before:
        documents = documents.filter(created_at__lt=asked.before)
    if asked.after:
        documents = documents.filter(created_at__gte=asked.after)
    return documents


def key_of(value: str, spec: SearchKind) -> Any:
    """A key as a job carries it, back in the type of its model."""
    return UUID(value) if spec.key_field == "uuid" else int(value)
