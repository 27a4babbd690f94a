"""`manage.py threadflow_chat_reconcile`: counters against rows; `--check` only reports."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from ...reconcile import find, repair


class Command(BaseCommand):
    help = "Compare every counter of the chat with the rows it counts, and repair it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="report only; exit 1 on drift")

    def handle(self, *args: Any, **options: Any) -> None:
        found = 0
        for drift in list(find()):
            found += 1
            if found <= 100:
                self.stdout.write(
                    f"{drift.model} {drift.pk}: {drift.field} is {drift.stored}, "
                    f"the rows say {drift.counted}"
                )
            if not options["check"]:
                repair(drift)
        self.stdout.write(f"{found} wrong counters" + ("" if options["check"] else ", repaired"))
        if found and options["check"]:
            raise SystemExit(1)
