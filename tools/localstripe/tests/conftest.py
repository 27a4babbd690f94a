"""A running local Stripe, the real client, a real webhook receiver, and a person at the pages."""

import http.server
import json
import re
import sys
import threading
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from types import SimpleNamespace

import pytest
import stripe

sys.path.insert(0, str(Path(__file__).parents[2]))

from localstripe import LocalStripe, shapes, vendor

stripe.enable_telemetry = False
SECRET = "whsec_test"
DAY = 86_400


class Receiver:
    """A tiny HTTP server that verifies every event as a site would."""

    def __init__(self):
        self.events, self.refusals, self.status = [], [], 200
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                raw = self.rfile.read(int(self.headers["Content-Length"]))
                try:
                    event = stripe.Webhook.construct_event(
                        raw, self.headers["Stripe-Signature"], SECRET
                    )
                    if receiver.status == 200:
                        receiver.events.append(event)
                except stripe.SignatureVerificationError as exc:
                    receiver.refusals.append(exc)
                self.send_response(receiver.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args):
                """Quiet."""

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def types(self):
        return [event.type for event in self.events]

    def clear(self):
        self.events.clear()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args):
        return None


class Person:
    """Opens pages and sends forms, without following redirects."""

    def __init__(self, base):
        self.base = base
        self.opener = urllib.request.build_opener(_Stay)

    def _send(self, url, data=None, **headers):
        url = url if url.startswith("http") else self.base + url
        request = urllib.request.Request(url, data, headers)
        try:
            answer = self.opener.open(request)
        except urllib.error.HTTPError as exc:
            answer = exc
        with answer:
            return SimpleNamespace(
                status=answer.status, to=answer.headers.get("Location"), raw=(raw := answer.read()),
                text=raw.decode("latin-1"), headers=answer.headers,
            )  # fmt: skip

    def open(self, url, **headers):
        return self._send(url, **headers)

    def send(self, url, headers=None, **form):
        return self._send(url, urllib.parse.urlencode(form).encode(), **(headers or {}))

    def json(self, url, **body):
        answer = self._send(url, json.dumps(body).encode(), **{"Content-Type": "application/json"})
        assert answer.status == 200, answer.text
        return json.loads(answer.raw)


class Shop:
    """What most stories need: a product with a monthly, a dear monthly and a yearly price."""

    def __init__(self, local, v1, person):
        self.local, self.v1, self.person = local, v1, person
        self.product = v1.products.create({"name": "Premium"})
        self.month = self.price(900, "month", "premium_monthly")
        self.more = self.price(2000, "month", "premium_plus")
        self.year = self.price(9000, "year", "premium_yearly")

    def price(self, amount, interval=None, key=None, currency="usd"):
        recurring = {"recurring": {"interval": interval}} if interval else {}
        named = {"lookup_key": key} if key else {}
        return self.v1.prices.create(
            {"product": self.product.id, "currency": currency, "unit_amount": amount, **recurring, **named}
        )  # fmt: skip

    def checkout(self, price=None, **more):
        if "customer" not in more and "customer_email" not in more:
            more["customer"] = self.v1.customers.create({"email": "ada@example.com"}).id
        return self.v1.checkout.sessions.create({
            "mode": "subscription", "line_items": [{"price": (price or self.month).id, "quantity": 1}],
            "success_url": "https://site.test/done?s={CHECKOUT_SESSION_ID}",
            "cancel_url": "https://site.test/plans", **more,
        })  # fmt: skip

    def buy(self, price=None, card="4242 4242 4242 4242", **more):
        """A subscription, bought on the page."""
        session = self.checkout(price, **more)
        answer = self.person.send(session.url, card=card, email="ada@example.com")
        assert answer.status == 303, re.sub(r"<[^>]+>", " ", answer.text)
        done = self.v1.checkout.sessions.retrieve(session.id)
        return self.v1.subscriptions.retrieve(done.subscription)

    def subscribe(self, price=None, card="pm_card_visa", **more):
        """A subscription made by the API."""
        customer = self.v1.customers.create({"email": "ada@example.com"})
        pm = self.v1.payment_methods.attach(card, {"customer": customer.id})
        self.v1.customers.update(
            customer.id, {"invoice_settings": {"default_payment_method": pm.id}}
        )
        return self.v1.subscriptions.create(
            {"customer": customer.id, "items": [{"price": (price or self.month).id}], **more}
        )

    def sub(self, sub):
        return self.v1.subscriptions.retrieve(sub.id)

    def invoices(self, sub):
        """Oldest first."""
        return self.v1.invoices.list({"subscription": sub.id, "limit": 100}).data[::-1]

    def to_end_of_period(self, sub, then=0):
        """To where the period is over, and `then` seconds more."""
        self.local.advance(to=self.sub(sub)["items"].data[0].current_period_end + then)


@pytest.fixture
def receiver():
    made = Receiver()
    yield made
    made.close()


def unfit(world):
    """What lies in the store and could not be Stripe's."""
    spec, found = vendor.description(), []
    for kind, rows in world.store.tables.items():
        if kind.startswith("_"):
            continue
        for row in rows.values():
            try:
                spec.check(shapes.public(row), {"$ref": f"#/components/schemas/{kind}"})
            except vendor.Invalid as exc:
                found.append(f"{kind} {row['id']}: {exc}")
    return found


@pytest.fixture
def local(request, tmp_path):
    """With a webhook endpoint if the test looks at what is received."""
    url = None
    if "receiver" in request.fixturenames:
        url = request.getfixturevalue("receiver").url
    made = LocalStripe(tmp_path / "stripe.sqlite3", url, SECRET, retries=(0.05, 0.05, 0.05)).start()
    yield made
    problems = made.wire.problems() + unfit(made.world)
    made.stop()
    if not request.node.get_closest_marker("allow_bad_requests"):
        assert not problems, problems


@pytest.fixture
def client(local):
    return client_of(local)


def client_of(local, **more):
    return stripe.StripeClient(
        "sk_test_x", base_addresses={"api": local.url}, **{"max_network_retries": 0, **more}
    )


@pytest.fixture
def v1(client):
    return client.v1


@pytest.fixture
def person(local):
    return Person(local.url)


@pytest.fixture
def shop(local, v1, person):
    return Shop(local, v1, person)


def pytest_configure(config):
    config.addinivalue_line(
        "markers", "allow_bad_requests: looks at requests that Stripe would refuse"
    )
