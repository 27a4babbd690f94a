"""Write the search index anew."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from threadflow_core import search


class Command(BaseCommand):
    help = "Writes the documents of the search index anew, of all kinds or of those named."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("kinds", nargs="*", help="such as: thread comment")

    def handle(self, *args: Any, **options: Any) -> None:
        known = search.kinds()
        for name in options["kinds"] or sorted(known):
            if name not in known:
                raise CommandError(f"Unknown kind {name!r}; known: {', '.join(sorted(known))}.")
            self.stdout.write(f"{name}: {search.rebuild(name)}")
