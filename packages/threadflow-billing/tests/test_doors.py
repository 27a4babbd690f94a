"""Every door, by role: what a guest, a stranger, the owner and staff get at each address."""

from __future__ import annotations

import uuid

import pytest
from asgiref.sync import async_to_sync
from django.urls import reverse

from threadflow_billing import urls
from threadflow_billing.models import Command, PaymentOrder, Subscription
from threadflow_core import ports

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("commits")]

#: name: (method, guest, somebody else, owner). A guest is sent to sign in (302); what is not
#: there for a person is 404; without a subscription nothing can be changed (409).
DOORS = {
    "plans": ("get", 200, 200, 200),
    "checkout": ("post", 302, 422, 422),
    "returned": ("get", 302, 404, 200),
    "command": ("get", 302, 404, 200),
    "manage": ("get", 302, 200, 200),
    "change": ("post", 302, 422, 422),
    "preview": ("get", 302, 404, 404),  # the command is no preview
    "apply": ("post", 302, 422, 422),
    "downgrade": ("get", 302, 200, 200),
    "keep_plan": ("post", 302, 409, 409),
    "cancel": ("post", 302, 409, 303),
    "resume": ("post", 302, 409, 409),  # nothing was canceled
    "pause": ("post", 302, 409, 303),
    "portal": ("post", 302, 409, 303),
    "pay": ("post", 302, 409, 303),
    "invoices": ("get", 302, 200, 200),
    "open_invoice": ("post", 302, 422, 422),
    "usage": ("get", 302, 200, 200),
    "gifts": ("get", 302, 200, 200),
    "buy_gift": ("get", 302, 200, 200),
    "redeem": ("get", 302, 200, 200),
    "history": ("get", 302, 200, 200),
    "webhook": ("post", 400, 400, 400),
}


@pytest.fixture
def subscribed(client, world, ada, account_of, price_of):
    account = account_of(ada)
    sub = world.subscription(account, price_of("premium", "month"))
    invoice = world.invoice(account, sub, 500)
    world.change(sub, latest_invoice=invoice["id"])
    world.ring(client, "customer.subscription.created", sub)
    return Subscription.objects.get()


def test_every_address_has_its_row():
    names = {pattern.name for pattern in urls.urlpatterns if getattr(pattern, "name", None)}
    assert names == set(DOORS)


@pytest.mark.parametrize("name", DOORS)
def test_y_each_door_by_role(client, client_of, subscribed, ada, bo, name):
    method, *wanted = DOORS[name]
    order = PaymentOrder.objects.get()
    command = Command.objects.create(kind="portal", account=subscribed.account)
    args = {"returned": [order.pk], "command": [command.pk], "preview": [command.pk]}.get(name, [])
    address = reverse(f"threadflow_billing:{name}", args=args)
    found = [
        getattr(browser, method)(address).status_code
        for browser in (client, client_of(bo), client_of(ada))
    ]
    assert found == wanted


@pytest.mark.parametrize("name", ["returned", "command", "preview"])
def test_what_does_not_exist_is_404(client_of, ada, name):
    address = reverse(f"threadflow_billing:{name}", args=[uuid.uuid4()])
    assert client_of(ada).get(address).status_code == 404


@pytest.mark.django_db(transaction=True)
def test_a_socket_asks_anew_each_time(ada):
    from threadflow_billing.access import socket_decision
    from threadflow_billing.models import Override
    from threadflow_billing.services import accounts

    ask = async_to_sync(socket_decision)
    assert not ask({"user": ada}, "test.off")
    Override.objects.create(account=accounts.ensure(ada), feature="test.off", reason="x")
    assert ask({"user": ada}, "test.off")
    assert ports.entitlements().check(ada, "test.off")


def test_the_checkout_asks_for_codes_and_taxes_as_the_site_wants(
    world, ada, bo, price_of, settings
):
    from threadflow_billing.services import checkout

    urls_ = {"success_url": "https://x/{order}/", "cancel_url": "https://x/"}
    checkout.start(person=ada, price=price_of(), **urls_)
    settings.THREADFLOW_BILLING = {
        **settings.THREADFLOW_BILLING,
        "TAX": {"automatic": True, "ids": True},
        "PROMOTION_CODES": False,
    }
    checkout.start(person=bo, price=price_of(), **urls_)
    plain, taxed = (call.params for call in world.mock.calls("POST", "/v1/checkout/sessions"))
    assert plain["allow_promotion_codes"] is True
    assert "automatic_tax" not in plain
    assert "allow_promotion_codes" not in taxed
    assert taxed["automatic_tax"] == {"enabled": True}
    assert taxed["tax_id_collection"] == {"enabled": True}
    assert taxed["customer_update"] == {"address": "auto", "name": "auto"}
    assert plain["customer"] != taxed["customer"]
