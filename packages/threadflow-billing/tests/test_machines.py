"""V: every state against every target, for each machine; each step is written down."""

from __future__ import annotations

import itertools

import pytest

from threadflow_billing import machines, signals
from threadflow_billing.exceptions import IllegalTransition
from threadflow_billing.machines import By
from threadflow_billing.models import PaymentOrder, Refund, Subscription, Transition
from threadflow_billing.models.money import OrderState, RefundState
from threadflow_billing.querysets import ENDED
from threadflow_billing.services import accounts

pytestmark = pytest.mark.django_db
BY = By.system("test")

#: Written out once more, so that an edge that appears or vanishes in the table is noticed.
ORDER = """
created: pending failed canceled
pending: processing paid failed expired canceled
processing: paid failed expired canceled
failed: pending paid
expired: paid
canceled: paid
paid: partially_refunded refunded
partially_refunded: refunded paid
refunded: partially_refunded paid
"""
REFUND = """
requested: submitted failed canceled
submitted: pending failed canceled
pending: requires_action succeeded failed canceled
requires_action: pending succeeded failed canceled
succeeded: failed
failed:
canceled:
"""


def edges(text):
    lines = [line.partition(":") for line in text.strip().splitlines()]
    return {(name, to) for name, _colon, rest in lines for to in rest.split()}


@pytest.fixture
def account(ada):
    return accounts.ensure(ada)


def test_v_every_pair_of_states_of_an_order(account):
    allowed = edges(ORDER)
    for before, to in itertools.product(OrderState.values, repeat=2):
        order = PaymentOrder.objects.create(
            account=account, purpose="renewal", amount=100, currency="eur", state=before
        )
        if before == to:
            assert machines.move_order(order, to, BY) is False
        elif (before, to) in allowed:
            assert machines.move_order(order, to, BY) is True
            assert PaymentOrder.objects.get(pk=order.pk).state == to
        else:
            with pytest.raises(IllegalTransition):
                machines.move_order(order, to, BY)
            assert PaymentOrder.objects.get(pk=order.pk).state == before
    assert Transition.objects.filter(entity="order").count() == len(allowed)


def test_v_every_pair_of_states_of_a_refund(account):
    allowed = edges(REFUND)
    order = PaymentOrder.objects.create(
        account=account, purpose="renewal", amount=100, currency="eur", state="paid"
    )
    # Stripe answers `succeeded` at once: we pass through `pending`.
    over = {("submitted", "succeeded"), ("submitted", "requires_action")}
    for before, to in itertools.product(RefundState.values, repeat=2):
        refund = Refund.objects.create(order=order, amount=1, currency="eur", state=before)
        if before == to:
            assert machines.move_refund(refund, to, BY) is False
        elif (before, to) in allowed | over:
            assert machines.move_refund(refund, to, BY) is True
            assert Refund.objects.get(pk=refund.pk).state == to
        else:
            with pytest.raises(IllegalTransition):
                machines.move_refund(refund, to, BY)
            assert Refund.objects.get(pk=refund.pk).state == before


def test_v_every_pair_of_statuses_of_a_subscription(account):
    names = [name for name in machines.SUBSCRIPTION if name] + ["brand_new"]
    for number, (before, to) in enumerate(itertools.product(names, repeat=2)):
        row = Subscription.objects.create(
            account=account, provider_id=f"sub_{number}", status=before
        )
        if before == to:
            assert machines.move_subscription(row, to, BY) is False
        elif before in ENDED:
            with pytest.raises(IllegalTransition):
                machines.move_subscription(row, to, BY)
        else:
            assert machines.move_subscription(row, to, BY) is True
            known = to in machines.SUBSCRIPTION.get(before, ())
            assert bool(row.anomaly) is not known
            step = Transition.objects.get(entity_id=row.pk)
            assert (step.before, step.after, step.is_anomaly) == (before, to, not known)


def test_the_tables_are_what_is_written_here():
    assert edges(ORDER) == {(a, b) for a, to in machines.ORDER.items() for b in to}
    assert edges(REFUND) == {(a, b) for a, to in machines.REFUND.items() for b in to}
    assert set(machines.ORDER) == set(OrderState.values)
    assert set(machines.REFUND) == set(RefundState.values)


def test_a_step_knows_who_and_why_and_is_told_on_commit(
    account, ada, django_capture_on_commit_callbacks
):
    heard = []

    def listen(order, before, **kwargs):
        heard.append((order.state, before))

    signals.order_changed.connect(listen)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            order = PaymentOrder.objects.create(
                account=account, purpose="renewal", amount=1, currency="eur"
            )
            machines.move_order(order, "pending", By.user(ada, "test", "Because"))
            assert heard == []
    finally:
        signals.order_changed.disconnect(listen)
    assert heard == [("pending", "created")]
    step = Transition.objects.get()
    assert (step.actor, step.actor_kind, step.cause, step.reason) == (
        ada,
        "user",
        "test",
        "Because",
    )
