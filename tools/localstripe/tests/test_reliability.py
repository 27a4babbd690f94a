"""Restarts, retries, lost and doubled webhooks, many at once."""

import threading

import pytest
import stripe
from conftest import SECRET, Person, Shop, client_of
from localstripe import LocalStripe

DAY = 86_400


def test_a_restart_keeps_everything(receiver, tmp_path):
    path = tmp_path / "var" / "stripe.json"
    with LocalStripe(path, receiver.url, SECRET) as first:
        shop = Shop(first, client_of(first).v1, Person(first.url))
        sub, session = shop.buy(), shop.checkout()
        first.advance(seconds=40 * DAY)
        before = shop.sub(sub).to_dict(for_json=True)
        now, port = first.world.now(), first.port
        client_of(first).v1.customers.create({"email": "once@x.test"}, {"idempotency_key": "k"})
    with LocalStripe(path, receiver.url, SECRET) as second:
        v1 = client_of(second).v1
        assert second.port == port and second.world.now() - now < 60
        assert v1.subscriptions.retrieve(sub.id).to_dict(for_json=True) == before
        again = v1.customers.create({"email": "once@x.test"}, {"idempotency_key": "k"})
        assert again.last_response.headers["Idempotent-Replayed"] == "true"
        assert Person(second.url).open(session.url.replace(first.url, second.url)).status == 410
        assert len(v1.invoices.list({"subscription": sub.id}).data) == 2
        assert not second.wire.problems()


def test_a_file_that_is_no_state_is_refused(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("hello " * 1000)
    with pytest.raises(ValueError, match="not a state file"):
        LocalStripe(path)


def test_one_process_uses_a_state(tmp_path):
    import subprocess
    import sys
    from pathlib import Path

    with LocalStripe(tmp_path / "s.sqlite3"):
        command = [sys.executable, "-m", "localstripe", "--state", str(tmp_path / "s.sqlite3")]
        done = subprocess.run(
            command, cwd=Path(__file__).parents[2], capture_output=True, text=True
        )
    assert done.returncode and "in use by another process" in done.stderr


def test_it_does_not_load_in_production(monkeypatch):
    monkeypatch.setenv("THREADFLOW_ENV", "production")
    with pytest.raises(RuntimeError, match="production"):
        LocalStripe()


def test_only_this_machine_is_served(local, person):
    assert local.server.server_address[0] == "127.0.0.1"
    assert person.open("/_local/", Host="evil.test").status == 421
    assert (
        person.send("/_local/clock", advance="1", headers={"Origin": "https://evil.test"}).status
        == 403
    )


@pytest.mark.allow_bad_requests
def test_the_same_key_is_the_same_answer(v1):
    one = v1.customers.create({"email": "a@x.test"}, {"idempotency_key": "k"})
    two = v1.customers.create({"email": "a@x.test"}, {"idempotency_key": "k"})
    assert one.id == two.id and len(v1.customers.list().data) == 1
    with pytest.raises(stripe.IdempotencyError):
        v1.customers.create({"email": "b@x.test"}, {"idempotency_key": "k"})


def test_a_declined_payment_is_replayed_and_not_tried_again(v1):
    asked = {
        "amount": 700,
        "currency": "usd",
        "payment_method": "pm_card_chargeDeclined",
        "confirm": True,
    }
    for _ in range(2):
        with pytest.raises(stripe.CardError):
            v1.payment_intents.create(asked, {"idempotency_key": "k"})
    assert len(v1.payment_intents.list().data) == 1 and len(v1.charges.list().data) == 1


def test_a_refusal_leaves_nothing_and_frees_the_key(v1, shop):
    customer = v1.customers.create({"email": "a@x.test"})
    asked = {"customer": customer.id, "items": [{"price": shop.month.id}]}
    with pytest.raises(stripe.InvalidRequestError, match="no attached payment source"):
        v1.subscriptions.create(asked, {"idempotency_key": "k"})
    assert v1.subscriptions.list({"status": "all"}).data == [] and v1.invoices.list().data == []
    pm = v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
    v1.customers.update(customer.id, {"invoice_settings": {"default_payment_method": pm.id}})
    assert v1.subscriptions.create(asked, {"idempotency_key": "k"}).status == "active"


def test_a_lost_answer_and_the_retry_make_one(local):
    local.wire.fail_next(drop=True, before=False, match="/v1/customers")
    v1 = client_of(local, max_network_retries=2).v1
    v1.customers.create({"email": "z@x.test"})
    assert len(v1.customers.list().data) == 1


def test_lost_webhooks_are_found_by_events_list(local, v1, receiver, person):
    person.json("/_local/webhooks", lose=2)
    for name in "abc":
        v1.customers.create({"email": f"{name}@x.test"})
    local.settle()
    assert [e.data.object.email for e in receiver.events] == ["c@x.test"]
    lost = v1.events.list({"delivery_success": False, "type": "customer.created"}).data
    assert [e.data.object.email for e in lost] == ["b@x.test", "a@x.test"]
    assert len(v1.events.list({"delivery_success": True}).data) == 1
    person.json(f"/_local/events/{lost[0].id}/send")
    local.settle()
    assert [e.id for e in v1.events.list({"delivery_success": False}).data] == [lost[1].id]


def test_doubled_delayed_and_reordered_webhooks(local, v1, receiver, person):
    person.json("/_local/webhooks", duplicate=-1)
    v1.customers.create({"email": "a@x.test"})
    local.settle()
    assert len(receiver.events) == 2 and len({e.id for e in receiver.events}) == 1
    receiver.clear()
    person.json("/_local/webhooks", duplicate=0, reorder=-1)
    made = [v1.customers.create({"email": f"{name}@x.test"}).id for name in "abc"]
    local.settle()
    assert [e.data.object.id for e in receiver.events] == made[::-1]
    receiver.clear()
    person.json("/_local/webhooks", reorder=0, delay=0.2)
    v1.customers.create({"email": "late@x.test"})
    assert receiver.events == [] and local.settle() and len(receiver.events) == 1


def test_a_failing_receiver_gets_it_again_and_then_no_more(local, v1, receiver, person):
    receiver.status = 500
    v1.customers.create({"email": "a@x.test"})
    assert local.settle()
    row = person_deliveries(person)[0]
    assert (row["state"], row["attempts"], row["answer"]) == ("failed", 4, 500)
    event = v1.events.list().data[0]
    assert event.pending_webhooks == 1
    receiver.status = 200
    person.json(f"/_local/events/{event.id}/send")
    assert local.settle() and receiver.types() == ["customer.created"]
    assert v1.events.retrieve(event.id).pending_webhooks == 0


def person_deliveries(person):
    import json

    return json.loads(person.open("/_local/webhooks").raw)["deliveries"]


def test_a_dead_receiver_never_blocks_an_answer(local, v1, receiver):
    receiver.close()
    for _ in range(3):
        v1.customers.create({"email": "a@x.test"})
    assert len(v1.customers.list().data) == 3


def test_more_endpoints_each_with_its_own_secret(local, v1, receiver):
    made = v1.webhook_endpoints.create({"url": receiver.url, "enabled_events": ["product.created"]})
    assert made.secret.startswith("whsec_")
    v1.products.create({"name": "x"})
    v1.customers.create({"email": "a@x.test"})
    local.settle()
    assert sorted(receiver.types()) == ["customer.created", "product.created"]
    assert len(receiver.refusals) >= 1  # signed with the other secret: a site would not take it


def test_twenty_at_once(local, receiver):
    v1 = client_of(local).v1
    errors, ids = [], []

    def work(number):
        try:
            mine = client_of(local).v1
            mine.customers.create({"email": "same@x.test"}, {"idempotency_key": "same"})
            ids.append(mine.customers.create({"email": f"{number}@x.test"}).id)
            mine.customers.update(ids[-1], {"metadata": {"n": str(number)}})
        except Exception as exc:  # reported below, with its kind
            errors.append(exc)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(20)]
    [t.start() for t in threads]
    [t.join(30) for t in threads]
    assert errors == []
    rows = v1.customers.list({"limit": 100}).data
    assert len(rows) == 21 and len({r.id for r in rows}) == 21
    assert {r.metadata["n"] for r in rows if r.email != "same@x.test"} == {
        str(n) for n in range(20)
    }
    assert local.settle(20)
    assert receiver.types().count("customer.created") == 21


