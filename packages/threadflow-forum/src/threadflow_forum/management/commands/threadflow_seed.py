"""`manage.py threadflow_seed --size small --seed 42`: synthetic subs, threads, comments, votes."""

from __future__ import annotations

import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from ...seeding import SIZES, Seeder


class Command(BaseCommand):
    help = "Fill the forum with synthetic content, the same for the same seed."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--size", choices=SIZES, default="small")
        parser.add_argument("--seed", type=int, default=42)

    def handle(self, *args: Any, **options: Any) -> None:
        if getattr(settings, "THREADFLOW_ENV", "") == "production":
            raise CommandError("This is a production site; it gets no invented content.")
        began = time.monotonic()
        seeder = Seeder(SIZES[options["size"]], options["seed"], log=self.stdout.write)
        written = seeder.run()
        text = ", ".join(f"{n} {name}" for name, n in written.items())
        self.stdout.write(f"{text} in {time.monotonic() - began:.0f} s")
