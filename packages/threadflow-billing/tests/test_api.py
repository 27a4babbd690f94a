"""REST: the same services, the same door, and nothing that a client could name a price with."""

from __future__ import annotations

import uuid

import pytest

pytest.importorskip("rest_framework")

from django.conf import settings

if "rest_framework" not in settings.INSTALLED_APPS:
    pytest.skip("the API is not installed", allow_module_level=True)

from rest_framework.test import APIClient, APIRequestFactory, force_authenticate
from rest_framework.views import APIView

from threadflow_billing.api.permissions import HasFeature, Quota
from threadflow_billing.models import Command, PaymentOrder, Subscription
from threadflow_core.testing import assert_same_queries

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("commits")]

ROOT = "/api/v1/billing/"


@pytest.fixture
def api(ada):
    client = APIClient()
    client.force_authenticate(ada)
    return client


@pytest.fixture
def subscribed(client, world, ada, account_of, price_of):
    account = account_of(ada)
    sub = world.subscription(account, price_of("premium", "month"))
    world.ring(client, "customer.subscription.created", sub)
    world.ring(client, "invoice.paid", world.invoice(account, sub, 500))
    return Subscription.objects.get()


def test_plans_are_public(world):
    plans = APIClient().get(ROOT + "plans/").json()
    assert [p["code"] for p in plans] == ["reader", "premium", "patron"]
    premium = plans[1]
    assert {"interval": "month", "months": 1, "amount": 500, "currency": "eur"} in premium["prices"]
    assert premium["features"]["test.quota"] == 10
    assert plans[2]["features"]["test.quota"] is None
    assert "price_" not in str(plans)


def test_a_checkout_and_what_became_of_it(api, world):
    body = {"plan": "premium", "interval": "month"}
    key = {"HTTP_IDEMPOTENCY_KEY": "k1"}
    answer = api.post(ROOT + "checkout/", body, format="json", **key)
    assert answer.status_code == 202 or answer.json()["state"] == "done"
    again = api.post(ROOT + "checkout/", body, format="json", **key)
    assert again["Idempotency-Replayed"] == "true"
    command = api.get(ROOT + f"commands/{answer.json()['id']}/").json()
    order = PaymentOrder.objects.get()
    assert command["result"] == {
        "url": f"https://checkout.example/{order.session_id}",
        "order": str(order.pk),
    }
    state = api.get(ROOT + f"checkout/{order.pk}/").json()
    assert (state["state"], state["is_active"]) == ("pending", False)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"plan": "premium"},
        {"plan": "premium", "interval": "day"},
        {"plan": "none", "interval": "month"},
        {"price": "price_x", "amount": 1, "currency": "usd", "quantity": 0},
        {"plan": ["premium"], "interval": "month"},
    ],
)
def test_nonsense_is_422(api, world, body):
    assert api.post(ROOT + "checkout/", body, format="json").status_code == 422
    assert not PaymentOrder.objects.exists()


def test_the_subscription_and_its_history(api, subscribed):
    mine = api.get(ROOT + "subscription/").json()
    assert mine["plan"] == "premium"
    assert mine["subscription"]["status"] == "active"
    assert mine["subscription"]["amount"] == 500
    history = api.get(ROOT + "subscription/history/").json()
    assert {"subscription", "grant", "order"} <= {step["entity"] for step in history["results"]}
    assert api.post(ROOT + "subscription/cancel/", {}, format="json").status_code in (200, 202)
    assert api.get(ROOT + "subscription/").json()["subscription"]["ends_at"]
    now = api.post(ROOT + "subscription/cancel/", {"when": "now"}, format="json")
    assert now.status_code == 403
    assert api.post(ROOT + "subscription/resume/", {}, format="json").status_code in (200, 202)
    assert api.get(ROOT + "subscription/").json()["subscription"]["ends_at"] is None