def test_twenty_sends_of_one_checkout_buy_once(local, shop):
    session = shop.checkout()
    answers = []

    def send():
        answers.append(Person(local.url).send(session.url, card="4242424242424242").status)

    threads = [threading.Thread(target=send) for _ in range(20)]
    [t.start() for t in threads]
    [t.join(30) for t in threads]
    assert answers == [303] * 20
    assert len(shop.v1.subscriptions.list({"customer": session.customer}).data) == 1
    assert len(shop.v1.charges.list().data) == 1


def test_twenty_refunds_of_the_last_amount_give_one(local, shop):
    shop.buy()
    charge = shop.v1.charges.list().data[0].id
    codes = []

    def back():
        try:
            client_of(local).v1.refunds.create({"charge": charge})
            codes.append("ok")
        except stripe.InvalidRequestError as exc:
            codes.append(exc.code)

    threads = [threading.Thread(target=back) for _ in range(20)]
    [t.start() for t in threads]
    [t.join(30) for t in threads]
    assert sorted(codes) == ["charge_already_refunded"] * 19 + ["ok"]


def test_two_may_run_side_by_side(tmp_path):
    with LocalStripe(tmp_path / "a.sqlite3") as one, LocalStripe(tmp_path / "b.sqlite3") as two:
        client_of(one).v1.customers.create({"email": "a@x.test"})
        assert client_of(two).v1.customers.list().data == []


def test_the_command_line_starts_it_and_a_kill_loses_nothing(tmp_path):
    import subprocess
    import sys
    from pathlib import Path

    tools = Path(__file__).parents[2]
    command = [sys.executable, "-m", "localstripe", "--state", str(tmp_path / "s")]
    emails = []
    for _ in range(2):
        with subprocess.Popen(command, cwd=tools, stdout=subprocess.PIPE, text=True) as process:
            try:
                url = process.stdout.readline().split()[6]
                v1 = stripe.StripeClient("sk_test_x", base_addresses={"api": url}).v1
                emails.append([c.email for c in v1.customers.list().data])
                v1.customers.create({"email": "kept@x.test"})
            finally:
                process.kill()
    assert emails == [[], ["kept@x.test"]]
