"""Every page, API route and live topic of rooms, for every kind of person, against one table.

`access_table.txt` is the promise; a route that is missing there fails, and so does a row that
no route answers to.
"""

from __future__ import annotations

import re
from datetime import timedelta
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, reverse
from django.utils import timezone

from threadflow_chat import urls
from threadflow_chat.models import Role, RoomMember
from threadflow_chat.services import bots, membership, messages, pins, reactions, rooms
from threadflow_core.realtime.access import may_follow

from .hosted.models import Project

TABLE = Path(__file__).parent / "access_table.txt"
WITH_API = "rest_framework" in settings.INSTALLED_APPS
#: `author` wrote the messages, `member` is another member; `banned` is a member of what the room
#: belongs to with a ban in the room; `elsewhere` moderates another room. In the direct room
#: `author` and `member` talk, so for it the others are outsiders.
ROLES = ("anonymous", "member", "author", "other", "banned", "moderator", "elsewhere", "staff")
OUTSIDERS = ("anonymous", "other", "elsewhere")
#: The room of an open object, of one that its team sees, a private group, a direct room.
PLACES = ("public", "hidden", "group", "direct")
SECRET = "Zanzibar"

#: What a write sends: something that succeeds for those who may.
FORMS: dict[str, dict[str, Any]] = {
    "page:new": {"people": "target"},
    "page:say": {"text": "Hello"},
    "page:read": {"mno": "1"},
    "page:join": {"on": "1"},
    "page:level": {"level": "none"},
    "page:settings": {
        "title": "Another", "topic": "", "visibility": "public", "state": "open",
        "slow_seconds": "5",
    },
    "page:invite": {"people": "asker"},
    "page:member": {"act": "mute", "minutes": "5"},
    "page:edit": {"text": "Another text"},
    "page:react": {"react": "+🎉"},
    "page:pin": {"on": "1"},
    "page:flag": {"reason": "It sells something"},
    "core:preview": {"text": "Some *words*", "tf_action": "/"},
    "core:appearance": {"theme": "dark"},
    "api:rooms": {"title": "A group"},
    "api:room": {"about": "Something else"},
    "api:messages": {"text": "Hello"},
    "api:read": {"mno": 1},
    "api:membership": {"joined": True},
    "api:members": {"people": ["asker"]},
    "api:member": {"do": "mute", "until": "2999-01-01T00:00:00Z"},
    "api:message": {"text": "Another text"},
    "api:reactions": {"emoji": "🎉"},
    "api:pin": {"on": True},
    "api:report": {"reason": "It sells something"},
}  # fmt: skip


@cache
def table() -> dict[tuple[str, str, str], dict[str, str]]:
    """(route, method, where) to what each role is answered."""
    rows = {}
    for line in TABLE.read_text().splitlines():
        words = line.split()
        if not words or line.startswith("#"):
            continue
        assert len(words) == 3 + len(ROLES), line
        key = (words[0], words[1], words[2])
        assert key not in rows, f"twice: {line}"
        rows[key] = dict(zip(ROLES, words[3:], strict=True))
    return rows


@cache
def routes() -> dict[tuple[str, str], URLPattern]:
    """(name, method) of everything that the URLconfs answer."""
    found = {}
    patterns = [("page", urls.urlpatterns)]
    if WITH_API:
        from threadflow_chat.api import urls as api_urls

        patterns.append(("api", api_urls.urlpatterns))
    while patterns:
        surface, some = patterns.pop()
        for pattern in some:
            if not isinstance(pattern, URLPattern):
                patterns.append(("core", pattern.url_patterns))
                continue
            view: Any = getattr(pattern.callback, "cls", None) or pattern.callback.view_class
            for method in set(view.http_method_names) - {"head", "options", "trace"}:
                if hasattr(view, method):
                    found[f"{surface}:{pattern.name}", method.upper()] = pattern
    return found


def places_of(name: str, pattern: URLPattern) -> set[str]:
    """The rooms that a route has rows for."""
    converters = set(pattern.pattern.converters)
    if name.startswith("core:") or not converters:
        return {"-"}
    return {"public", "hidden"} if "code" in converters else set(PLACES)


