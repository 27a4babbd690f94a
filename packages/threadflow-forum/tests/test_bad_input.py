"""What people and programs send that makes no sense: the right status, their text kept, no crash."""

from __future__ import annotations

import json
import re
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.conf import settings as django_settings
from django.test import Client
from django.urls import reverse
from django.utils.html import escape

from threadflow_core import cursors, markup
from threadflow_core.idempotency import FIELD
from threadflow_forum.services import comments, moderation, threads
from threadflow_forum.swaps import get_comment_model, get_thread_model

WITH_API = "rest_framework" in django_settings.INSTALLED_APPS
needs_api = pytest.mark.skipif(not WITH_API, reason="this site has no REST framework")
JSON = "application/json"
TEXT = "A long answer that took me an hour"


def url(name: str, *args: Any) -> str:
    return reverse(f"threadflow_forum:{name}", args=args)


def api(name: str, *args: Any) -> str:
    return reverse(f"threadflow_forum_api:{name}", args=args)


def comment_url(thing: Any) -> str:
    return url("comment_on", thing.public_id)


# ---------------------------------------------------------------------- closed things


@pytest.mark.parametrize("how", ["locked", "removed", "deleted", "banned", "signed out"])
def test_a_comment_that_comes_too_late_is_refused_and_kept(
    client_of: Any, ada: Any, bo: Any, mod: Any, thread: Any, how: str
) -> None:
    client = client_of(bo)
    if how == "locked":
        moderation.set_locked(moderator=mod, thread=thread, locked=True)
    elif how == "removed":
        moderation.remove_thread(moderator=mod, thread=thread)
    elif how == "deleted":
        threads.delete_thread(author=ada, thread=thread)
    elif how == "banned":
        moderation.ban(moderator=mod, sub=thread.sub, person=bo, reason="Advertising")
    else:
        client = client_of()
    answer = client.post(comment_url(thread), {"body": TEXT})
    assert answer.status_code == (401 if how == "signed out" else 403)
    assert TEXT in answer.content.decode()
    assert thread.comments.count() == 0
    if how == "banned":
        assert "Advertising" in answer.content.decode()


def test_a_thread_that_is_not_there_any_more_is_404(client_of: Any, bo: Any, thread: Any) -> None:
    address = comment_url(thread)
    type(thread).objects.filter(pk=thread.pk).delete()
    assert client_of(bo).post(address, {"body": TEXT}).status_code == 404


def test_a_reply_to_what_was_taken_down_is_410_and_kept(
    client_of: Any, bo: Any, mod: Any, thread: Any, write: Any
) -> None:
    parent = write(thread)
    write(thread, parent=parent)
    moderation.remove_comment(moderator=mod, comment=parent)
    answer = client_of(bo).post(url("reply", parent.public_id), {"body": TEXT})
    assert answer.status_code == 410
    assert TEXT in answer.content.decode()


@needs_api
def test_a_banned_person_cannot_vote_by_any_way(
    client_of: Any, bo: Any, mod: Any, thread: Any, write: Any
) -> None:
    comment = write(thread, author=mod)
    moderation.ban(moderator=mod, sub=thread.sub, person=bo, reason="Advertising")
    client = client_of(bo)
    for path in (url("vote", thread.public_id), url("comment_vote", comment.public_id)):
        assert client.post(path, {"value": 1}).status_code == 403
        answer = client.post(path, {"value": 1}, headers={"HX-Request": "true"})
        assert answer.status_code == 403
        assert "Advertising" in answer.content.decode()
        assert 'aria-pressed="true"' not in answer.content.decode()
    for path in (api("vote", thread.public_id), api("comment_vote", comment.public_id)):
        answer = client.put(path, {"value": 1}, content_type=JSON)
        assert (answer.status_code, answer.json()["code"]) == (403, "banned")
    thread.refresh_from_db()
    assert thread.score == 0


def test_too_fast_is_429_and_kept(client_of: Any, bo: Any, thread: Any, settings: Any) -> None:
    settings.THREADFLOW_CORE = {**settings.THREADFLOW_CORE, "LIMITS": {"forum.comment": "1/m"}}
    client = client_of(bo)
    assert client.post(comment_url(thread), {"body": "first"}).status_code == 303
    answer = client.post(comment_url(thread), {"body": TEXT})
    assert answer.status_code == 429
    assert int(answer["Retry-After"]) > 0
    assert TEXT in answer.content.decode()


# ---------------------------------------------------------------------- long and deep


def ordinary() -> float:
    """Seconds of work that rendering as much ordinary text takes here and now."""
    text = "Somebody *answers* the [second](https://e.example) question, @ada.\n\n" * 570
    began = time.thread_time()
    markup.render(text)
    return time.thread_time() - began


