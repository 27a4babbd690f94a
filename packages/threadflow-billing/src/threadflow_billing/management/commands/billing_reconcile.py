"""Compare with Stripe; with --fix, repair."""

from __future__ import annotations

import datetime as dt
import sys
from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.dateparse import parse_datetime

from ...services import reconcile
from ..stripe import spoken


class Command(BaseCommand):
    help = "Print what differs from Stripe, by kind. Ends with 1 on a difference without --fix."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--fix", action="store_true")
        parser.add_argument("--since", help="only what Stripe made since then (ISO)")

    def handle(self, *args: Any, **options: Any) -> None:
        since = None
        if options["since"]:
            since = parse_datetime(options["since"])
            if since is None:
                raise CommandError("--since takes a date and time such as 2026-11-01T00:00:00Z.")
            since = since if since.tzinfo else since.replace(tzinfo=dt.UTC)
        with spoken():
            found = reconcile.run(since=since, fix=options["fix"])
        for finding in found:
            self.stdout.write(f"{finding.kind} {finding.key}: {finding.detail}")
        kinds = Counter(finding.kind for finding in found)
        counts = ", ".join(f"{n} {kind}" for kind, n in sorted(kinds.items())) or "no drift"
        self.stdout.write(counts)
        if found and not options["fix"]:
            sys.exit(1)
