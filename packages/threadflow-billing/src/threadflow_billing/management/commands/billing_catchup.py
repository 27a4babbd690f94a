"""After an outage: hear what was not heard."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ... import clock
from ...services import reconcile
from ..stripe import spoken


class Command(BaseCommand):
    help = "Ask Stripe for the events of the last hours and look at what we did not hear of."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--hours", type=int, default=24)

    def handle(self, *args: Any, **options: Any) -> None:
        hours = options["hours"]
        if not 0 < hours <= 720:
            raise CommandError("Between 1 and 720 hours; for more there is billing_reconcile.")
        with spoken():
            new, known = reconcile.catch_up(clock.now() - dt.timedelta(hours=hours))
        self.stdout.write(f"{new} events were new, {known} known.")
