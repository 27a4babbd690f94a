"""The head of a room's page: who is here, and the reader's bell."""

from __future__ import annotations

import re
import uuid
from html.parser import HTMLParser
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from threadflow_chat import rosters
from threadflow_chat.live import leases, presence
from threadflow_chat.live.leases import Lease, LocalLeases
from threadflow_chat.models import RoomMember
from threadflow_chat.services import membership, messages, pins
from threadflow_core.exceptions import NotAllowed
from threadflow_core.realtime.kinds import user_key
from threadflow_core.testing import assert_queries

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def live(settings: Any) -> None:
    """A site whose pages are live, with nobody anywhere yet."""
    settings.THREADFLOW_CORE = {**settings.THREADFLOW_CORE, "REALTIME_ENABLED": True}
    leases._local.clear()


@pytest.fixture
def present() -> Any:
    """`present(room, ada, bo, idle=True)`: they follow the room in some process."""

    def come(room: Any, *people: Any, idle: bool = False) -> None:
        given = [Lease(str(one.pk), "somewhere", idle) for one in people]
        async_to_sync(LocalLeases().apply)(str(room.pk), given, [])

    return come


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[dict[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append(dict(attrs))


def tags(page: str, name: str) -> list[dict[str, str | None]]:
    parser = _Tags()
    parser.feed(page)
    return [tag for tag in parser.found if name in tag]


def head(client: Any, room: Any, more: str = "") -> str:
    answer = client.get(room.get_absolute_url() + more)
    assert answer.status_code == 200
    return str(answer.content.decode())


def faces(page: str) -> list[str | None]:
    return [tag["data-tf-face"] for tag in tags(page, "data-tf-face")]


def here(page: str) -> tuple[str | None, str]:
    (link,) = tags(page, "data-tf-here")
    shown = re.search(r"data-tf-here-n>(\d+)<", page)
    assert shown is not None
    return link["aria-label"], shown[1]


# ---------------------------------------------------------------------- who is here


def test_nobody_one_and_several_are_here(client_of, room, ada, bo, person, present):
    client = client_of(ada)
    page = head(client, room)
    assert here(page) == ("Nobody is here", "0") and faces(page) == []
    present(room, bo)
    page = head(client, room)
    assert here(page) == ("1 person here", "1") and faces(page) == [user_key(bo.pk)]
    present(room, ada, *(person(f"p{n}") for n in range(4)))
    page = head(client, room)
    assert here(page) == ("6 people here", "6") and len(faces(page)) == presence.FACES
    assert user_key(ada.pk) not in faces(page)  # the reader knows where they are


def test_who_looks_comes_before_the_idle_and_the_reader_last(client_of, room, ada, bo, present):
    present(room, bo, idle=True)
    present(room, ada)
    assert faces(head(client_of(ada), room)) == [user_key(bo.pk), user_key(ada.pk)]


def test_a_lease_that_ran_out_is_nobody(client_of, room, ada, bo, present, monkeypatch):
    present(room, bo)
    later = leases.clock() + 60
    monkeypatch.setattr(leases, "clock", lambda: later)
    assert here(head(client_of(ada), room)) == ("Nobody is here", "0")


def test_a_crowd_is_a_number_without_faces(client_of, room, ada, bo, person, present, settings):
    settings.THREADFLOW_CHAT = {"PRESENCE_NAMES_MAX": 2}
    present(room, ada, bo)
    assert len(faces(head(client_of(ada), room))) == 2
    present(room, person("cy"))
    page = head(client_of(ada), room)
    assert here(page) == ("3 people here", "3") and faces(page) == []


def test_who_is_here_costs_the_same_for_1_25_and_100(client_of, room, ada, bo, person, present):
    client, costs = client_of(bo), []
    people = [person(f"p{n}") for n in range(100)]
    for count in (1, 25, 100):
        present(room, *people[:count])
        head(client, room)
        with CaptureQueriesContext(connection) as found:
            assert here(head(client, room))[1] == str(count)
        costs.append(len(found))
    assert costs[0] == costs[1] == costs[2], costs


def test_the_erased_have_no_face(client_of, room, ada, bo, present):
    present(room, ada, bo)
    pk = bo.pk
    bo.delete()
    assert faces(head(client_of(ada), room)) == [user_key(ada.pk)]
    assert user_key(pk) not in head(client_of(ada), room)


def test_two_people_need_no_count_and_a_panel_no_faces(client_of, direct, room, ada, bo, present):
    present(direct, ada, bo)
    present(room, bo)
    assert tags(head(client_of(ada), direct), "data-tf-here") == []
    panel = head(client_of(ada), room, "?part=panel")
    assert here(panel) == ("1 person here", "1") and faces(panel) == []


def test_a_site_without_sockets_counts_members(client_of, room, ada, bo, member, present, settings):
    settings.THREADFLOW_CORE = {**settings.THREADFLOW_CORE, "REALTIME_ENABLED": False}
    member(room, bo)
    present(room, bo)
    page = head(client_of(ada), room)
    assert tags(page, "data-tf-here") == [] and 'aria-label="1 member"' in page


@pytest.mark.redis
def test_pages_read_the_leases_that_sockets_write_to_redis(settings, request):
    pytest.importorskip("redis")
    settings.THREADFLOW_CORE = {
        **settings.THREADFLOW_CORE,
        "REALTIME_BACKEND": leases.REDIS,
        "REALTIME_REDIS_URL": request.getfixturevalue("redis_server"),
        "REALTIME_REDIS_PREFIX": f"chat-{uuid.uuid4().hex}",
    }
    ada, room = Lease("7", "here"), str(uuid.uuid4())

    async def write() -> None:
        store = leases.store()
        await store.apply(room, [ada], [])
        await store.close()

    assert leases.read(room) == []
    async_to_sync(write)()
    assert leases.read(room) == [ada]


def test_redis_that_is_away_costs_a_page_one_try(client_of, room, ada, settings, caplog):
    pytest.importorskip("redis")
    settings.THREADFLOW_CORE = {
        **settings.THREADFLOW_CORE,
        "REALTIME_BACKEND": leases.REDIS,
        "REALTIME_REDIS_URL": "redis://127.0.0.1:1/0",
    }
    for _ in range(2):
        assert here(head(client_of(ada), room)) == ("Nobody is here", "0")
    assert caplog.text.count("pages show nobody") == 1


# ---------------------------------------------------------------------- the pin


def test_the_newest_pin_stands_above_the_log_and_alone_as_a_part(client_of, group, ada, bo):
    client = client_of(ada)
    (bar,) = tags(head(client, group), "data-tf-pin")
    assert bar["data-tf-pin"] == "" and "hidden" in bar
    made = [messages.send_message(author=bo, room=group, text=f"Agenda {n}") for n in range(2)]
    for message in made:
        pins.set_pinned(person=ada, message=message, on=True)
    with assert_queries(at_most=12):
        part = client.get(group.get_absolute_url() + "?part=pin").content.decode()
    for page in (head(client, group), part):
        (bar,) = tags(page, "data-tf-pin")
        assert bar["data-tf-pin"] == str(made[1].pk) and "hidden" not in bar
        assert "Agenda 1" in page and "2 pins" in page
    assert "Agenda 0" not in part
    assert client_of(bo).get(group.get_absolute_url() + "?part=pin").status_code == 200


# ---------------------------------------------------------------------- the bell


def bell(page: str) -> tuple[str | None, list[tuple[str | None, str | None]]]:
    """What it is called, and its choices."""
    (button,) = [tag for tag in tags(page, "popovertarget") if tag.get("id") == "tf-bell-b"]
    choices = [tag for tag in tags(page, "aria-pressed") if tag.get("name") == "level"]
    return button["aria-label"], [(tag["value"], tag["aria-pressed"]) for tag in choices]


def level_url(room: Any) -> str:
    return reverse("threadflow_chat:level", args=[room.pk])


def test_the_bell_says_and_sets_what_one_is_told_of(client_of, room, ada, bo, member):
    member(room, bo)
    client = client_of(bo)
    assert bell(head(client, room)) == (
        "Notify: every message", [("all", "true"), ("mentions", "false"), ("none", "false")]
    )  # fmt: skip
    plain = client.post(level_url(room), {"level": "none"})
    assert (plain.status_code, plain["Location"]) == (303, room.get_absolute_url())
    assert RoomMember.objects.of(bo, room).level == "none"
    answer = client.post(
        level_url(room) + "?part=bell", {"level": "mentions"}, headers={"HX-Request": "true"}
    )
    page = answer.content.decode()
    assert answer.status_code == 200 and "autofocus" in page
    assert bell(page)[0] == "Notify: mentions only" and ("mentions", "true") in bell(page)[1]
    again = head(client, room, "?part=bell")
    assert bell(again) == bell(page) and "autofocus" not in again
    assert 'id="tf-bell"' not in head(client_of(ada), room)  # not a member: no dead button
    assert 'id="tf-bell"' not in head(client_of(ada), room, "?part=bell")


def test_who_was_sent_out_meanwhile_is_told_so(client_of, lead, room, bo, member):
    member(room, bo)
    membership.kick(moderator=lead, room=room, person=bo)
    path, headers = level_url(room) + "?part=bell", {"HX-Request": "true"}
    refused = client_of(bo).post(path, {"level": "none"}, headers=headers)
    page = refused.content.decode()
    assert refused.status_code == 403 and "Join this room first" in page and "<form" not in page
    with pytest.raises(NotAllowed):
        membership.set_level(person=bo, room=room, level="none")


def test_the_list_shows_as_much_as_one_wants_to_hear(client_of, room, ada, bo, member, say):
    member(room, bo)
    client, index = client_of(bo), reverse("threadflow_chat:index")

    def shown() -> tuple[bool, bool, bool]:
        """A bold name, a mark for what is unread, a number of mentions."""
        page = client.get(index).content.decode()
        (row,) = tags(page, "data-tf-room")
        marks = [tags(page, name)[0] for name in ("data-tf-unread-mark", "data-tf-mentions")]
        return "tf-room--un" in str(row["class"]), *("hidden" not in mark for mark in marks)  # type: ignore[return-value]

    def levels() -> list[tuple[tuple[bool, bool, bool], dict[str, int]]]:
        found = []
        for level in ("all", "mentions", "none"):
            membership.set_level(person=bo, room=room, level=level)
            found.append((shown(), rosters.totals(bo)))
        return found

    say(room)
    quiet = ((False, False, False), {"unread": 0, "mentions": 0})
    assert levels() == [((True, True, False), {"unread": 1, "mentions": 0}), quiet, quiet]
    named = messages.send_message(author=ada, room=room, text="@bo look")
    RoomMember.objects.filter(person=bo, room=room).update(mention_count=1)
    assert named.mno == 2
    assert levels() == [
        ((True, False, True), {"unread": 1, "mentions": 1}),
        ((True, False, True), {"unread": 0, "mentions": 1}),
        quiet,
    ]
