"""Cached pages: the same for every guest, never stale where it matters, and a cache may die."""

from __future__ import annotations

import os
import re
import time
import uuid
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core.cache import caches
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from threadflow_core import caching
from threadflow_core.testing.proxy import FaultProxy
from threadflow_core.testing.racing import race
from threadflow_forum import blocks
from threadflow_forum.services import comments, moderation, subs, threads, votes
from threadflow_forum.services.votes import Vote

pytestmark = pytest.mark.django_db(transaction=True)
LOCMEM = "django.core.cache.backends.locmem.LocMemCache"
TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
#: Seconds. A busy machine may need some; a Redis that is waited for would need minutes.
PATIENCE = 8
#: One-time keys and tokens, which differ from one answer to the next for one reader, too.
PASSING = re.compile(
    r'name="(?:csrfmiddlewaretoken|nonce|_once)" value="[^"]+"|"X-CSRFToken": "[^"]+"'
)


@pytest.fixture(autouse=True)
def cached(settings: Any) -> None:
    """A site with a page cache of its own and the middleware that knows guests."""
    settings.MIDDLEWARE = ["threadflow_core.middleware.AnonymousPages", *settings.MIDDLEWARE]
    use_cache(settings, {"BACKEND": LOCMEM, "LOCATION": uuid.uuid4().hex})


def use_cache(settings: Any, cache: dict[str, Any] | None) -> None:
    if cache is not None:
        settings.CACHES = {**settings.CACHES, "pages": cache}
    settings.THREADFLOW_FORUM = {
        "CACHE_ALIAS": None if cache is None else "pages",
        "CACHE_SECONDS": 600,
    }


@pytest.fixture
def pages(sub: Any, thread: Any, write: Any) -> list[str]:
    """The addresses that guests share."""
    parent = write(thread, "The oven is too cold")
    write(thread, "It is not", parent=parent)
    here = thread.get_absolute_url()
    names = ("home", "all", "subs")
    lists = [reverse(f"threadflow_forum:{name}") for name in names]
    lists.append(reverse("threadflow_forum:sub", args=[sub.slug]))
    return [*lists, f"{lists[1]}?sort=new", here, f"{here}?sort=new", f"{here}?part=comments"]


def guest(path: str) -> Any:
    return Client().get(path)


def text(answer: Any) -> str:
    return PASSING.sub("", answer.content.decode())


# ---------------------------------------------------------------------- who gets what


def test_two_guests_get_the_same_bytes_and_no_cookie(pages: list[str]) -> None:
    for path in pages:
        first = guest(path)
        with CaptureQueriesContext(connection) as queries:
            second = guest(path)
        assert first.status_code == second.status_code == 200, path
        assert first.content == second.content, path
        assert dict(first.headers) == dict(second.headers), path
        assert not first.cookies and not second.cookies, path
        assert "public" in first["Cache-Control"] and "Cookie" in first["Vary"], path
        assert not TOKEN.search(first.content.decode()), path
        assert len(queries) == 0, path


def test_cached_pages_equal_uncached_ones(pages: list[str], bo: Any, settings: Any) -> None:
    member = Client()
    member.force_login(bo)
    for path in pages:
        guest(path), member.get(path)  # fill
    kept = {path: (text(guest(path)), text(member.get(path))) for path in pages}
    use_cache(settings, None)
    fresh = {path: (text(guest(path)), text(member.get(path))) for path in pages}
    assert kept == fresh


def test_a_person_never_gets_the_page_of_guests_nor_of_another(
    pages: list[str], thread: Any, ada: Any, bo: Any, write: Any, person: Any
) -> None:
    comment = write(thread, "Turn it up", author=bo)
    votes.cast_comment_vote(voter=ada, comment=comment, value=Vote.UP)
    here = thread.get_absolute_url()
    guest(here)
    seen = {}
    for someone in (ada, bo, person("cy")):
        client = Client()
        client.force_login(someone)
        answer = client.get(here)
        assert answer["Cache-Control"] == "private, no-store"
        seen[someone.username] = answer.content.decode()
    assert len({TOKEN.search(page).group(1) for page in seen.values()}) == 3
    pressed = {name: page.count('aria-pressed="true"') for name, page in seen.items()}
    assert pressed["ada"] == pressed["cy"] + 1
    assert "aria-pressed" not in guest(here).content.decode()


