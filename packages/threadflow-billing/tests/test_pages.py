"""The pages, as people without scripts use them."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.formats import date_format

from threadflow_billing import wording
from threadflow_billing.models import Command, Grant, PaymentOrder, Subscription, Transition
from threadflow_billing.services import grants, refunds, subscriptions
from threadflow_billing.swaps import get_plan_model
from threadflow_billing.templatetags.threadflow_billing import money
from threadflow_core import ports
from threadflow_core.testing import assert_same_queries

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("commits")]


def url(name, *args):
    return reverse(f"threadflow_billing:{name}", args=args)


@pytest.fixture
def subscribed(client, world, ada, account_of, price_of):
    account = account_of(ada)
    sub = world.subscription(account, price_of("premium", "month"))
    invoice = world.invoice(account, sub, 500)
    world.change(sub, latest_invoice=invoice["id"])
    world.ring(client, "customer.subscription.created", sub)
    return Subscription.objects.get()


def test_everybody_sees_the_plans(client, world):
    answer = client.get(url("plans"))
    page = answer.content.decode()
    assert answer.status_code == 200
    for text in (
        "Reader",
        "Premium",
        "Patron",
        "€4",
        "€48 billed yearly",
        "Live rooms",
        "No limit",
    ):
        assert text in page, text
    assert "€5" in client.get(url("plans") + "?per=month").content.decode()
    assert "two months free" not in page
    assert "2 months free" in page
    assert not answer.cookies


def test_the_feature_that_led_here_is_named(client, world):
    page = client.get(url("plans") + "?feature=test.off").content.decode()
    assert "“Live rooms” is part of a plan" in page
    assert "“nonsense”" not in client.get(url("plans") + "?feature=nonsense").content.decode()


def test_buying_from_the_page_of_plans(client, client_of, world, ada, price_of):
    guest = client.get(url("plans")).content.decode()
    assert "/login/?next=" in guest
    browser = client_of(ada)
    answer = browser.post(url("checkout"), {"plan": "premium", "interval": "month"})
    assert answer.status_code == 303
    waiting = browser.get(answer["Location"])
    order = PaymentOrder.objects.get()
    assert waiting["Refresh"] == f"0; url=https://checkout.example/{order.session_id}"
    assert f'href="https://checkout.example/{order.session_id}"' in waiting.content.decode()
    (call,) = world.mock.calls("POST", "/v1/checkout/sessions")
    assert call.params["success_url"] == f"http://testserver{url('returned', order.pk)}"
    assert call.params["line_items"] == [{"price": price_of().provider_id, "quantity": 1}]
    assert "amount" not in str(call.params)

    back = browser.get(url("returned", order.pk))
    assert "Activating" in back.content.decode()
    assert back["Refresh"] == "2"

    sub = world.subscription(order.account, price_of(), order=order)
    invoice = world.invoice(order.account, sub, 500, reason="subscription_create")
    session = world.complete(order, subscription=sub, invoice=invoice)
    world.ring(client, "checkout.session.completed", session)
    done = browser.get(url("returned", order.pk))
    assert "Premium is yours" in done.content.decode()
    assert not done.has_header("Refresh")


def test_the_way_back_looks_for_itself_when_the_webhook_is_late(client_of, world, ada, price_of):
    browser = client_of(ada)
    browser.post(url("checkout"), {"plan": "premium", "interval": "month"})
    order = PaymentOrder.objects.get()
    sub = world.subscription(order.account, price_of(), order=order)
    invoice = world.invoice(order.account, sub, 500, reason="subscription_create")
    world.complete(order, subscription=sub, invoice=invoice)
    assert "Premium is yours" in browser.get(url("returned", order.pk)).content.decode()
    assert ports.entitlements().check(ada, "test.off")


@pytest.mark.parametrize(
    "typed",
    [
        {"plan": "premium", "interval": "week"},
        {"plan": "nothing", "interval": "month"},
        {"plan": "reader", "interval": "month"},
        {"plan": "premium", "interval": "gift"},
        {"plan": "premium"},
        {},
        {"price": "price_of_somebody", "amount": "1", "currency": "usd"},
    ],
)
def test_what_is_not_for_sale_is_not_bought(client_of, world, ada, typed):
    assert client_of(ada).post(url("checkout"), typed).status_code == 422
    assert not PaymentOrder.objects.exists()


def test_amounts_and_ids_from_the_client_count_for_nothing(client_of, world, ada):
    client_of(ada).post(
        url("checkout"),
        {"plan": "premium", "interval": "month", "amount": "1", "quantity": "-1",
         "currency": "jpy", "customer": "cus_other", "price": "price_other"},
    )  # fmt: skip
    order = PaymentOrder.objects.get()
    assert (order.amount, order.currency) == (500, "eur")
    (call,) = world.mock.calls("POST", "/v1/checkout/sessions")
    assert call.params["line_items"][0]["quantity"] == 1
    assert call.params["customer"] == order.account.__class__.objects.get().customer_id


def test_managing_shows_what_runs_and_what_can_be_done(client_of, subscribed, ada):
    page = client_of(ada).get(url("manage")).content.decode()
    for text in ("Premium, €5 a month", "Renews on", "Pause", "Cancel plan", "Change to Patron",
                 "Change to yearly", "Change the card"):  # fmt: skip
        assert text in page, text


def test_a_plan_that_was_given_is_named_once(client_of, ada, admin, account_of):
    account, plan = account_of(ada), get_plan_model().objects.get(code="premium")
    grants.give(staff=admin, account=account, plan=plan, days=30, reason="Thank you")
    page = client_of(ada).get(url("manage")).content.decode()
    shown = page[page.index("<h1") :]
    assert shown.count("Premium") == 1
    assert "Given by staff · until" in shown
    grants.give(staff=admin, account=account, plan=plan, days=None, reason="For good")
    page = client_of(ada).get(url("manage")).content.decode()
    assert "without end" in page


def test_the_history_speaks_in_words_of_the_readers_language(
    client, client_of, world, subscribed, ada, admin
):
    order = PaymentOrder.objects.get()
    refunds.request(staff=admin, order=order, amount=100, reason="Sorry")
    subscriptions.cancel(person=ada)
    steps = Transition.objects.order_by("pk")
    for language, wanted in (
        ("en", [("Payment", "waiting for payment", "paid"), ("Refund", "under way", "done"),
                ("Payment", "paid", "partly refunded"), ("Access", "–", "Premium"),
                ("Subscription", "–", "active"), ("Request", "–", "cancelled")]),
        ("de", [("Zahlung", "wartet auf Zahlung", "bezahlt"), ("Erstattung", "unterwegs", "erledigt"),
                ("Zahlung", "bezahlt", "zum Teil erstattet"), ("Zugang", "–", "Premium"),
                ("Abo", "–", "läuft"), ("Anfrage", "–", "gekündigt")]),
    ):  # fmt: skip
        with translation.override(language):
            told = [(t.thing, t.before, t.after) for t in wording.tell(steps)]
            day = date_format(timezone.localtime(Grant.objects.get().ends_at), "DATE_FORMAT")
        for line in wanted:
            assert line in told, (line, told)
        joined = "bis" if language == "de" else "until"
        assert f"Premium {joined} {day}" in [after for _thing, _before, after in told]
    with translation.override("de"):
        assert money(480, "eur") == "4,80\xa0€"
        assert money(-480, "eur") == "−4,80\xa0€"
    assert money(480, "eur") == "€4.80"


def test_an_upgrade_shows_its_figures_first(client_of, world, subscribed, ada):
    browser = client_of(ada)

    def figures(seen, body):
        lines = {**body["lines"], "data": [{**body["lines"]["data"][0], "amount": 450}]}
        return {**body, "amount_due": 450, "total": 450, "currency": "eur", "lines": lines}

    world.mock.on("post", "/v1/invoices/create_preview", figures)
    answer = browser.post(url("change"), {"plan": "patron", "interval": "month"})
    preview = Command.objects.get(kind="preview")
    waiting = browser.get(answer["Location"])
    assert waiting["Refresh"] == f"0; url={url('preview', preview.pk)}"
    page = browser.get(url("preview", preview.pk)).content.decode()
    assert "Change and pay €4.50" in page
    assert Subscription.objects.get().price.plan.code == "premium"
    fields = dict(re.findall(r'name="(plan|interval|preview)" value="([^"]+)"', page))
    assert browser.post(url("apply"), fields).status_code == 303
    assert Command.objects.filter(kind="upgrade", state="done").exists()


def test_a_downgrade_asks_once_more(client_of, world, subscribed, ada, price_of):
    Subscription.objects.update(price=price_of("patron"))
    browser = client_of(ada)
    answer = browser.post(url("change"), {"plan": "premium", "interval": "month"})
    assert answer["Location"].startswith(url("downgrade"))
    assert "smaller plan begins" in browser.get(answer["Location"]).content.decode()
    assert not Command.objects.exists()
    fields = {"plan": "premium", "interval": "month"}
    browser.post(url("downgrade"), fields)
    assert Command.objects.get().kind == "downgrade"


def test_cancel_and_keep_from_the_page(client_of, subscribed, ada):
    browser = client_of(ada)
    assert "until the end of the period" in browser.get(url("cancel")).content.decode()
    browser.post(url("cancel"), {"reason": "Too dear"})
    page = browser.get(url("manage")).content.decode()
    assert "Ends on" in page
    assert "Keep my plan" in page
    browser.post(url("resume"))
    assert "Renews on" in browser.get(url("manage")).content.decode()
    history = browser.get(url("history")).content.decode()
    assert "cancel" in history


def test_invoices_lead_to_fresh_links(client_of, subscribed, ada):
    browser = client_of(ada)
    order = PaymentOrder.objects.get()
    page = browser.get(url("invoices")).content.decode()
    assert order.number in page
    answer = browser.post(url("open_invoice"), {"order": str(order.pk), "pdf": "on"})
    assert browser.get(answer["Location"])["Refresh"].endswith(f"{order.invoice_id}.pdf")


def test_gifts_are_bought_shown_and_redeemed(client, client_of, world, ada, bo):
    browser = client_of(ada)
    assert "Premium for 3 months, €15" in browser.get(url("buy_gift")).content.decode()
    assert browser.post(url("buy_gift"), {"gift": "premium:5"}).status_code == 422
    assert browser.post(url("buy_gift"), {"gift": "premium:3"}).status_code == 303
    order = PaymentOrder.objects.get()
    world.ring(
        client, "checkout.session.completed", world.complete(order, intent=world.payment(1500))
    )
    assert "Your gift is paid" in browser.get(url("returned", order.pk)).content.decode()
    code = re.search(r"<code>([A-Z2-7-]+)</code>", browser.get(url("gifts")).content.decode())[1]
    friend = client_of(bo)
    refused = friend.post(url("redeem"), {"code": "WRONG"})
    assert refused.status_code == 422
    assert "WRONG" in refused.content.decode()
    assert friend.post(url("redeem"), {"code": code}).status_code == 303
    assert Grant.objects.get().account.owner == bo
    assert code not in browser.get(url("gifts")).content.decode()


def test_usage_tells_what_is_left(client_of, subscribed, ada):
    ports.entitlements().consume(ada, "test.quota", 4)
    page = client_of(ada).get(url("usage")).content.decode()
    assert "4 of 10" in page
    assert "6 left" in page


OWN = ["manage", "invoices", "usage", "gifts", "history", "cancel", "buy_gift", "redeem"]


@pytest.mark.parametrize("name", OWN)
def test_own_pages_need_a_sign_in(client, name):
    answer = client.get(url(name))
    assert answer.status_code == 302
    assert answer["Location"].startswith("/login/")


POSTS = ["checkout", "change", "apply", "keep_plan", "resume", "pause", "portal", "pay",
         "open_invoice", "cancel", "downgrade", "buy_gift", "redeem"]  # fmt: skip


@pytest.mark.parametrize("name", POSTS)
def test_actions_need_a_sign_in_and_a_token(client, client_of, ada, name):
    answer = client.post(url(name))
    assert answer.status_code == 302
    assert answer["Location"].startswith("/login/")
    from django.test import Client

    strict = Client(enforce_csrf_checks=True)
    strict.force_login(ada)
    assert strict.post(url(name)).status_code == 403


def test_y_nobody_reads_or_acts_on_what_is_somebody_elses(client_of, subscribed, ada, bo):
    owner, other = client_of(ada), client_of(bo)
    order = PaymentOrder.objects.get()
    owner.post(url("portal"))
    command = Command.objects.get(kind="portal")
    assert owner.get(url("command", command.pk)).status_code == 200
    for name, pk in (("returned", order.pk), ("command", command.pk), ("preview", command.pk)):
        assert other.get(url(name, pk)).status_code == 404, name
    stolen = other.post(url("open_invoice"), {"order": str(order.pk)})
    assert stolen.status_code == 404
    for name in ("cancel", "resume", "pause", "pay", "portal", "keep_plan"):
        assert other.post(url(name)).status_code == 409, name
    for name in ("invoices", "history", "manage", "gifts"):
        page = other.get(url(name)).content.decode()
        assert order.number not in page
        assert "Renews on" not in page
    assert Subscription.objects.get().status == "active"


def test_lists_cost_the_same_however_long(client_of, subscribed, ada, price_of):
    browser = client_of(ada)
    account = subscribed.account

    def grow():
        PaymentOrder.objects.bulk_create(
            PaymentOrder(account=account, purpose="renewal", price=price_of(), amount=500,
                         currency="eur", state="paid", invoice_id=f"in_x{n}")
            for n in range(25)
        )  # fmt: skip

    assert_same_queries(lambda: browser.get(url("invoices")), grow)


def test_x_a_gated_page_costs_one_query_and_an_ungated_one_none(rf, ada, subscribed):
    from threadflow_billing.access import EntitlementsMiddleware, entitlements, feature_required
    from threadflow_core.testing import assert_queries

    request = rf.get("/")
    request.user = ada
    with assert_queries(0):
        EntitlementsMiddleware(lambda r: r)(request)
        entitlements(request)
    with assert_queries(1):
        assert request.entitlements["test.off"]
        assert request.entitlements["test.quota"].limit == 10
        assert feature_required("test.off")(lambda r: "in")(request) == "in"


def test_the_prompt_names_the_feature(client_of, rf, bo):
    from django.template import engines

    from threadflow_billing.access import feature_required

    request = rf.get("/rooms/")
    request.user = bo
    answer = feature_required("test.off")(lambda r: "in")(request)
    assert answer.status_code == 403
    assert "“Live rooms” is part of a plan" in answer.render().content.decode()
    template = engines["django"].from_string(
        "{% load threadflow_billing %}{% entitled 'test.on' as on %}{{ on.allowed }}"
        "{% upgrade_prompt 'test.off' %}"
    )
    text = template.render({}, request)
    assert text.startswith("True")
    assert "/premium/?feature=test.off" in text