@pytest.fixture
def world(person: Any, settings: Any) -> SimpleNamespace:
    """The same people in four rooms, with the same things in each."""
    settings.THREADFLOW_CHAT = {"CALLS": "threadflow_chat.calls.JitsiCalls"}
    them = {
        name: person(name, is_staff=name == "staff") for name in ("target", "asker", *ROLES[1:])
    }
    made = SimpleNamespace(people=them)
    team = [them[name] for name in ("author", "member", "banned", "moderator", "target")]
    for where in ("public", "hidden"):
        hidden = where == "hidden"
        title = SECRET if hidden else "Bridge"
        projects = [
            Project.objects.create(name=title, lead=them["moderator"], is_secret=hidden)
            for _ in range(2)
        ]
        for one in projects:
            one.team.set([*team, them["asker"]])
        room = rooms.open_for(person=them["author"], target=projects[0])
        setattr(made, where, _furnished(them, room, title, unopened=projects[1]))
    group = rooms.open_group(person=them["author"], title=SECRET, people=team)
    rows = RoomMember.objects.filter(room=group)
    rows.filter(person=them["author"]).update(role=Role.MEMBER)
    rows.filter(person=them["moderator"]).update(role=Role.OWNER)
    made.group = _furnished(them, group, SECRET)
    talk = rooms.direct(person=them["author"], other=them["member"])
    made.direct = _furnished(them, talk, SECRET)
    away = Project.objects.create(name="Away", lead=them["elsewhere"])
    rooms.open_for(person=them["elsewhere"], target=away)
    rooms.open_group(person=them["other"], title="Den", people=[them["asker"]])
    return made


def _furnished(them: Any, room: Any, words: str, unopened: Any = None) -> SimpleNamespace:
    """A room with members, a ban, messages, a reaction and a pin."""
    author, moderator = them["author"], them["moderator"]
    if not room.is_private:
        for name in ("author", "member", "moderator", "target"):
            membership.join(person=them[name], room=room)
    message = messages.send_message(author=author, room=room, text=words)
    messages.send_message(author=author, room=room, text=f"{words} again", reply_to=message)
    reactions.react(person=author, message=message, emoji="👍", on=True)
    streaming = bots.begin(bot=author, room=room)
    pinned = messages.send_message(author=author, room=room, text=f"{words} pinned")
    pins.set_pinned(person=author if room.is_direct else moderator, message=pinned, on=True)
    if not room.is_direct:
        membership.ban(moderator=moderator, room=room, person=them["banned"])
    room.refresh_from_db()
    return SimpleNamespace(room=room, message=message, streaming=streaming, target=unopened)


def address(name: str, pattern: URLPattern, place: Any) -> str:
    """The URL of a route for the things of a room."""
    surface, _colon, route = name.partition(":")
    message = place.streaming if route == "stop" else place.message
    person = "member" if place.room.is_direct else "target"
    of_message = "messages/" in str(pattern.pattern).partition("<")[0]
    given = {
        "room": place.room.pk,
        "message": message.pk,
        "id": message.pk if of_message else place.room.pk,
        "name": person,
        "username": person,
        "code": "project",
        "key": str(place.target.pk) if place.target is not None else "0",
    }
    space = {
        "page": "threadflow_chat", "api": "threadflow_chat_api",
        "core": "threadflow_chat:threadflow_core",
    }[surface]  # fmt: skip
    if surface == "core":
        given["id"] = "0192f0c1-2345-7000-8000-000000000000"
    kwargs = {key: given[key] for key in pattern.pattern.converters}
    return reverse(f"{space}:{route}", kwargs=kwargs)


def ask(client: Client, name: str, method: str, place: Any) -> Any:
    """Send the request of a row; what it writes is rolled back."""
    path = address(name, routes()[name, method], place)
    data: Any = FORMS.get(name, {})
    send = getattr(client, method.lower())
    with transaction.atomic():
        if method == "GET":
            answer = send(path)
        elif name == "api:uploads":
            answer = send(path, {"file": SimpleUploadedFile("note.txt", b"hello", "text/plain")})
        elif name.startswith("api:"):
            answer = send(path, data, content_type="application/json")
        else:
            answer = send(path, data)
        transaction.set_rollback(True)
    return answer


def client_for(role: str, world: SimpleNamespace) -> Client:
    client = Client(raise_request_exception=False)
    if role != "anonymous":
        client.force_login(world.people[role])
    return client


def where_of(world: SimpleNamespace, where: str) -> Any:
    return world.public if where == "-" else getattr(world, where)


