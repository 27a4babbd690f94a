"""Counters against the rows they count: what differs, and the command that tells and repairs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db.models import Count, F, Q, Subquery
from django.db.models.functions import Coalesce

#: So many differences are told one by one.
TOLD = 100


@dataclass(frozen=True, slots=True)
class Drift:
    """One counter that is not what the rows say."""

    model: str
    pk: Any
    field: str
    stored: Any
    counted: Any


def counted(rows: Any, key: str) -> Any:
    """How many of `rows` each outer row has; `rows` are filtered by an OuterRef in `key`."""
    grouped = rows.order_by().values(key).annotate(n=Count("pk")).values("n")
    return Coalesce(Subquery(grouped), 0)


def differences(model: Any, fields: dict[str, Any]) -> Iterator[Drift]:
    """Rows of `model` whose fields are not what these expressions say, in one statement."""
    names = {f"true_{name}": expression for name, expression in fields.items()}
    wrong = Q()
    for name in fields:
        wrong |= ~Q(**{name: F(f"true_{name}")})
    rows = model.objects.annotate(**names).filter(wrong)
    for row in rows.values("pk", *fields, *names).iterator(chunk_size=2_000):
        for name in fields:
            if row[name] != row[f"true_{name}"]:
                yield Drift(model._meta.label, row["pk"], name, row[name], row[f"true_{name}"])


class ReconcileCommand(BaseCommand):
    """Tells what differs and repairs it; with `--check` it only tells, and exits with 1."""

    #: A module with `find()`, which yields each `Drift`, and `repair(drift)`.
    reconcile: ModuleType

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="report only; exit 1 on drift")

    def handle(self, *args: Any, **options: Any) -> None:
        found = 0
        for drift in list(self.reconcile.find()):
            found += 1
            if found <= TOLD:
                self.stdout.write(
                    f"{drift.model} {drift.pk}: {drift.field} is {drift.stored}, "
                    f"the rows say {drift.counted}"
                )
            if not options["check"]:
                self.reconcile.repair(drift)
        self.stdout.write(f"{found} wrong counters" + ("" if options["check"] else ", repaired"))
        if found and options["check"]:
            raise SystemExit(1)
