"""Every URL, API route and live topic, for every kind of person, against one table.

`access_table.txt` is the promise; a route that is missing there fails, and so does a row that
no route answers to.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, reverse
from django.utils import timezone

from threadflow_core.realtime.access import may_follow
from threadflow_core.realtime.kinds import user_topic
from threadflow_forum import urls
from threadflow_forum.models import Membership, Role
from threadflow_forum.services import comments, moderation, subs, threads, votes
from threadflow_forum.services.votes import Vote

TABLE = Path(__file__).parent / "access_table.txt"
WITH_API = "rest_framework" in settings.INSTALLED_APPS
#: `author` wrote the thread and the comment and is a member; `other` is a member of another
#: private sub only; `banned` is a member with a ban; `elsewhere` moderates another sub.
ROLES = (
    *("anonymous", "member", "author", "other", "banned", "moderator", "elsewhere", "staff"),
)  # fmt: skip
OUTSIDERS = ("anonymous", "other", "elsewhere")
SECRET = "Zanzibar"

#: What a write sends: something that succeeds for those who may.
FORMS: dict[str, dict[str, Any]] = {
    "page:open_sub": {"slug": "fresh", "title": "Fresh", "visibility": "public"},
    "page:sub_submit": {"title": "A title", "body": "A text"},
    "page:join": {"on": "1"},
    "page:mod_answer": {"person": "asker", "on": "1"},
    "page:mod_ban": {"person": "target"},
    "page:mod_unban": {"person": "banned"},
    "page:vote": {"value": "1"},
    "page:save": {"on": "1"},
    "page:hide": {"on": "1"},
    "page:comment_on": {"body": "A comment"},
    "page:edit_thread": {"title": "Another title", "body": "Another text"},
    "page:lock": {"on": "1"},
    "page:pin": {"on": "1"},
    "page:comment_vote": {"value": "1"},
    "page:comment_save": {"on": "1"},
    "page:reply": {"body": "A reply"},
    "page:edit_comment": {"body": "Another text"},
    "core:preview": {"text": "Some *words*", "tf_action": "/"},
    "core:appearance": {"theme": "dark"},
    "api:subs": {"slug": "fresh", "title": "Fresh"},
    "api:sub": {"title": "Another title"},
    "api:membership": {"joined": True},
    "api:sub_threads": {"title": "A title"},
    "api:thread": {"title": "Another title"},
    "api:comments": {"text": "A comment"},
    "api:vote": {"value": 1},
    "api:save": {"saved": True},
    "api:lock": {"locked": True},
    "api:comment": {"text": "Another text"},
    "api:replies": {"text": "A reply"},
    "api:comment_vote": {"value": 1},
    "api:comment_save": {"saved": True},
}


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
        from threadflow_forum.api import urls as api_urls

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


def rows_of(surfaces: tuple[str, ...], where: tuple[str, ...]) -> list[tuple[str, str, str]]:
    return [key for key in table() if key[0].split(":")[0] in surfaces and key[2] in where]


@pytest.fixture
def world(person: Any) -> SimpleNamespace:
    """An open and a closed sub with the same people and things in each, and two subs elsewhere."""
    names = ("owner", "target", "asker", *ROLES[1:])
    them = {name: person(name, is_staff=name == "staff") for name in names}
    made = SimpleNamespace(people=them, public=None, private=None)
    for where, slug, title in (("public", "baking", "Baking"), ("private", "cellar", SECRET)):
        sub = subs.open_sub(founder=them["owner"], slug=slug, title=title, visibility=where)
        for name in ("target", "member", "author", "moderator", "banned"):
            row = Membership(sub=sub, person=them[name], role=Role.MEMBER)
            row.role = Role.MODERATOR if name == "moderator" else Role.MEMBER
            row.banned_at = timezone.now() if name == "banned" else None
            row.save()
        Membership.objects.create(sub=sub, person=them["asker"], role=Role.REQUESTED)
        words = SECRET if where == "private" else "Flour"
        thread = threads.post_thread(author=them["author"], sub=sub, title=words, body=words)
        comment = comments.add_comment(author=them["author"], thread=thread, body=words)
        moderation.set_locked(moderator=them["owner"], thread=thread, locked=True, reason=words)
        moderation.set_locked(moderator=them["owner"], thread=thread, locked=False, reason=words)
        setattr(made, where, SimpleNamespace(sub=sub, thread=thread, comment=comment))
    subs.open_sub(founder=them["elsewhere"], slug="away", title="Away")
    subs.open_sub(founder=them["other"], slug="den", title="Den", visibility="private")
    return made


def address(name: str, pattern: URLPattern, place: Any) -> str:
    """The URL of a route for the things of a sub."""
    surface, _colon, route = name.partition(":")
    of_comment = "comment" in str(pattern.pattern).partition("<")[0]
    given = {
        "slug": getattr(place.thread if route == "thread" else place.sub, "slug", ""),
        "id": (place.comment if of_comment else place.thread).public_id,
        "comment": place.comment.public_id,
        "username": "author",
    }
    space = {"page": "threadflow_forum", "api": "threadflow_forum_api"}
    names = pattern.pattern.converters
    if surface == "core":
        given["id"] = "0192f0c1-2345-7000-8000-000000000000"
        return reverse(f"threadflow_forum:threadflow_core:{route}", kwargs=_only(given, names))
    return reverse(f"{space[surface]}:{route}", kwargs=_only(given, names))


def _only(given: dict[str, str], names: Any) -> dict[str, str]:
    return {name: given[name] for name in names}


def ask(client: Client, name: str, method: str, place: Any) -> Any:
    """Send the request of a row; what it writes is rolled back."""
    path = address(name, routes()[name, method], place)
    data: Any = FORMS.get(name, {})
    if name == "page:mod_settings":
        data = {"title": "Another title", "visibility": place.sub.visibility}
    send = getattr(client, method.lower())
    with transaction.atomic():
        if method == "GET":
            answer = send(path)
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


def test_every_route_has_a_row_and_every_row_a_route() -> None:
    listed = {key[:2] for key in table()}
    live = {key for key in listed if key[0].startswith("live:")}
    there = {key for key in listed if WITH_API or not key[0].startswith("api:")} - live
    assert there == set(routes())
    assert live == {(f"live:{kind}", "SUB") for kind in ("thread", "sub", "feed", "user")}


def test_routes_about_a_sub_have_a_row_for_both_kinds_of_sub() -> None:
    for (name, method), pattern in routes().items():
        bound = {"slug", "id", "comment"} & set(pattern.pattern.converters)
        wanted = {"public", "private"} if bound and not name.startswith("core:") else {"-"}
        assert {where for n, m, where in table() if (n, m) == (name, method)} == wanted, name


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("where", ["public", "private"])
def test_everybody_is_answered_as_the_table_says(
    world: SimpleNamespace, role: str, where: str
) -> None:
    client = client_for(role, world)
    place = getattr(world, where)
    kinds = ("public", "-") if where == "public" else ("private",)
    surfaces = ("page", "core", "api") if WITH_API else ("page", "core")
    wrong = []
    for key in rows_of(surfaces, kinds):
        status = ask(client, key[0], key[1], place).status_code
        if str(status) != table()[key][role]:
            wrong.append(f"{' '.join(key)}: {status}, the table says {table()[key][role]}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("role", ROLES)
def test_live_topics_are_open_as_the_table_says(world: SimpleNamespace, role: str) -> None:
    person = world.people.get(role) or AnonymousUser()
    wrong = []
    for key in rows_of(("live",), ("public", "private", "-")):
        place = world.private if key[2] == "private" else world.public
        topic = {
            "live:thread": place.thread.topic,
            "live:sub": f"sub:{place.sub.slug}",
            "live:feed": "feed:all",
            "live:user": user_topic(world.people["author"]),
        }[key[0]]
        verdict = may_follow(person, [topic])[topic]
        found = "yes" if verdict else verdict.code
        if found != table()[key][role]:
            wrong.append(f"{' '.join(key)}: {found}, the table says {table()[key][role]}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("role", OUTSIDERS)
def test_no_page_names_anything_of_a_private_sub(world: SimpleNamespace, role: str) -> None:
    """Not even the page that says that there is nothing."""
    client = client_for(role, world)
    for name, method in routes():
        if method == "GET":
            for place in (world.public, world.private):
                body = ask(client, name, method, place).content.decode()
                assert SECRET not in body, name


#: What differs between two answers to the same request.
PASSING = re.compile(
    r'name="(?:csrfmiddlewaretoken|nonce|_once)" value="[^"]*"|"(?:next|previous)":"[^"]*"'
    r'|[?&](?:amp;)?cursor=[^"&]*|<time[^>]*>[^<]*</time>'
)


@pytest.mark.parametrize("role", OUTSIDERS)
def test_life_in_a_private_sub_changes_no_byte_outside(
    world: SimpleNamespace, role: str, django_capture_on_commit_callbacks: Any
) -> None:
    """Lists, counts, profiles, karma, logs and suggestions: before and after are the same."""
    client, them, inside = client_for(role, world), world.people, world.private

    def everything() -> dict[str, str]:
        answers = {
            name: ask(client, name, method, world.public).content.decode()
            for name, method in routes()
            if method == "GET"
        }
        answers["comments of a person"] = client.get(
            reverse("threadflow_forum:profile", args=["author"]) + "?tab=comments"
        ).content.decode()
        return {name: PASSING.sub("", body) for name, body in answers.items()}

    before = everything()
    with django_capture_on_commit_callbacks(execute=True):
        thread = threads.post_thread(author=them["author"], sub=inside.sub, title="More")
        comments.add_comment(author=them["author"], thread=inside.thread, body="More")
        votes.cast_vote(voter=them["member"], thread=inside.thread, value=Vote.UP)
        votes.cast_comment_vote(voter=them["member"], comment=inside.comment, value=Vote.UP)
        moderation.ban(moderator=them["owner"], sub=inside.sub, person=them["target"])
        moderation.remove_thread(moderator=them["owner"], thread=thread)
        moderation.answer_request(
            moderator=them["owner"], sub=inside.sub, person=them["asker"], let_in=True
        )
    after = everything()
    assert [name for name in before if before[name] != after[name]] == []


def test_who_left_a_private_sub_finds_nothing_of_it(world: SimpleNamespace) -> None:
    """Marks, saved things and «new» counts of the time inside show nothing afterwards."""
    member, inside = world.people["member"], world.private
    client = client_for("member", world)
    client.get(inside.thread.get_absolute_url())  # read, so that news would be told
    threads.save_thread(reader=member, thread=inside.thread, saved=True)
    comments.add_comment(author=world.people["author"], thread=inside.thread, body="News")
    home = client.get(reverse("threadflow_forum:home")).content.decode()
    assert SECRET in home
    subs.leave(person=member, sub=inside.sub)
    for name, method in routes():
        if method == "GET":
            assert SECRET not in ask(client, name, method, world.public).content.decode(), name
