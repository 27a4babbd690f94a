"""Q: whatever happens in whatever order, the books balance, and doing it again changes nothing."""

from __future__ import annotations

import pytest
from django.db import connection, transaction
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from threadflow_billing import dto
from threadflow_billing.exceptions import UnbalancedEntries
from threadflow_billing.models import LedgerEntry, LedgerTransaction
from threadflow_billing.services import ledger
from threadflow_billing.services.ledger import Line

amounts = st.integers(min_value=1, max_value=10**9)
currencies = st.sampled_from(["eur", "usd", "jpy"])


@st.composite
def commands(draw):
    """A payment with its fee and tax, in one or two currencies, and what goes back of it."""
    kind = draw(st.sampled_from(["payment", "refund", "dispute", "reversal"]))
    gross = draw(amounts)
    here, there = draw(currencies), draw(currencies)
    settled = gross if here == there else draw(amounts)
    fee = draw(st.integers(min_value=0, max_value=settled))
    tax = draw(st.integers(min_value=0, max_value=gross))
    number = draw(st.integers(min_value=1, max_value=6))
    return kind, number, gross, here, there, settled, fee, tax


def carry_out(command):
    kind, number, gross, here, there, settled, fee, tax = command
    now = timezone.now()
    if kind == "payment":
        balance = dto.Balance("txn", settled, fee, settled - fee, there)
        payment = dto.Payment("pi", "succeeded", "ch", gross, here, 0, False, "", balance)
        lines = ledger.incoming(
            payments=[payment], tax=tax, paid_elsewhere=0, currency=here, against="revenue"
        )
    elif kind == "reversal":
        return ledger.reverse(of=f"payment:{number}", key=f"back:{number}", happened_at=now)
    else:
        balance = dto.Balance("txn", -settled, fee, -settled - fee, there)
        against = "refunds" if kind == "refund" else "disputes"
        lines = ledger.outgoing(balance, amount=gross, currency=here, against=against)
    return ledger.post(key=f"{kind}:{number}", kind=kind, lines=lines, happened_at=now)


def sums():
    found = {}
    rows = LedgerEntry.objects.values_list(
        "ledger_account__code", "ledger_account__currency", "amount"
    )
    for code, currency, amount in rows:
        found[code, currency] = found.get((code, currency), 0) + amount
    return found


class TestAnyOrder(TestCase):
    @settings(max_examples=12, deadline=None)
    @given(st.lists(commands(), max_size=10))
    def test_q_any_sequence_balances_and_a_replay_changes_nothing(self, sequence):
        for command in sequence:
            carry_out(command)
        connection.check_constraints()  # what PostgreSQL checks at commit
        assert ledger.audit() == []
        before = sums()
        for command in sequence:
            assert carry_out(command) is False or command[0] == "reversal"
        again = sums()
        for command in sequence:
            assert carry_out(command) is False
        connection.check_constraints()
        assert sums() == again
        if not any(command[0] == "reversal" for command in sequence):
            assert again == before
        per_currency = {}
        for (_code, currency), total in again.items():
            per_currency[currency] = per_currency.get(currency, 0) + total
        assert set(per_currency.values()) <= {0}


@pytest.mark.django_db
def test_lines_that_do_not_balance_are_refused_before_the_database():
    for lines in (
        [Line("revenue", "eur", 5)],
        [Line("revenue", "eur", 5), Line("refunds", "eur", -4)],
    ):
        with pytest.raises(UnbalancedEntries), transaction.atomic():
            ledger.post(key="k", kind="x", lines=lines, happened_at=timezone.now())
    with pytest.raises(UnbalancedEntries), transaction.atomic():
        ledger.post(
            key="k", kind="x", happened_at=timezone.now(),
            lines=[Line("pocket", "eur", 5), Line("revenue", "eur", -5)],
        )  # fmt: skip
    assert not LedgerTransaction.objects.exists()
    assert ledger.post(key="k", kind="x", lines=[], happened_at=timezone.now()) is False


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_q_the_same_posting_by_many_at_once_is_one(race):
    lines = [Line("stripe_balance", "eur", 500), Line("revenue", "eur", -500)]

    def post(n):
        return ledger.post(key="inv:1:paid", kind="payment", lines=lines,
                           happened_at=timezone.now())  # fmt: skip

    assert sum(race(post, 8)) == 1
    assert LedgerEntry.objects.balance("revenue", "eur") == -500