def timed(call: Any) -> Any:
    """Answer within a second of work; on a busy machine, twenty times an ordinary text's."""
    began = time.thread_time()
    answer = call()
    took = time.thread_time() - began
    assert took < 1 or took < 20 * ordinary()
    return answer


def test_sixty_four_kilobytes_are_413_and_kept(client_of: Any, bo: Any, thread: Any) -> None:
    client, body = client_of(bo), TEXT + "x" * 65_536
    for path, more in (
        (comment_url(thread), {}),
        (url("sub_submit", thread.sub.slug), {"title": "A title of mine"}),
    ):
        answer = timed(lambda path=path, more=more: client.post(path, {"body": body, **more}))
        page = answer.content.decode()
        assert answer.status_code == 413, path
        assert body in page, path
        assert all(value in page for value in more.values())
    if WITH_API:
        path = api("comments", thread.public_id)
        answer = timed(lambda: client.post(path, {"text": body}, content_type=JSON))
        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


@pytest.mark.parametrize(
    "body",
    [
        ">" * 10_000 + " deep",
        "@ada " * 8_000,
        "@someone_" + " @someone_".join(map(str, range(2_300))),
        "[" * 20_000,
        "*_" * 20_000,
        "![" * 10_000 + "](x)" * 4_000,
        "`" * 39_999,
        "- " * 15_000 + "x",
        "\n".join(["|a" * 100] * 190),
        "http://" * 5_000,
        "&" * 39_000,
        ">!" * 19_000,
    ],
    ids=lambda body: body[:6],
)
def test_ten_thousand_of_anything_render_within_a_second(
    client_of: Any, ada: Any, bo: Any, thread: Any, body: str
) -> None:
    answer = timed(lambda: client_of(bo).post(comment_url(thread), {"body": body}))
    assert answer.status_code == 303
    page = timed(lambda: client_of().get(thread.get_absolute_url()))
    assert page.status_code == 200
    assert page.content.decode().count("tf-mention") <= 50


@pytest.mark.parametrize(
    ("depth", "stored"), [(60, 20), pytest.param(500, 100, marks=pytest.mark.slow)]
)
def test_replies_nested_deeply_are_all_reached_over_http(
    client_of: Any, bo: Any, thread: Any, depth: int, stored: int, settings: Any
) -> None:
    settings.THREADFLOW_FORUM = {"COMMENT_MAX_DEPTH": stored}
    client = client_of(bo)
    path = comment_url(thread)
    for n in range(depth):
        answer = client.post(path, {"body": f"level {n}"})
        assert answer.status_code == 303
        path = url("reply", answer["Location"].split("#c-")[1])
    assert sorted(walk(client_of(), thread)) == sorted(f"level {n}" for n in range(depth))


def walk(client: Client, thread: Any) -> list[str]:
    """Every text that following all «load more» links of the page shows."""
    seen: list[str] = []
    queue = [f"{thread.get_absolute_url()}?part=comments"]
    while queue:
        page = client.get(queue.pop()).content.decode()
        seen += re.findall(r"<p>(level \d+)</p>", page)
        queue += [more.replace("&amp;", "&") for more in re.findall(r'hx-get="([^"]+)"', page)
                  if "part=comments" in more]  # fmt: skip
    return seen


# ---------------------------------------------------------------------- twice, and at once


def test_a_form_that_is_sent_twice_posts_once(client_of: Any, bo: Any, sub: Any) -> None:
    client = client_of(bo)
    form = {"title": "Only once", "body": "", FIELD: "n1"}
    first = client.post(url("sub_submit", sub.slug), form)
    assert first["Location"] == client.post(url("sub_submit", sub.slug), form)["Location"]
    assert get_thread_model().objects.count() == 1


def test_a_key_that_was_used_for_something_else_is_409_and_kept(
    client_of: Any, bo: Any, thread: Any
) -> None:
    client = client_of(bo)
    client.post(comment_url(thread), {"body": "one", FIELD: "n1"})
    answer = client.post(comment_url(thread), {"body": TEXT, FIELD: "n1"})
    assert answer.status_code == 409
    assert TEXT in answer.content.decode()
    assert thread.comments.count() == 1


def fields(page: str) -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))


def test_two_editors_of_one_text_see_both_and_lose_nothing(
    client_of: Any, ada: Any, thread: Any
) -> None:
    left, right = client_of(ada), client_of(ada)
    path = url("edit_thread", thread.public_id)
    forms = [fields(client.get(path).content.decode()) for client in (left, right)]
    saved = left.post(path, {"title": "Left", "body": "left words", "version": forms[0]["version"]})
    assert saved.status_code == 303
    mine = {"title": "Right", "body": "right words", "version": forms[1]["version"]}
    refused = right.post(path, mine)
    page = refused.content.decode()
    assert refused.status_code == 412
    assert "left words" in page and "right words" in page
    thread.refresh_from_db()
    assert thread.body == "left words"
    decided = right.post(path, {**mine, "version": fields(page)["version"]})
    assert decided.status_code == 303
    thread.refresh_from_db()
    assert (thread.title, thread.body, thread.version) == ("Right", "right words", 3)


