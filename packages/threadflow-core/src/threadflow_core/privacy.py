"""What is kept about a person, and how it is handed out and erased.

Every model with a link to a person has an entry here. A test walks all models and fails on one
that was forgotten (`unregistered_models`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import Model
from django.dispatch import Signal

#: Sent inside the transaction of `erase`, after the erasers. Receivers may write rows and do no
#: I/O. Arguments: `person` (still with its key).
person_erased = Signal()

Export = Callable[[Any], Iterable[Mapping[str, Any]]]
Erase = Callable[[Any], object]


@dataclass(frozen=True, slots=True)
class Entry:
    """How one model treats a person: what it hands out, what it erases, or why neither."""

    model: str
    export: Export | None
    erase: Erase | None
    why: str


_entries: dict[str, Entry] = {}


def register(
    model: str, *, export: Export | None = None, erase: Erase | None = None, why: str = ""
) -> None:
    """Declare how rows of `model` (`"app.Model"`) are exported and erased for a person.

    `export(person)` yields dicts of plain values; `erase(person)` deletes or blanks and runs
    in one transaction with all others. Where one of them is missing, `why` says the reason.
    """
    if (export is None or erase is None) and not why:
        raise ValueError(f"{model}: give both `export` and `erase`, or say why not.")
    _entries[model.lower()] = Entry(model, export, erase, why)


def entries() -> list[Entry]:
    return [entry for _label, entry in sorted(_entries.items())]


def export(person: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every row about `person`, as (model label, values), one by one."""
    for entry in entries():
        if entry.export is not None:
            for values in entry.export(person):
                yield entry.model, values


@transaction.atomic
def erase(person: Any) -> None:
    """Run every eraser and send `person_erased`. The user row itself is the site's to erase."""
    for entry in entries():
        if entry.erase is not None:
            entry.erase(person)
    person_erased.send(sender=type(person), person=person)


def unregistered_models() -> list[str]:
    """Labels of installed models that point at the user model and have no entry."""
    return sorted(
        model._meta.label
        for model in apps.get_models()
        if model._meta.label_lower not in _entries and _points_at_a_person(model)
    )


def _points_at_a_person(model: type[Model]) -> bool:
    person = get_user_model()
    if issubclass(model, person):
        return False
    fields = [*model._meta.local_fields, *model._meta.local_many_to_many]
    return any(
        field.is_relation
        and isinstance(field.related_model, type)
        and field.related_model._meta.concrete_model is person
        for field in fields
    )
