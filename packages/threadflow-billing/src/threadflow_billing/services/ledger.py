"""Posting to the ledger: once per Stripe object and phase, balanced, in one currency each.

Signs: debits are positive. Money that comes in raises `stripe_balance` (+) and `revenue` (−).
Amounts are those of Stripe's balance transactions, never those of our prices.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from .. import dto
from ..exceptions import UnbalancedEntries
from ..models import LedgerAccount, LedgerEntry, LedgerTransaction

#: Every account that is ever posted to. `fx_clearing` ties two currencies of one event together.
ACCOUNTS = (
    "stripe_balance",
    "stripe_fees",
    "paid_elsewhere",
    "revenue",
    "tax_payable",
    "refunds",
    "disputes",
    "gift_liability",
    "fx_clearing",
)


@dataclass(frozen=True, slots=True)
class Line:
    account: str
    currency: str
    amount: int


@transaction.atomic
def post(
    *,
    key: str,
    kind: str,
    lines: Iterable[Line],
    happened_at: dt.datetime,
    account: Any = None,
    order_id: Any = None,
) -> bool:
    """Write one event; False when it was posted before or moves nothing.

    Lines in several currencies become one transaction each, tied by `fx_clearing`. Raises
    UnbalancedEntries.
    """
    wanted = [line for line in lines if line.amount]
    currencies = list(dict.fromkeys(line.currency for line in wanted))
    posted = False
    for number, currency in enumerate(currencies):
        mine = [line for line in wanted if line.currency == currency]
        rest = sum(line.amount for line in mine)
        if rest and len(currencies) > 1:
            mine.append(Line("fx_clearing", currency, -rest))
            rest = 0
        if rest or len(mine) < 2:
            raise UnbalancedEntries(f"{key}: {rest} {currency} left over")
        row = LedgerTransaction(
            posting_key=f"{key}:{currency}" if number else key,
            kind=kind,
            currency=currency,
            account=account,
            order_id=order_id,
            happened_at=happened_at,
        )
        posted = _write(row, mine) or posted
    return posted


def _write(row: LedgerTransaction, lines: list[Line]) -> bool:
    LedgerTransaction.objects.bulk_create([row], ignore_conflicts=True)
    # Who was second waited for the first, and finds the first one's row under the key.
    if not LedgerTransaction.objects.filter(pk=row.pk).exists():
        return False
    LedgerEntry.objects.bulk_create(
        LedgerEntry(
            transaction=row,
            ledger_account=_account(line.account, line.currency),
            amount=line.amount,
        )
        for line in lines
    )
    return True


def _account(code: str, currency: str) -> LedgerAccount:
    if code not in ACCOUNTS:
        raise UnbalancedEntries(f"no ledger account {code!r}")
    return LedgerAccount.objects.get_or_create(code=code, currency=currency)[0]


@transaction.atomic
def reverse(*, of: str, key: str, happened_at: dt.datetime) -> bool:
    """Post the opposite of the transaction with the key `of`, once."""
    original = LedgerTransaction.objects.filter(posting_key=of).first()
    if original is None:
        return False
    row = LedgerTransaction(
        posting_key=key,
        kind="reversal",
        currency=original.currency,
        account=original.account,
        order_id=original.order_id,
        reversal_of=original,
        happened_at=happened_at,
    )
    entries = original.entries.select_related("ledger_account")
    lines = [Line(e.ledger_account.code, original.currency, -e.amount) for e in entries]
    return _write(row, lines)


def incoming(
    *, payments: list[dto.Payment], tax: int, paid_elsewhere: int, currency: str, against: str
) -> list[Line]:
    """Lines of money that came in: what we got, what Stripe kept, what we owe the state."""
    lines: list[Line] = []
    gross = paid_elsewhere
    if paid_elsewhere:
        lines.append(Line("paid_elsewhere", currency, paid_elsewhere))
    for payment in payments:
        if payment.balance is None:
            continue
        got = payment.balance
        lines.append(Line("stripe_balance", got.currency, got.net))
        lines.append(Line("stripe_fees", got.currency, got.fee))
        gross += got.amount if got.currency == currency else payment.amount
    lines.append(Line("tax_payable", currency, -tax))
    lines.append(Line(against, currency, tax - gross))
    return lines


def outgoing(
    balance: dto.Balance, *, amount: int, currency: str, against: str, tax: int = 0
) -> list[Line]:
    """Lines of money that goes back; `balance.amount` is negative, a fee may come with it.

    `tax` is the part of it that we owed to the state.
    """
    gone = -balance.amount if balance.currency == currency else amount
    return [
        Line("stripe_balance", balance.currency, balance.net),
        Line("stripe_fees", balance.currency, balance.fee),
        Line("tax_payable", currency, tax),
        Line(against, currency, gone - tax),
    ]


def tax_share(tax: int, amount: int, back: int) -> int:
    """The tax in `back` of a payment of `amount` that has `tax` in it; halves go up."""
    return (2 * tax * min(back, amount) + amount) // (2 * amount) if amount > 0 else 0


def tax_back(order: Any, amount: int) -> int:
    """How much less tax is owed when `amount` more of a locked order goes back.

    Counted over all that went back so far, so that cents of rounding do not add up: when all
    of it is back, so is all of the tax.
    """
    if not order.tax:
        return 0
    gone, taxed = _gone_back(order)
    return max(0, min(amount, tax_share(order.tax, order.amount, gone + amount) - taxed))


def _gone_back(order: Any) -> tuple[int, int]:
    """What went back of an order in its own currency by the books: all of it, and the tax in it."""
    from django.db.models import Q, Sum

    rows = LedgerEntry.objects.filter(
        Q(transaction__kind="refund") | Q(transaction__reversal_of__kind="refund"),
        transaction__order_id=order.pk,
        ledger_account__code__in=("refunds", "gift_liability", "tax_payable"),
        ledger_account__currency=order.currency,
    )
    sums = rows.aggregate(
        gone=Sum("amount"), taxed=Sum("amount", filter=Q(ledger_account__code="tax_payable"))
    )
    return int(sums["gone"] or 0), int(sums["taxed"] or 0)


def audit() -> list[str]:
    """What is wrong with the books, in words; empty when they are right."""
    from django.db.models import Count, F, Q, Sum

    found: list[str] = []
    sums = LedgerTransaction.objects.annotate(total=Sum("entries__amount"), n=Count("entries"))
    for row in sums.filter(Q(total=None) | ~Q(total=0) | Q(n__lt=2)).iterator():
        found.append(f"{row.posting_key}: sum {row.total}, {row.n} entries")
    foreign = LedgerEntry.objects.exclude(ledger_account__currency=F("transaction__currency"))
    for entry in foreign.select_related("transaction").iterator():
        found.append(f"{entry.transaction.posting_key}: an entry in another currency")
    for total in (
        LedgerEntry.objects.values("ledger_account__currency")
        .annotate(total=Sum("amount"))
        .exclude(total=0)
    ):
        found.append(f"trial balance in {total['ledger_account__currency']}: {total['total']}")
    return found + list(_orders()) + list(_taxes())


def _orders() -> Iterable[str]:
    """Payments without a posting, and refunds that were not posted as they stand."""
    from ..models import PaymentOrder, Refund

    posted = set(
        LedgerTransaction.objects.exclude(order_id=None).values_list("order_id", flat=True)
    )
    settled = PaymentOrder.objects.filter(
        state__in=("paid", "partially_refunded", "refunded"), amount__gt=0
    )
    for order in settled.iterator():
        if order.pk not in posted:
            yield f"payment {order.pk}: {order.state}, and nothing is posted"
    keys = set(
        LedgerTransaction.objects.filter(posting_key__startswith="refund:").values_list(
            "posting_key", flat=True
        )
    )
    for refund in Refund.objects.filter(state="succeeded").iterator():
        if f"refund:{refund.provider_id}:succeeded" not in keys:
            yield f"refund {refund.provider_id}: succeeded, and nothing is posted"


def _taxes() -> Iterable[str]:
    """Payments whose tax does not follow what went back of them; a cent may be on its way."""
    from django.db.models import Sum

    from ..models import PaymentOrder

    owed = dict(
        LedgerEntry.objects.filter(ledger_account__code="tax_payable")
        .exclude(transaction__order_id=None)
        .values_list("transaction__order_id")
        .annotate(total=-Sum("amount"))
    )
    for order in PaymentOrder.objects.filter(tax__gt=0, refunded__gt=0).iterator():
        right = order.tax - tax_share(order.tax, order.amount, order.refunded)
        off = abs(owed.get(order.pk, 0) - right)
        if off > (1 if order.refunded < order.amount else 0):
            yield f"payment {order.pk}: owes {owed.get(order.pk, 0)} of tax instead of {right}"