def test_two_moderators_changing_settings_are_told_of_each_other(
    client_of: Any, mod: Any, sub: Any
) -> None:
    path, client = url("mod_settings", sub.slug), client_of(mod)
    form = {"title": "One", "visibility": "public", "sidebar": "", "version": 1}
    assert client.post(path, form).status_code == 303
    answer = client.post(path, {**form, "title": "Two", "sidebar": TEXT})
    assert answer.status_code == 412
    assert TEXT in answer.content.decode()
    sub.refresh_from_db()
    assert sub.title == "One"


@needs_api
@pytest.mark.parametrize("header", ['"x"', '"-1"', '"99999999999999999999"', "*", '"1", "2"', "²"])
def test_odd_if_match_headers_are_422_or_412(
    client_of: Any, bo: Any, thread: Any, write: Any, header: str
) -> None:
    answer = client_of(bo).patch(
        api("comment", write(thread).public_id),
        json.dumps({"text": "other"}),
        content_type=JSON,
        headers={"If-Match": header},
    )
    assert answer.status_code in (412, 422)


# ---------------------------------------------------------------------- addresses


def test_ids_are_known_in_one_spelling_only(client_of: Any, thread: Any, write: Any) -> None:
    comment, client = write(thread), client_of()
    odd = ["x", "A" * 32, "0", "-", "%00", "%ff", "…", "9" * 19, thread.public_id.swapcase()]
    odd += [f"{thread.public_id}{tail}" for tail in ("%20", "%00", thread.public_id[:1])]
    for bad in odd:
        for path in (f"/community/threads/{bad}/", f"/community/threads/{bad}/x/"):
            assert client.get(path).status_code == 404, path
        assert client.get(f"/community/comments/{bad}/-/menu/").status_code == 404, bad
        if WITH_API:
            assert client.get(f"/api/v1/threads/{bad}/comments/").status_code == 404, bad
            assert client.get(f"/api/v1/comments/{bad}/").status_code == 404, bad
    for wrong in (thread.public_id, f"{comment.public_id}x"):
        assert client.get(url("comment", thread.public_id, wrong)).status_code == 404
    other = get_comment_model().public_ids.encode(thread.pk)
    assert get_thread_model().public_ids.decode(other) != thread.pk


def test_a_comment_is_not_found_under_another_thread(
    client_of: Any, ada: Any, sub: Any, thread: Any, write: Any
) -> None:
    elsewhere = threads.post_thread(author=ada, sub=sub, title="Another")
    assert (
        client_of().get(url("comment", elsewhere.public_id, write(thread).public_id)).status_code
        == 404
    )


LISTS = ("home", "all", "subs", "sub", "saved", "modlog", "mod_people", "profile")


def lists(sub: Any, thread: Any) -> dict[str, str]:
    """Address and name of the cursor of every list."""
    args = {"sub": [sub.slug], "modlog": [sub.slug], "mod_people": [sub.slug], "profile": ["ada"]}
    found = {url(name, *args.get(name, [])): "cursor" for name in LISTS}
    found[thread.get_absolute_url()] = "after"
    if WITH_API:
        found |= {api(name): "cursor" for name in ("threads", "subs", "modlog")}
        found[api("sub_threads", sub.slug)] = found[api("comments", thread.public_id)] = "cursor"
    return found


def test_cursors_that_are_not_ours_are_400(client_of: Any, mod: Any, sub: Any, thread: Any) -> None:
    client = client_of(mod)
    good = cursors.sign("some other list", ["n", 1, 2])
    shorter = cursors.sign("feed:all:hot:all", ["n"])
    bad = ["forged", good, good[:-1], shorter, "%00", "%ff", "a" * 5_000, ":::", "eyJ9:x:y"]
    for path, name in lists(sub, thread).items():
        for value in bad:
            answer = client.get(f"{path}?{name}={value}")
            assert answer.status_code == 400, (path, value)
            if path.startswith("/api/"):
                assert answer.json()["code"] == "bad_cursor"


