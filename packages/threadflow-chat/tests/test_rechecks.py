"""The rights of a room's crowd, asked at once: the same answers as one by one, for less."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("channels", reason="live frames need Channels")

from django.contrib.auth import get_user_model
from django.db import connection
from django.test.utils import CaptureQueriesContext

from threadflow_chat.live.topics import RoomTopic
from threadflow_chat.services import membership
from threadflow_core.testing.queries import statements

from . import entitled

pytestmark = pytest.mark.django_db


@pytest.fixture
def crowd(ada: Any, bo: Any, staff: Any) -> list[Any]:
    users = get_user_model()
    more = [users.objects.create_user(f"guest{n}", f"guest{n}@example.org") for n in range(5)]
    return [ada, bo, staff, *more]


def answers(room: Any, crowd: list[Any]) -> tuple[list[str], list[str]]:
    """Codes of both ways to ask; "" is a yes."""
    topic, key = RoomTopic(), str(room.pk)
    one_by_one = [topic.may_subscribe(one, key) for one in crowd]
    at_once = topic.may_subscribe_each(crowd, key)
    return [v.code if not v else "" for v in one_by_one], [v.code if not v else "" for v in at_once]


@pytest.fixture
def open_projects(project: Any, monkeypatch: Any) -> None:
    """The host says that everybody sees what strangers see."""
    rows = type(type(project).objects.all())
    monkeypatch.setattr(rows, "strangers_see_least", True, raising=False)


def test_a_crowd_gets_the_answers_of_its_people(
    room: Any, crowd: list[Any], staff: Any, open_projects: None
) -> None:
    membership.ban(moderator=staff, room=room, person=crowd[3], reason="Spam")
    one_by_one, at_once = answers(room, crowd)
    assert one_by_one == at_once
    assert at_once[3] == "banned"
    assert at_once.count("") == len(crowd) - 1


def test_a_private_room_is_asked_person_by_person(group: Any, crowd: list[Any]) -> None:
    one_by_one, at_once = answers(group, crowd)
    assert one_by_one == at_once
    assert at_once[:2] == ["", ""]
    assert "unknown_topic" in at_once


def test_a_secret_object_is_asked_person_by_person(
    secret: Any, ada: Any, crowd: list[Any], open_projects: None
) -> None:
    from threadflow_chat.services import rooms

    one_by_one, at_once = answers(rooms.open_for(person=ada, target=secret), crowd)
    assert one_by_one == at_once
    assert at_once[0] == "" and at_once[1] == "unknown_topic"


def test_who_lost_what_they_paid_for_is_told_so(
    room: Any, crowd: list[Any], open_projects: None, settings: Any, monkeypatch: Any
) -> None:
    settings.THREADFLOW_CORE = {
        **settings.THREADFLOW_CORE,
        "ENTITLEMENTS": "tests.entitled.Sold",
    }
    monkeypatch.setitem(entitled.GRANTS, "ada", {"chat.live"})
    one_by_one, at_once = answers(room, crowd)
    assert one_by_one == at_once
    assert at_once[0] == "" and at_once[1] == "premium_required"


def test_the_question_costs_a_crowd_the_same(
    room: Any, crowd: list[Any], open_projects: None
) -> None:
    def cost(people: list[Any]) -> int:
        with CaptureQueriesContext(connection) as found:
            RoomTopic().may_subscribe_each(people, str(room.pk))
        return len(statements(found))

    assert cost(crowd) == cost(crowd[:2]) <= 4
