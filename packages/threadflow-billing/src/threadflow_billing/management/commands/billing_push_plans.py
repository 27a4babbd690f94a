"""Make products and prices at Stripe what the plans say."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from ... import catalog
from ...services import plans
from ..stripe import spoken


class Command(BaseCommand):
    help = "Create the products and prices that Stripe does not have yet, by lookup key."

    def handle(self, *args: Any, **options: Any) -> None:
        catalog.declare()
        with spoken():
            done = plans.push()
        for line in done:
            self.stdout.write(line)
        self.stdout.write(f"{len(done)} done.")