def test_a_cursor_of_one_order_is_refused_in_another(
    client_of: Any, ada: Any, sub: Any, settings: Any
) -> None:
    settings.THREADFLOW_FORUM = {"FEED_PAGE_SIZE": 2}
    for n in range(4):
        threads.post_thread(author=ada, sub=sub, title=f"Thread {n}")
    page = client_of().get(f"{url('all')}?sort=new").content.decode()
    link = re.search(r'href="([^"]*cursor=[^"]+)"', page).group(1).replace("&amp;", "&")
    cursor = parse_qs(urlsplit(link).query)["cursor"][0]
    assert client_of().get(url("all"), {"sort": "new", "cursor": cursor}).status_code == 200
    for sort in ("hot", "top", "active"):
        answer = client_of().get(url("all"), {"sort": sort, "cursor": cursor})
        assert answer.status_code == 400


ODD = ("nonsense", "", "\0", "\ud7ff", "HOT", "hot,new", "-1", "9" * 400, "'; --", "[]", "²")


def test_unknown_sorts_and_parts_do_no_harm(
    client_of: Any, mod: Any, sub: Any, thread: Any
) -> None:
    client = client_of(mod)
    for path in lists(sub, thread):
        program = path.startswith("/api/")
        names = ("sort", "window", "tab", "feed", "shape", "density", "quote", "person")
        for value in ODD:
            status = client.get(path, dict.fromkeys(names, value)).status_code
            assert status in ((200, 422) if program else (200,)), (path, value)
            status = client.get(path, {"part": value}).status_code
            assert status == (200 if program or not value else 404), (path, value)


@needs_api
@pytest.mark.parametrize("limit", ["0", "-1", "101", "9" * 400, "1e2", "²", "", "ten", "\0", "1.5"])
def test_sizes_of_pages_out_of_bounds_are_422(client_of: Any, thread: Any, limit: str) -> None:
    for path in (api("threads"), api("subs"), api("modlog")):
        answer = client_of().get(path, {"limit": limit})
        assert answer.status_code == 422
        assert "limit" in answer.json()["fields"]


@pytest.mark.parametrize(
    "name", ["%00", "%ff", "%ed%a0%80", "a" * 300, "%2e%2e", "…", "%F0%9F%92%A5"]
)
def test_names_that_nobody_has_are_404(client_of: Any, mod: Any, sub: Any, name: str) -> None:
    client = client_of(mod)
    assert client.get(f"/community/u/{name}/").status_code == 404
    assert client.get(f"/community/s/{name}/").status_code == 404
    if WITH_API:
        assert client.get(f"/api/v1/users/{name}/").status_code == 404
        assert client.get(f"/api/v1/subs/{name}/").status_code == 404
        assert client.get(f"/api/v1/modlog/?sub={name}").status_code == 404
    answer = client.post(
        url("mod_ban", sub.slug),
        f"person={name}",
        content_type="application/x-www-form-urlencoded",
    )
    assert answer.status_code == 422


# ---------------------------------------------------------------------- bodies


def test_a_body_larger_than_the_server_takes_is_refused(
    client_of: Any, bo: Any, thread: Any
) -> None:
    client = client_of(bo)
    assert client.post(comment_url(thread), {"body": "x" * 3_000_000}).status_code in (400, 413)
    many = {f"field{n}": "x" for n in range(2_000)}
    assert client.post(comment_url(thread), many).status_code == 400


def test_wrong_methods_are_405(client_of: Any, bo: Any, thread: Any) -> None:
    client = client_of(bo)
    assert client.post(thread.get_absolute_url()).status_code == 405
    assert client.get(url("vote", thread.public_id)).status_code == 405
    assert client.put(comment_url(thread)).status_code == 405
    if WITH_API:
        assert client.post(api("thread", thread.public_id)).status_code == 405
        assert client.post(api("thread", thread.public_id)).json()["code"]


def test_what_was_typed_is_escaped_when_it_comes_back(client_of: Any, bo: Any, sub: Any) -> None:
    typed = '"><script>alert(1)</script></textarea>'
    answer = client_of(bo).post(url("sub_submit", sub.slug), {"title": "", "body": typed})
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "<script>alert(1)" not in page
    assert escape(typed) in page


def test_nothing_is_half_written_when_a_post_is_refused(
    client_of: Any, bo: Any, sub: Any, thread: Any
) -> None:
    client = client_of(bo)
    for form in ({"title": "", "body": "x"}, {"title": "x" * 301}, {"title": "a", "url": "ftp:x"}):
        assert client.post(url("sub_submit", sub.slug), form).status_code == 422
    assert get_thread_model().objects.count() == 1
    sub.refresh_from_db()
    assert sub.thread_count == 1
    comments.add_comment(author=bo, thread=thread, body="one")
    for body in ("", "   ", "\u200b", "\0"):
        assert client.post(comment_url(thread), {"body": body}).status_code == 422
    thread.refresh_from_db()
    assert (thread.comment_count, thread.last_number) == (1, 1)
