"""The portal and the stand-in's own desk."""

import json

import pytest
import stripe

DAY = 86_400


def _portal(v1, sub, **flow):
    return v1.billing_portal.sessions.create({
        "customer": sub.customer, "return_url": "https://site.test/me", **({"flow_data": flow} if flow else {})})  # fmt: skip


def test_portal_shows_and_changes_a_subscription(v1, person, shop):
    sub = shop.buy()
    session = _portal(v1, sub)
    page = person.open(session.url).text
    for text in (
        "Premium",
        "$9.00 / month",
        "visa ending in 4242",
        "-0001",
        "https://site.test/me",
        "No money moves",
    ):
        assert text in page
    assert person.send(f"{session.url}/cancel", subscription=sub.id, choice="yes").status == 303
    assert shop.sub(sub).cancel_at_period_end is True
    assert "Resume the subscription" in person.open(session.url).text
    person.send(f"{session.url}/cancel", subscription=sub.id, choice="no")
    assert shop.sub(sub).cancel_at_period_end is False
    assert person.send(f"{session.url}/plan", subscription=sub.id, price=shop.more.id).status == 303
    assert shop.sub(sub)["items"].data[0].price.id == shop.more.id


def test_portal_keeps_the_plan_when_the_payment_fails(v1, person, shop):
    sub = shop.buy(card="4000000000000341")
    answer = person.send(f"{_portal(v1, sub).url}/plan", subscription=sub.id, price=shop.more.id)
    assert answer.status == 402 and "stays as it is" in answer.text
    assert shop.sub(sub)["items"].data[0].price.id == shop.month.id


def test_portal_refuses_a_declined_card_and_takes_another(v1, person, shop):
    sub = shop.buy()
    session = _portal(v1, sub, type="payment_method_update", after_completion={
        "type": "redirect", "redirect": {"return_url": "https://site.test/thanks"}})  # fmt: skip
    assert session.flow.type == "payment_method_update"
    assert "Cancel at the end" not in person.open(session.url).text
    bad = person.send(f"{session.url}/card", card="4000000000000002")
    assert bad.status == 402 and "declined" in bad.text
    assert (
        person.send(f"{session.url}/card", card="5555555555554444").to == "https://site.test/thanks"
    )
    pm = v1.payment_methods.retrieve(shop.sub(sub).default_payment_method)
    assert pm.card.last4 == "4444"


@pytest.mark.parametrize("kind", ["subscription_cancel", "subscription_update"])
def test_deep_links_show_one_thing(v1, person, shop, kind):
    sub = shop.buy()
    session = _portal(v1, sub, type=kind, **{kind: {"subscription": sub.id}})
    page = person.open(session.url).text
    assert ("Cancel at the end" in page) is (kind == "subscription_cancel")
    assert ("Switch the plan" in page) is (kind == "subscription_update")
    assert "<h2>Invoices" not in page


def test_confirming_a_change_from_a_deep_link(v1, person, shop):
    sub = shop.buy()
    session = _portal(v1, sub, type="subscription_update_confirm", subscription_update_confirm={
        "subscription": sub.id, "items": [{"id": sub["items"].data[0].id, "price": shop.year.id}]})  # fmt: skip
    assert "Confirm the change" in person.open(session.url).text
    person.send(f"{session.url}/plan", subscription=sub.id, price=shop.year.id)
    assert shop.sub(sub)["items"].data[0].price.id == shop.year.id


def test_pausing_from_a_deep_link(v1, person, shop):
    sub = shop.buy()
    session = _portal(
        v1, sub, type="subscription_pause", subscription_pause={"subscription": sub.id}
    )
    assert "Pause the subscription" in person.open(session.url).text
    assert person.send(f"{session.url}/pause", subscription=sub.id).status == 303
    assert shop.sub(sub).status == "paused"


def test_the_portal_of_one_is_not_the_portal_of_another(v1, person, shop):
    mine, other = shop.buy(), shop.buy()
    session = _portal(v1, mine)
    answer = person.send(f"{session.url}/cancel", subscription=other.id, choice="yes")
    assert answer.status == 400 and shop.sub(other).cancel_at_period_end is False
    with pytest.raises(stripe.InvalidRequestError):
        _portal(
            v1, mine, type="subscription_cancel", subscription_cancel={"subscription": other.id}
        )


def test_the_desk_shows_objects_events_and_what_is_due(local, receiver, person, shop):
    sub = shop.buy()
    local.settle()
    page = person.open("/_local/").text
    for text in (
        sub.id,
        "renew",
        "customer.subscription.created",
        "delivered (200, 1×)".encode().decode("latin-1"),
        "Dispute",
        "Refund",
    ):
        assert text in page
    shown = person.open(f"/_local/objects/{sub.id}")
    assert shown.status == 200 and "_billed" not in shown.text
    assert person.open("/_local/objects/clock").status == 404


def test_the_clock_goes_forward_only(local, person, shop):
    sub = shop.buy()
    before = json.loads(person.open("/_local/clock").raw)
    moved = person.json("/_local/clock", advance=DAY)
    assert DAY <= moved["now"] - before["now"] <= DAY + 5
    end = sub["items"].data[0].current_period_end
    done = person.json("/_local/clock", to=end)["done"]
    assert [step["what"] for step in done] == ["upcoming", "renew"]
    assert person.json("/_local/clock", next=1)["done"][0]["what"] == "finalize"
    for bad in ({"to": 1}, {"advance": -5}, {}, {"advance": "soon"}):
        answer = person._send(
            "/_local/clock", json.dumps(bad).encode(), **{"Content-Type": "application/json"}
        )
        assert answer.status == 400, bad


def test_buttons_come_back_to_the_desk(local, person):
    answer = person.send("/_local/clock", advance="60", headers={"Referer": f"{local.url}/_local/"})
    assert answer.status == 303 and answer.to == f"{local.url}/_local/"


def test_refund_by_button(v1, person, shop):
    shop.buy()
    charge = v1.charges.list().data[0]
    assert person.json(f"/_local/charges/{charge.id}/refund", amount=400)["amount"] == 400
    assert v1.charges.retrieve(charge.id).amount_refunded == 400


def test_unknown_pages_and_broken_bodies(person):
    assert person.open("/nowhere").status == 404
    assert person.open("/pay/cs_x").status == 404
    assert person._send("/_local/clock", b"\xff\xfe").status == 400
    assert (
        person._send("/_local/clock", b"[1]", **{"Content-Type": "application/json"}).status == 400
    )
    assert person._send("/pay/x", b"x" * (2 << 20)).status == 413
