from __future__ import annotations

import hypothesis
import pytest
from django.contrib.auth import get_user_model
from django.db import connection

from threadflow_forum.services import comments, subs, threads

pytest_plugins = ["threadflow_core.testing.live_fixtures"]

# A busy machine makes any example slow; what time things may take is tested where it is the subject.
hypothesis.settings.register_profile("unhurried", deadline=None)
hypothesis.settings.load_profile("unhurried")


def pytest_collection_modifyitems(items):
    if connection.vendor != "postgresql":
        for item in items:
            if item.get_closest_marker("postgres"):
                item.add_marker(pytest.mark.skip(reason="needs PostgreSQL: set DATABASE_URL"))


@pytest.fixture(autouse=True)
def no_limits(settings):
    """Rates are tested where they are the subject; elsewhere a test may write as fast as it can."""
    settings.THREADFLOW_CORE = {**settings.THREADFLOW_CORE, "LIMITS": {"*": None}}


@pytest.fixture
def person(db):
    """Makes people: `person("ada")`."""
    users = get_user_model()

    def make(name: str, **fields):
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
def mod(person):
    return person("mod")


@pytest.fixture
def sub(mod):
    """A public sub that `mod` owns."""
    return subs.open_sub(founder=mod, slug="baking", title="Baking")


@pytest.fixture
def private_sub(mod):
    return subs.open_sub(founder=mod, slug="cellar", title="Cellar", visibility="private")


@pytest.fixture
def thread(sub, ada):
    return threads.post_thread(author=ada, sub=sub, title="My loaf spreads", body="Why?")


@pytest.fixture
def write(bo):
    """Writes comments: `write(thread, "text", parent=…, author=…)`."""

    def make(thread, body="Some words", **more):
        return comments.add_comment(**{"author": bo, "thread": thread, "body": body, **more})

    return make


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