def test_every_route_has_a_row_for_each_place_and_every_row_a_route() -> None:
    listed = {key for key in table() if WITH_API or not key[0].startswith("api:")}
    wanted = {
        (name, method, where)
        for (name, method), pattern in routes().items()
        for where in places_of(name, pattern)
    }
    live = {("live:room", "SUB", where) for where in PLACES}
    assert listed == wanted | live


@pytest.mark.parametrize("role", ROLES)
def test_everybody_is_answered_as_the_table_says(world: SimpleNamespace, role: str) -> None:
    client, wrong = client_for(role, world), []
    for name, method, where in table():
        if name.startswith("live:" if WITH_API else ("live:", "api:")):
            continue
        status = ask(client, name, method, where_of(world, where)).status_code
        wanted = table()[name, method, where][role]
        if str(status) != wanted:
            wrong.append(f"{name} {method} {where}: {status}, the table says {wanted}")
    assert not wrong, "\n".join(wrong)


def test_rooms_are_followed_as_the_table_says(world: SimpleNamespace) -> None:
    for role in ROLES:
        person = world.people.get(role) or AnonymousUser()
        for where in PLACES:
            topic = getattr(world, where).room.live_topic
            verdict = may_follow(person, [topic])[topic]
            found = "yes" if verdict else verdict.code
            assert found == table()["live:room", "SUB", where][role], (where, role)


@pytest.mark.parametrize("role", OUTSIDERS)
def test_no_page_names_anything_of_a_private_room(world: SimpleNamespace, role: str) -> None:
    """Not even the page that says that there is nothing."""
    client = client_for(role, world)
    for name, method in routes():
        if method == "GET":
            for where in PLACES:
                body = ask(client, name, method, getattr(world, where)).content.decode()
                assert SECRET not in body, (name, where)


#: What differs between two answers to the same request.
PASSING = re.compile(
    r'name="(?:csrfmiddlewaretoken|nonce|_once)" value="[^"]*"|"(?:next|previous)":"[^"]*"'
    r'|[?&](?:amp;)?cursor=[^"&]*|<time[^>]*>[^<]*</time>'
)


@pytest.mark.parametrize("role", OUTSIDERS)
def test_life_in_private_rooms_changes_no_byte_outside(
    world: SimpleNamespace, role: str, django_capture_on_commit_callbacks: Any
) -> None:
    """Lists, counts, search and members: before and after are the same."""
    client, them = client_for(role, world), world.people

    def everything() -> dict[str, str]:
        answers = {
            name: ask(client, name, method, world.public).content.decode()
            for name, method in routes()
            if method == "GET"
        }
        found = client.get(reverse("threadflow_chat:search_all"), {"q": SECRET})
        answers["search"] = found.content.decode().replace(SECRET, "")
        return {name: PASSING.sub("", body) for name, body in answers.items()}

    before = everything()
    with django_capture_on_commit_callbacks(execute=True):
        for where in ("hidden", "group", "direct"):
            room = getattr(world, where).room
            said = messages.send_message(
                author=them["author"], room=room, text=f"{SECRET} more @{role}"
            )
            reactions.react(person=them["member"], message=said, emoji="👍", on=True)
            if where != "direct":
                membership.mute(
                    moderator=them["moderator"], room=room, person=them["target"],
                    until=timezone.now() + timedelta(hours=1),
                )  # fmt: skip
        rooms.open_group(person=them["author"], title=SECRET, people=[them["member"]])
    after = everything()
    assert [name for name in before if before[name] != after[name]] == []


def test_who_left_a_group_finds_it_nowhere(
    world: SimpleNamespace, django_capture_on_commit_callbacks: Any
) -> None:
    member, group = world.people["member"], world.group.room
    client = client_for("member", world)
    with django_capture_on_commit_callbacks(execute=True):  # so that it is indexed
        for room in (group, world.hidden.room):
            messages.send_message(author=world.people["author"], room=room, text=f"{SECRET} tin")

    def found() -> str:
        return client.get(reverse("threadflow_chat:search_all"), {"q": "tin"}).content.decode()

    assert str(group.pk) in client.get(reverse("threadflow_chat:index")).content.decode()
    assert str(group.pk) in found()
    membership.leave(person=member, room=group)
    for name, method in routes():
        if method == "GET":
            answer = ask(client, name, method, world.group)
            assert str(group.pk) not in answer.content.decode(), name
    assert str(world.hidden.room.pk) in found() and str(group.pk) not in found()
