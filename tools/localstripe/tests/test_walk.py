"""The whole way of a subscription, as the site sees it."""

import itertools

import pytest
import stripe
from conftest import SECRET, Person, Shop, client_of
from localstripe import LocalStripe
from localstripe.errors import StripeError

DAY = 86_400
FIRST = [
    "payment_method.attached", "customer.subscription.created", "invoice.created", "payment_intent.created",
    "invoice.finalized", "charge.succeeded", "payment_intent.succeeded", "invoice.updated", "invoice.paid",
    "invoice.payment_succeeded", "invoice_payment.paid", "customer.subscription.updated", "customer.updated",
    "checkout.session.completed",
]  # fmt: skip


def test_from_plan_to_cancellation(local, v1, receiver, person, shop):
    assert v1.prices.list({"lookup_keys": ["premium_monthly"]}).data[0].id == shop.month.id
    session = shop.checkout(client_reference_id="user-1", metadata={"order": "7"})
    assert session.status == "open" and session.amount_total == 900 and session.livemode is False
    shown = person.open(session.url)
    assert (
        "No money moves" in shown.text and "$9.00" in shown.text and "ada@example.com" in shown.text
    )
    local.settle()
    receiver.clear()
    answer = person.send(session.url, card="4242424242424242")
    assert answer.to == f"https://site.test/done?s={session.id}"

    assert local.settle() and receiver.types() == FIRST and not receiver.refusals
    completed = receiver.events[-1]
    assert completed.data.object.client_reference_id == "user-1"
    assert completed.data.object.payment_status == "paid"
    assert completed.api_version == stripe.api_version
    sub = v1.subscriptions.retrieve(completed.data.object.subscription)
    item = sub["items"].data[0]
    assert (
        sub.status == "active"
        and 28 * DAY <= item.current_period_end - item.current_period_start <= 31 * DAY
    )
    assert "current_period_end" not in sub

    receiver.clear()
    shop.to_end_of_period(sub, then=3600)
    assert local.settle()
    assert receiver.types()[:3] == [
        "invoice.upcoming",
        "customer.subscription.updated",
        "invoice.created",
    ]
    assert receiver.types()[-3:] == [
        "invoice.paid",
        "invoice.payment_succeeded",
        "invoice_payment.paid",
    ]
    renewal = shop.invoices(sub)[-1]
    assert (renewal.billing_reason, renewal.status, renewal.total) == (
        "subscription_cycle",
        "paid",
        900,
    )
    moved = shop.sub(sub)["items"].data[0]
    assert moved.current_period_start == item.current_period_end
    created = next(e for e in receiver.events if e.type == "customer.subscription.updated")
    assert (
        created.created == item.current_period_end
    )  # the clock of the object, not of this machine


def test_failed_renewal_goes_through_dunning_and_ends(local, v1, receiver, shop):
    sub = shop.buy(card="4000000000000341")
    assert sub.status == "active"
    local.settle()
    receiver.clear()
    shop.to_end_of_period(sub, then=3600)
    failed = shop.invoices(sub)[-1]
    assert (failed.status, failed.attempt_count) == ("open", 1)
    first = failed.status_transitions.finalized_at
    assert failed.next_payment_attempt == first + 3 * DAY
    assert shop.sub(sub).status == "past_due"
    assert v1.customers.retrieve(sub.customer).delinquent is True

    local.advance(to=first + 3 * DAY)
    assert shop.invoices(sub)[-1].next_payment_attempt == first + 5 * DAY
    local.advance(to=first + 5 * DAY)
    assert shop.invoices(sub)[-1].next_payment_attempt == first + 7 * DAY
    assert shop.sub(sub).status == "past_due"
    local.advance(to=first + 7 * DAY)
    ended = shop.sub(sub)
    assert (ended.status, ended.cancellation_details.reason) == ("canceled", "payment_failed")
    assert shop.invoices(sub)[-1].attempt_count == 4
    local.settle()
    assert receiver.types().count("invoice.payment_failed") == 4
    assert receiver.types()[-1] == "customer.subscription.deleted"
    assert v1.subscriptions.list({"customer": sub.customer}).data == []
    assert [
        s.id for s in v1.subscriptions.list({"customer": sub.customer, "status": "all"}).data
    ] == [sub.id]


def test_dunning_may_end_unpaid_and_a_new_card_heals_it(local, v1, person, shop):
    person.json("/_local/settings", dunning_end="unpaid")
    sub = shop.buy(card="4000000000000341")
    shop.to_end_of_period(sub, then=3600 + 7 * DAY)
    assert shop.sub(sub).status == "unpaid"
    session = v1.billing_portal.sessions.create(
        {"customer": sub.customer, "return_url": "https://site.test/me"}
    )
    assert person.send(f"{session.url}/card", card="4242424242424242").status == 303
    paid = v1.invoices.pay(shop.invoices(sub)[-1].id)
    assert paid.status == "paid" and shop.sub(sub).status == "active"
    assert v1.customers.retrieve(sub.customer).delinquent is False