def test_after_signing_in_the_arrows_of_the_page_work(
    pages: list[str], thread: Any, person: Any
) -> None:
    """Reading as a guest first, then as oneself, with Django's protection switched on."""
    client, here = Client(enforce_csrf_checks=True), thread.get_absolute_url()
    client.get(here)
    client.force_login(person("cy"))
    token = TOKEN.search(client.get(here).content.decode()).group(1)
    vote = reverse("threadflow_forum:vote", args=[thread.public_id])
    assert client.post(vote, {"value": 1, "csrfmiddlewaretoken": token}).status_code == 303
    assert client.post(vote, {"value": 1}).status_code == 403  # the protection is on
    page = client.get(here).content.decode()
    assert 'aria-pressed="true"' in page


def test_guests_with_another_language_get_another_page(pages: list[str], settings: Any) -> None:
    middleware = list(settings.MIDDLEWARE)
    at = middleware.index("django.middleware.common.CommonMiddleware")
    settings.MIDDLEWARE = [
        *middleware[:at], "django.middleware.locale.LocaleMiddleware", *middleware[at:]
    ]  # fmt: skip
    settings.LANGUAGES = [("en", "English"), ("de", "Deutsch")]
    for path in pages[:-1]:
        answers = [Client(headers={"accept-language": code}).get(path) for code in ("en", "de")]
        assert 'lang="en"' in answers[0].content.decode()
        assert 'lang="de"' in answers[1].content.decode()
        assert all("Accept-Language" in answer["Vary"] for answer in answers)


# ---------------------------------------------------------------------- what must not linger


def test_a_removed_comment_is_gone_at_once(pages: list[str], thread: Any, mod: Any) -> None:
    comment = thread.comments.get(number=2)
    assert "It is not" in guest(thread.get_absolute_url()).content.decode()
    moderation.remove_comment(moderator=mod, comment=comment)
    for path in pages:
        assert "It is not" not in guest(path).content.decode(), path


def test_an_edit_and_a_new_comment_show_at_once(
    pages: list[str], thread: Any, bo: Any, write: Any
) -> None:
    here = thread.get_absolute_url()
    guest(here)
    comments.edit_comment(editor=bo, comment=thread.comments.get(number=2), body="It may be")
    write(thread, "A third voice")
    page = guest(here).content.decode()
    assert "It may be" in page and "It is not" not in page and "A third voice" in page


def test_a_removed_thread_is_gone_at_once(pages: list[str], thread: Any, mod: Any) -> None:
    for path in pages:
        guest(path)
    moderation.remove_thread(moderator=mod, thread=thread)
    for path in pages:
        assert thread.title not in guest(path).content.decode(), path


def test_a_deleted_thread_is_410_for_everybody_and_not_only_the_first(
    pages: list[str], thread: Any, ada: Any
) -> None:
    here = thread.get_absolute_url()
    assert guest(here).status_code == 200
    threads.delete_thread(author=ada, thread=thread)
    assert [guest(here).status_code for _ in range(3)] == [410, 410, 410]
    threads.undelete_thread(author=ada, thread=thread)
    assert guest(here).status_code == 200


def test_a_sub_that_becomes_private_is_gone_at_once(
    pages: list[str], sub: Any, thread: Any, mod: Any
) -> None:
    for path in pages:
        guest(path)
    subs.edit_sub(editor=mod, sub=sub, visibility="private")
    for path in pages:
        answer = guest(path)
        assert thread.title not in answer.content.decode(), path
        assert answer.status_code == (404 if thread.public_id in path or sub.slug in path else 200)


def test_what_was_removed_while_a_page_was_being_built_does_not_come_back(
    pages: list[str], thread: Any, mod: Any, monkeypatch: Any
) -> None:
    """A builder that read the old rows finishes after the removal."""
    comment, build = thread.comments.get(number=2), blocks.render_tree

    def slow(*args: Any) -> Any:
        block = build(*args)
        monkeypatch.setattr(blocks, "render_tree", build)
        moderation.remove_comment(moderator=mod, comment=comment)
        return block

    monkeypatch.setattr(blocks, "render_tree", slow)
    assert "It is not" in guest(thread.get_absolute_url()).content.decode()
    assert "It is not" not in guest(thread.get_absolute_url()).content.decode()


