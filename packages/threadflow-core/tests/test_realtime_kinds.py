"""What a kind of topic hears of its followers, tells one of them, and has asked again."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import OperationalError

from threadflow_core import realtime
from threadflow_core.policies import Verdict
from threadflow_core.realtime import access, kinds
from threadflow_core.realtime.threads import in_thread

pytestmark = pytest.mark.django_db(transaction=True)

HEARD: list[tuple[str, str]] = []
CLOSED: set[str] = set()
ASKED: list[Any] = []


class HallTopic(realtime.TopicKind):
    """`hall:<name>`: counts who follows, and can be closed."""

    prefix = "hall"

    def may_subscribe(self, person: Any, key: str) -> Verdict:
        ASKED.append(person.pk)
        return Verdict.no("closed", "Closed.") if key in CLOSED else Verdict.yes()

    def mine(self, key: str, person: Any) -> dict[str, Any]:
        return {"signed_in": person.is_authenticated, "hall": key}

    def page(self, key: str, person: Any) -> dict[str, Any]:
        return {"all": key}

    def entered(self, key: str, socket: Any) -> None:
        HEARD.append(("entered", key))
        if key == "broken":
            raise ZeroDivisionError

    def left(self, key: str, socket: Any) -> None:
        HEARD.append(("left", key))


@pytest.fixture(autouse=True)
def hall() -> Iterator[None]:
    HEARD.clear()
    CLOSED.clear()
    realtime.register(HallTopic)
    yield
    del kinds._kinds["hall"]


async def test_a_follower_is_told_what_is_theirs_and_others_are_told_nothing(
    live_clients: Any,
) -> None:
    client = live_clients()
    await client.hello("hall:a", "drill:a")
    answers = {frame["topic"]: frame for frame in [await client.get("subd") for _ in range(2)]}
    assert answers["hall:a"]["me"] == {"signed_in": False, "hall": "a"}
    assert "me" not in answers["drill:a"]


async def test_it_comes_with_a_fresh_start_too(live_clients: Any) -> None:
    client = live_clients()
    await client.hello()
    client.send(op="sub", topic="hall:a", since=7, epoch="another")
    answer = await client.get("subd")
    assert (answer["mode"], answer["page"], answer["me"]["hall"]) == ("reset", {"all": "a"}, "a")
    assert HEARD == [("entered", "a")]


async def test_a_kind_hears_once_of_each_who_comes_and_goes(live_clients: Any) -> None:
    first, second = live_clients(), live_clients()
    await first.hello("hall:a", "hall:b")
    await second.hello("hall:a")
    await second.get("subd")
    first.send(op="sub", topic="hall:a")
    assert (await first.get("subd"))["op"] == "subd"
    first.send(op="unsub", topic="hall:b", i=1)
    first.send(op="unsub", topic="hall:b", i=2)
    while (await first.get("ok"))["i"] != 2:
        continue
    await second.leave()
    assert sorted(HEARD) == [
        *[("entered", "a")] * 2,
        ("entered", "b"),
        ("left", "a"),
        ("left", "b"),
    ]


async def test_a_kind_that_fails_to_hear_harms_nobody(live_clients: Any) -> None:
    client = live_clients()
    await client.hello("hall:broken")
    assert (await client.get("subd"))["mode"] == "resume"
    await in_thread(lambda: realtime.hint("hall:broken", "sign"))
    assert (await client.get("sign"))["op"] == "sign"


async def test_followers_of_one_topic_are_asked_again(live_clients: Any) -> None:
    inside, elsewhere = live_clients(), live_clients()
    await inside.hello("hall:a", "hall:b")
    await elsewhere.hello("hall:c")
    for client in (inside, inside, elsewhere):
        await client.get("subd")
    CLOSED.update({"a", "c"})
    await in_thread(realtime.recheck, "hall:a")
    kicked = await asyncio.wait_for(inside.get("kicked"), 2)
    assert (kicked["topic"], kicked["code"]) == ("hall:a", "closed")
    assert await elsewhere.nothing()
    await in_thread(lambda: realtime.hint("hall:b", "sign"))
    assert (await inside.get("sign"))["topic"] == "hall:b"


async def test_strangers_are_asked_about_once_and_people_each(
    live_clients: Any, ada: Any, bo: Any, session_of: Any
) -> None:
    people = [None, None, None, ada, ada, bo]
    made = []
    for one in people:
        session = None if one is None else await in_thread(session_of, one)
        made.append(live_clients(user=one, session=session))
        await made[-1].hello("hall:a")
        await made[-1].get("subd")
    ASKED.clear()
    CLOSED.add("a")
    await in_thread(realtime.recheck, "hall:a")
    for client in made:
        assert (await client.get("kicked"))["code"] == "closed"
    assert sorted(ASKED, key=str) == sorted([None, ada.pk, bo.pk], key=str)


async def test_a_question_that_fails_is_asked_again(
    live_clients: Any, monkeypatch: Any, settings: Any
) -> None:
    settings.THREADFLOW_CORE = {"JOBS_DRIVER": "inline", "REALTIME_RECHECK_SECONDS": 0.5}
    client = live_clients()
    await client.hello("hall:a")
    await client.get("subd")
    real, failed = access.recheck, []

    def fails_once(asked: Any) -> Any:
        if not failed:
            failed.append(asked)
            raise OperationalError("gone away")
        return real(asked)

    monkeypatch.setattr(access, "recheck", fails_once)
    CLOSED.add("a")
    await in_thread(realtime.recheck, "hall:a")
    assert (await client.get("kicked"))["code"] == "closed"
    assert failed
