"""What a reader is to a thread, in one statement, and as the ORM tells it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from threadflow_core import realtime
from threadflow_core.testing import assert_queries
from threadflow_forum import standing
from threadflow_forum.models import Membership, ThreadMark

pytestmark = pytest.mark.django_db


def test_a_stranger_left_no_mark_and_is_a_guest(thread: Any, ada: Any) -> None:
    Membership.objects.filter(person=ada).delete()
    ThreadMark.objects.filter(person=ada).delete()
    with assert_queries(1):
        found = standing.read(ada, thread.pk)
    assert [found[name] for name in ("my_vote", "my_saved", "my_hidden", "my_read")] == [None] * 4
    assert (found["here"].role, found["here"].sub_id) == ("guest", thread.sub_id)
    assert found["position"] == (0, "") and not found["here"].is_banned()


def test_marks_and_membership_are_those_of_the_reader_alone(thread: Any, ada: Any, bo: Any) -> None:
    now = timezone.now()
    for person, vote in ((ada, -1), (bo, 1)):
        ThreadMark.objects.update_or_create(
            person=person,
            thread=thread,
            defaults={"vote": vote, "saved_at": now, "hidden_at": None, "read_number": 7 + vote},
        )
        Membership.objects.update_or_create(
            person=person,
            sub=thread.sub,
            defaults={
                "role": "member",
                "banned_at": now if vote < 0 else None,
                "banned_until": now + timedelta(days=1) if vote < 0 else None,
                "ban_reason": "Advertising" if vote < 0 else "",
            },
        )
    mine = standing.read(ada, thread.pk)
    mark = ThreadMark.objects.get(person=ada, thread=thread)
    member = Membership.objects.get(person=ada, sub=thread.sub)
    assert (mine["my_vote"], mine["my_saved"], mine["my_read"]) == (-1, mark.saved_at, 6)
    assert {name: getattr(mine["here"], name) for name in standing.HERE} == {
        name: getattr(member, name) for name in standing.HERE
    }
    assert mine["here"].is_banned() and not standing.read(bo, thread.pk)["here"].is_banned()


def test_the_live_position_comes_along(thread: Any, ada: Any, write: Any) -> None:
    write(thread)
    topic = f"thread:{thread.public_id}"
    with assert_queries(1):
        found = standing.read(ada, thread.pk, topic)
    assert found["position"] == realtime.position(topic) and found["position"][0] > 0
    assert standing.read(ada, thread.pk, "thread:silent")["position"] == (0, "")
    assert realtime.position_sql("another database") is None
    assert standing.read(ada, 2**40)["here"].role == "guest"