# ---------------------------------------------------------------------- many at once


def test_a_stampede_builds_once(pages: list[str], thread: Any, monkeypatch: Any) -> None:
    built, build = [], blocks.render_tree

    def counted(*args: Any) -> Any:
        built.append(1)
        time.sleep(0.05)  # long enough for all others to arrive
        return build(*args)

    monkeypatch.setattr(blocks, "render_tree", counted)
    here = thread.get_absolute_url()
    answers = race(lambda n: guest(here).content, 12)
    assert len(built) == 1
    assert len(set(answers)) == 1


# ---------------------------------------------------------------------- a cache that dies


@pytest.fixture
def proxy() -> Any:
    redis = pytest.importorskip("redis")
    url = os.environ.get("REDIS_URL") or "redis://127.0.0.1:6379/0"
    try:
        redis.Redis.from_url(url, socket_connect_timeout=1).ping()
    except redis.RedisError as error:
        pytest.skip(f"no Redis at {url}: {error}")
    parts = urlsplit(url)
    with FaultProxy(parts.hostname or "127.0.0.1", parts.port or 6379) as one:
        yield one


@pytest.fixture
def behind(settings: Any, proxy: FaultProxy) -> Any:
    """Pages are kept in Redis behind the proxy."""
    prefix = uuid.uuid4().hex
    cache = {
        "BACKEND": "threadflow_core.caching.BreakerRedisCache",
        "LOCATION": f"redis://127.0.0.1:{proxy.port}/0",
        "KEY_PREFIX": prefix,
        "TIMEOUT": 60,
        "OPTIONS": {"socket_timeout": 0.2, "socket_connect_timeout": 0.2},
    }
    use_cache(settings, cache)
    yield prefix
    proxy.mode = "pass"


@pytest.mark.redis
@pytest.mark.parametrize("fault", ["cut", "hang"])
@pytest.mark.parametrize("warm", [True, False], ids=["in use", "from the start"])
def test_a_dead_redis_makes_a_slower_page_and_nothing_worse(
    behind: Any, proxy: FaultProxy, pages: list[str], thread: Any, bo: Any, fault: Any, warm: bool,
    monkeypatch: Any,
) -> None:  # fmt: skip
    monkeypatch.setattr(caching, "OPEN_SECONDS", 600)
    member = Client()
    member.force_login(bo)
    if warm:
        for path in pages:
            guest(path)
        assert caches["pages"].get("anything", "missing") == "missing"
    proxy.mode = fault
    before = proxy.connections
    for path in pages:
        began = time.monotonic()
        assert guest(path).status_code == 200, path
        assert time.monotonic() - began < PATIENCE, path
    began = time.monotonic()
    assert member.get(thread.get_absolute_url()).status_code == 200
    reply = reverse("threadflow_forum:comment_on", args=[thread.public_id])
    assert member.post(reply, {"body": "Said while the cache was away"}).status_code == 303
    assert time.monotonic() - began < PATIENCE
    assert "Said while" in guest(thread.get_absolute_url()).content.decode()
    if fault == "hang":  # and it was asked no more than it takes to find out
        assert proxy.connections - before <= caching.FAILURES


@pytest.mark.redis
def test_what_was_said_while_redis_was_away_is_there_when_it_is_back(
    behind: Any, proxy: FaultProxy, pages: list[str], thread: Any, bo: Any, mod: Any
) -> None:
    """The order to forget a page was lost with the cache; the old page must not come back."""
    here, comment = thread.get_absolute_url(), thread.comments.get(number=2)
    assert "It is not" in guest(here).content.decode()
    proxy.mode = "cut"
    moderation.remove_comment(moderator=mod, comment=comment)
    assert "It is not" not in guest(here).content.decode()
    proxy.mode = "pass"
    caches["pages"].breaker = type(caches["pages"].breaker)()  # its pause is over
    assert "It is not" not in guest(here).content.decode()
