from __future__ import annotations

import functools

import hypothesis
import pytest
from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.transaction import Atomic

try:
    from vendormock import Spec, StripeMock
except ImportError:  # the package alone, without its repository
    Spec = StripeMock = None


pytest_plugins = ["threadflow_core.testing.pytest_plugin"]

# A busy machine makes any example slow; what time things may take is tested where it is the subject.
hypothesis.settings.register_profile("unhurried", deadline=None)
hypothesis.settings.load_profile("unhurried")


@pytest.fixture(autouse=True)
def no_limits(settings):
    """Rates are tested where they are the subject; elsewhere a test may write as fast as it can."""
    settings.THREADFLOW_CORE = {**settings.THREADFLOW_CORE, "LIMITS": {"*": None}}


@functools.cache
def _spec():
    return Spec.load("stripe.json")


@pytest.fixture
def stripe_mock(request, settings):
    """Stripe as its own description has it; a request it would refuse fails the test at its end."""
    if StripeMock is None:
        pytest.skip("tools/vendormock of the repository is not here")
    with StripeMock(_spec()) as mock:
        settings.THREADFLOW_BILLING = {**settings.THREADFLOW_BILLING, "API_BASE": mock.url}
        yield mock
    if not request.node.get_closest_marker("allow_bad_requests"):
        assert not mock.problems(), mock.problems()


@pytest.fixture
def person(db):
    """Makes people: `person("ada")`."""
    users = get_user_model()

    def make(name, **fields):
        found = users.objects.filter(username=name).first()
        return found or users.objects.create_user(name, f"{name}@example.org", "pw", **fields)

    return make


@pytest.fixture
def ada(person):
    return person("ada")


@pytest.fixture
def bo(person):
    return person("bo")


@pytest.fixture
def admin(person):
    return person("admin", is_staff=True, is_superuser=True)


@pytest.fixture
def client_of(db):
    """A browser signed in as somebody: `client_of(ada)`."""
    from django.test import Client

    def make(someone=None):
        client = Client()
        if someone is not None:
            client.force_login(someone)
        return client

    return make


@pytest.fixture
def world(stripe_mock, db):
    """Stripe's side, which has our plans already (pushing them is tested on its own)."""
    from django.db.models import F, Value
    from django.db.models.functions import Concat

    from threadflow_billing.models import Price

    from .world import World

    Price.objects.update(provider_id=Concat(Value("price_"), F("lookup_key")))
    return World(stripe_mock)


@pytest.fixture
def price_of(world):
    """`price_of("premium", "month")`."""
    from threadflow_billing.services.checkout import find_price

    return lambda code="premium", interval="month", months=None: find_price(code, interval, months)


@pytest.fixture
def account_of(db):
    """The person's account with a customer at Stripe."""
    from threadflow_billing.services import accounts

    def make(person):
        account = accounts.ensure(person)
        if not account.customer_id:
            account.customer_id = f"cus_{person.username}"
            account.save()
        return account

    return make


@pytest.fixture
def run_jobs(db):
    """Run everything that is due, at a time of one's choosing."""
    from threadflow_core import jobs

    def run(now=None, **more):
        return jobs.drain(now=now, **more)

    return run


@pytest.fixture
def crowd(race):
    """`crowd(fn, n)` is `race` for many: all start together, 16 hold a connection at a time.

    A server has a hundred connections, and others use it, too.
    """
    import threading

    from django.db import connections

    def run(function, n):
        gate = threading.BoundedSemaphore(16)

        def one(number):
            with gate:
                try:
                    return function(number)
                finally:
                    connections.close_all()

        return race(one, n, timeout=120)

    return run


@pytest.fixture
def commits(request, db, monkeypatch):
    """Lets the end of the outermost `atomic` of a test count as its commit.

    What waits for the commit runs, and constraints that are checked at commit are checked; the
    test's own transaction is rolled back as ever, which is much faster than emptying all tables.
    Tests with threads take `django_db(transaction=True)`, where this does nothing.
    """
    marker = request.node.get_closest_marker("django_db")
    if marker is not None and marker.kwargs.get("transaction"):
        return
    leave = Atomic.__exit__

    def left(self, exc_type, exc_value, traceback):
        leave(self, exc_type, exc_value, traceback)
        connection = transaction.get_connection(self.using)
        if exc_type is not None or connection.savepoint_ids or connection.needs_rollback:
            return
        if connection.in_atomic_block and connection.run_on_commit:
            connection.check_constraints()
            while connection.run_on_commit:
                waiting, connection.run_on_commit = connection.run_on_commit, []
                for _sids, function, _robust in waiting:
                    function()

    monkeypatch.setattr(Atomic, "__exit__", left)
