"""What can be found: each package registers its kinds of documents."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Model, QuerySet, UUIDField

#: Characters of a body that are indexed.
MOST_BODY = 600_000


@dataclass(frozen=True, slots=True)
class Document:
    """The words and facts of one object. `author` and `sub` are what people type after
    `author:` and `sub:`; `tag` after `tag:`."""

    title: str
    body: str
    created_at: datetime
    author: str = ""
    sub: str = ""
    tag: str = ""


@dataclass(frozen=True, slots=True)
class SearchKind:
    """A kind of document, such as threads.

    `model` is called for the model class, so that a swapped one is found. `document(obj)`
    gives the document or None for what must not be found (deleted, draft). `visible(person)`
    gives the queryset of objects that `person` may see: the model's `visible_to`. `related`
    are the foreign keys that `document` reads, for `select_related`.
    """

    name: str
    model: Callable[[], type[Model]]
    document: Callable[[Any], Document | None]
    visible: Callable[[Any], QuerySet[Any]]
    related: tuple[str, ...] = ()

    @property
    def key_field(self) -> str:
        """Column of `SearchDocument` that holds this kind's keys."""
        return "uuid" if isinstance(self.model()._meta.pk, UUIDField) else "number"


_kinds: dict[str, SearchKind] = {}


def register(kind: SearchKind) -> None:
    """Add a kind; call it in `AppConfig.ready`."""
    _kinds[kind.name] = kind


def kinds() -> dict[str, SearchKind]:
    return dict(_kinds)


def kind_named(name: str) -> SearchKind:
    """The registered kind; raises LookupError."""
    return _kinds[name]