def test_a_retry_that_succeeds_ends_the_dunning(local, v1, person, shop):
    sub = shop.buy(card="4000000000000341")
    shop.to_end_of_period(sub, then=3600)
    session = v1.billing_portal.sessions.create(
        {"customer": sub.customer, "flow_data": {"type": "payment_method_update"}}
    )
    assert person.send(f"{session.url}/card", card="4242424242424242").status == 303
    local.advance(seconds=3 * DAY)
    assert shop.sub(sub).status == "active"
    assert shop.invoices(sub)[-1].attempt_count == 2


def test_cancelled_at_the_end_stays_until_then(local, shop, v1, receiver):
    sub = shop.buy()
    leaving = v1.subscriptions.update(sub.id, {"cancel_at_period_end": True})
    assert (
        leaving.status == "active" and leaving.cancel_at == sub["items"].data[0].current_period_end
    )
    back = v1.subscriptions.update(sub.id, {"cancel_at_period_end": False})
    assert back.cancel_at is None and back.canceled_at is None
    v1.subscriptions.update(sub.id, {"cancel_at_period_end": True})
    shop.to_end_of_period(sub)
    assert shop.sub(sub).status == "canceled"
    assert len(shop.invoices(sub)) == 1
    local.settle()
    assert "invoice.upcoming" not in receiver.types()


def test_cancelled_now(v1, shop):
    sub = shop.buy()
    gone = v1.subscriptions.cancel(sub.id, {"cancellation_details": {"comment": "too dear"}})
    assert (
        gone.status == "canceled"
        and gone.ended_at
        and gone.cancellation_details.comment == "too dear"
    )


def test_renewals_keep_the_day_of_the_month(local, v1, shop):
    """Bought on the 31st: the anchor's day is cut in short months and comes back in long ones."""
    import datetime

    now = datetime.datetime.fromtimestamp(local.world.now(), datetime.UTC)
    start = now.replace(year=now.year + 1, month=1, day=31, hour=12)
    local.advance(to=int(start.timestamp()))
    sub = shop.buy()
    days = []
    for _ in range(4):
        shop.to_end_of_period(sub, then=3600)
        at = shop.sub(sub)["items"].data[0].current_period_start
        days.append(datetime.datetime.fromtimestamp(at, datetime.UTC).strftime("%m-%d"))
    assert days[0] in ("02-28", "02-29") and days[1:] == ["03-31", "04-30", "05-31"]


def test_a_year_of_time_at_once_runs_everything_in_order(local, shop, receiver):
    sub = shop.buy()
    done = local.advance(seconds=366 * DAY)
    assert [at for at, _, _ in done] == sorted(at for at, _, _ in done)
    assert [what for _, what, _ in done].count("renew") == 12
    bills = shop.invoices(sub)
    assert [b.status for b in bills].count("paid") == len(bills) or bills[-1].status == "draft"
    assert len({b.number for b in bills}) == len(bills)


class Companion:
    """A site that goes by the same clock: what it was told, in order."""

    def __init__(self, receiver):
        self.receiver, self.offset, self.told = receiver, None, []

    def moved(self, offset):
        assert self.offset is None or offset >= self.offset
        self.told.append(("moved", offset))
        self.offset = offset

    def settled(self):
        self.told.append(("settled", self.receiver.types()))


def test_a_companion_is_never_more_than_a_day_behind_and_hears_all_in_time(receiver, tmp_path):
    companion = Companion(receiver)
    with LocalStripe(tmp_path / "s.sqlite3", receiver.url, SECRET, companion=companion) as local:
        assert companion.told == [("moved", 0)]
        shop = Shop(local, client_of(local).v1, Person(local.url))
        shop.buy()
        local.settle()
        seen = len(receiver.types())
        companion.told.clear()
        shop.person.json("/_local/clock", advance=40 * DAY)
        offsets = [what for name, what in companion.told if name == "moved"]
        steps = [b - a for a, b in itertools.pairwise([0, *offsets])]
        assert max(steps) <= DAY + 5 and offsets[-1] >= 40 * DAY - 5
        assert companion.offset == local.world.meta("clock")["offset"]
        # The renewal was told of when the companion's clock stood at it, not at the journey's end.
        names = [name for name, _what in companion.told]
        assert names == ["moved", "settled"] * len(offsets)
        heard = [types[seen:] for name, types in companion.told if name == "settled"]
        first = next(n for n, types in enumerate(heard) if "invoice.paid" in types)
        assert 28 * DAY < offsets[first] < 32 * DAY
        with pytest.raises(StripeError, match="forward"):
            local.advance(to=local.world.now() - 60)
        assert not local.wire.problems()
    with LocalStripe(tmp_path / "s.sqlite3", companion=companion):
        assert companion.told[-1] == ("moved", companion.offset)
