"""Are the books right?"""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand
from django.db.models import Sum

from ...models import LedgerEntry
from ...services import ledger
from ..stripe import spoken


class Command(BaseCommand):
    help = (
        "Check that everything balances and is posted; --stripe compares the balance with "
        "Stripe's. Ends with 1 when something is wrong."
    )

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--stripe", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        found = ledger.audit()
        sums = LedgerEntry.objects.values("ledger_account__code", "ledger_account__currency")
        for row in sums.annotate(total=Sum("amount")).order_by(
            "ledger_account__currency", "ledger_account__code"
        ):
            code, currency = row["ledger_account__code"], row["ledger_account__currency"]
            self.stdout.write(f"{code:<20} {currency} {row['total']:>14}")
        if options["stripe"]:
            with spoken():
                found += self._stripe()
        for line in found:
            self.stdout.write(f"WRONG {line}")
        self.stdout.write("The books are right." if not found else f"{len(found)} wrong.")
        if found:
            sys.exit(1)

    def _stripe(self) -> list[str]:
        """Payouts are not posted yet, so more here than there is expected after one."""
        from ...gateway import gateway

        found = []
        for currency, there in gateway().balance().items():
            here = LedgerEntry.objects.balance("stripe_balance", currency)
            self.stdout.write(f"stripe_balance {currency}: {here} here, {there} at Stripe")
            if here < there:
                found.append(f"Stripe has {there - here} {currency} that were never booked")
        return found