def test_without_a_subscription_there_is_nothing_to_change(api, world):
    assert api.get(ROOT + "subscription/").json() == {"plan": "reader", "subscription": None}
    for name in ("cancel", "resume", "pause", "keep"):
        answer = api.post(f"{ROOT}subscription/{name}/", {}, format="json")
        assert (answer.status_code, answer.json()["code"]) == (409, "not_subscribed"), name
    body = {"plan": "patron", "interval": "month"}
    for name in ("change", "preview"):
        assert api.post(f"{ROOT}subscription/{name}/", body, format="json").status_code == 409


def test_invoices_usage_and_gifts(api, subscribed):
    (invoice,) = api.get(ROOT + "invoices/").json()["results"]
    assert (invoice["amount"], invoice["state"], invoice["plan"]) == (500, "paid", "premium")
    link = api.post(f"{ROOT}invoices/{invoice['id']}/link/?pdf=true").json()
    command = Command.objects.get(pk=link["id"])
    assert command.result["url"].endswith(".pdf")
    usage = {row["feature"]: row for row in api.get(ROOT + "usage/").json()}
    assert (usage["test.quota"]["limit"], usage["test.off"]["allowed"]) == (10, True)
    bought = api.post(ROOT + "gifts/", {"plan": "premium", "months": 3}, format="json")
    assert bought.status_code in (200, 202)
    for months in (0, -1, 5):
        body = {"plan": "premium", "months": months}
        assert api.post(ROOT + "gifts/", body, format="json").status_code == 422
    wrong = api.post(ROOT + "gifts/redeem/", {"code": "no"}, format="json")
    assert (wrong.status_code, wrong.json()["code"]) == (422, "bad_gift_code")


def test_y_foreign_ids_are_not_there(subscribed, bo):
    other = APIClient()
    other.force_authenticate(bo)
    order = PaymentOrder.objects.get()
    for path in (f"checkout/{order.pk}/", f"commands/{uuid.uuid4()}/"):
        assert other.get(ROOT + path).status_code == 404
    assert other.post(f"{ROOT}invoices/{order.pk}/link/").status_code == 404
    assert other.get(ROOT + "invoices/").json()["results"] == []
    assert other.get(ROOT + "subscription/").json()["subscription"] is None
    assert other.get(ROOT + "subscription/history/").json()["results"] == []
    assert other.post(ROOT + "portal/", {"customer": "cus_ada"}, format="json").status_code == 409


GETS = ["subscription/", "subscription/history/", "invoices/", "usage/", "gifts/"]
POSTS = ["checkout/", "portal/", "subscription/preview/", "subscription/change/",
         "subscription/cancel/", "subscription/resume/", "subscription/pause/",
         "subscription/keep/", "gifts/", "gifts/redeem/"]  # fmt: skip


def test_everything_of_ones_own_needs_a_sign_in(db):
    guest = APIClient()
    assert {guest.get(ROOT + path).status_code for path in GETS} == {401}
    assert {guest.post(ROOT + path, {}, format="json").status_code for path in POSTS} == {401}


def test_lists_cost_the_same_however_long(api, subscribed, price_of):
    def grow():
        PaymentOrder.objects.bulk_create(
            PaymentOrder(account=subscribed.account, purpose="renewal", price=price_of(),
                         amount=500, currency="eur", state="paid", invoice_id=f"in_{n}")
            for n in range(20)
        )  # fmt: skip

    assert_same_queries(lambda: api.get(ROOT + "invoices/"), grow)


class Gated(APIView):
    permission_classes = [HasFeature("test.off")]

    def get(self, request):
        from rest_framework.response import Response

        return Response({})


class Counted(APIView):
    throttle_classes = [Quota("test.quota")]

    def post(self, request):
        from rest_framework.response import Response

        return Response({})


def test_a_feature_as_permission_and_a_quota_as_throttle(ada, subscribed, bo):
    def ask(view, method, person):
        request = getattr(APIRequestFactory(), method)("/")
        force_authenticate(request, person)
        return view.as_view()(request)

    assert ask(Gated, "get", ada).status_code == 200
    refused = ask(Gated, "get", bo)
    assert refused.status_code == 403
    assert [ask(Counted, "post", bo).status_code for _ in range(4)] == [200, 200, 200, 429]
