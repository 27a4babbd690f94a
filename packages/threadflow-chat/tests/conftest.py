from __future__ import annotations

import os
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from django.conf import settings as django_settings
from django.contrib.auth import get_user_model

from threadflow_chat.services import membership, messages, rooms
from threadflow_chat.swaps import get_message_model, get_room_model

pytest_plugins = [
    "threadflow_core.testing.pytest_plugin",
    "threadflow_core.testing.live_fixtures",
    "tests.drill_fixtures",
]

#: How often each drill runs: a fault that is survived once may have been luck.
DRILL_TIMES = int(os.environ.get("DRILL_TIMES") or "1")

WITH_API = "rest_framework" in django_settings.INSTALLED_APPS
WITH_FORUM = "threadflow_forum" in django_settings.INSTALLED_APPS


def pytest_generate_tests(metafunc: Any) -> None:
    if DRILL_TIMES > 1 and metafunc.definition.get_closest_marker("drill"):
        metafunc.fixturenames.append("time_of_drill")
        metafunc.parametrize("time_of_drill", range(1, DRILL_TIMES + 1))


@pytest.fixture(autouse=True)
def no_limits(settings):
    """Rates are tested where they are the subject; elsewhere a test may write as fast as it can."""
    settings.THREADFLOW_CORE = {**settings.THREADFLOW_CORE, "LIMITS": {"*": None}}


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    """Uploaded files go where tests may write."""
    settings.MEDIA_ROOT = str(tmp_path)


@pytest_asyncio.fixture
async def live_end(live_end: None) -> AsyncIterator[None]:
    """Who is there is forgotten, too."""
    from threadflow_chat.live import presence

    yield
    await presence.keeper().stop()


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
def lead(person):
    """Leads the projects, and so moderates their rooms."""
    return person("lead")


@pytest.fixture
def staff(person):
    return person("staff", is_staff=True)


@pytest.fixture
def project(db, lead):
    """An object of the host that anybody sees."""
    from .hosted.models import Project

    return Project.objects.create(name="Bridge", lead=lead)


@pytest.fixture
def secret(db, lead, ada):
    """An object of the host that its team sees: the lead and ada."""
    from .hosted.models import Project

    made = Project.objects.create(name="Tunnel", lead=lead, is_secret=True)
    made.team.add(ada)
    return made


@pytest.fixture
def room(project, ada):
    """The room of the open project; nobody has joined it."""
    return rooms.open_for(person=ada, target=project)


@pytest.fixture
def group(ada, bo):
    """A private group of ada, who owns it, and bo."""
    return rooms.open_group(person=ada, title="Lunch", people=[bo])


@pytest.fixture
def direct(ada, bo):
    return rooms.direct(person=ada, other=bo)


@pytest.fixture
def say(ada):
    """Writes messages: `say(room, "text", author=…)`. Each text is another one."""
    count = iter(range(1, 1_000_000))

    def make(room, text=None, **more):
        text = f"Message {next(count)}" if text is None else text
        return messages.send_message(**{"author": ada, "room": room, "text": text, **more})

    return make


@pytest.fixture
def member():
    """Lets somebody in: `member(room, bo)`."""

    def make(room, *people):
        return [membership.join(person=one, room=room) for one in people]

    return make


@pytest.fixture
def fresh():
    """The row as it is now: `fresh(message)`."""

    def read(row):
        return type(row).objects.get(pk=row.pk)

    return read


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
def rooms_of_model():
    return get_room_model().objects


@pytest.fixture
def messages_of_model():
    return get_message_model().objects


@pytest.fixture
def plant():
    """Writes many messages in bulk, as if they had been sent: `plant(room, ada, 100)`."""

    def make(room, author, count, text="Message {}", **fields):
        model, room = get_message_model(), type(room).objects.get(pk=room.pk)
        first = room.last_mno + 1
        made = [
            model(
                room=room,
                author=author,
                mno=mno,
                source=text.format(mno),
                html=f"<p>{text.format(mno)}</p>",
                **fields,
            )
            for mno in range(first, first + count)
        ]
        model.objects.bulk_create(made)
        type(room).objects.filter(pk=room.pk).update(last_mno=first + count - 1)
        return made

    return make
