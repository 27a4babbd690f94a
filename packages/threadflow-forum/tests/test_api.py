"""The REST API: the same services, one shape for pages and errors."""

from __future__ import annotations

import pytest
from django.conf import settings

from threadflow_forum.services import moderation, threads
from threadflow_forum.tree import CommentSort

pytestmark = pytest.mark.skipif(
    "rest_framework" not in settings.INSTALLED_APPS, reason="this site has no REST framework"
)
JSON = "application/json"


def api(path):
    return f"/api/v1/{path}"


def test_reading_without_signing_in(client_of, thread, write):
    write(thread, "First *words*")
    client = client_of()
    feed = client.get(api("threads/")).json()
    assert set(feed) == {"next", "previous", "results"}
    assert feed["results"][0]["id"] == thread.public_id
    assert client.get(api(f"threads/{thread.public_id}/")).json()["title"] == thread.title
    comments = client.get(api(f"threads/{thread.public_id}/comments/")).json()["results"]
    assert comments[0]["html"].startswith("<p>First <em>words</em>")
    assert comments[0]["author"]["username"] == "bo"


def test_posting_commenting_and_voting(client_of, ada, bo, sub):
    client, other = client_of(ada), client_of(bo)
    made = client.post(
        api(f"subs/{sub.slug}/threads/"), {"title": "Hello", "text": "There"}, content_type=JSON
    )
    assert made.status_code == 201
    thread = made.json()["id"]
    comment = other.post(api(f"threads/{thread}/comments/"), {"text": "Hi"}, content_type=JSON)
    assert comment.status_code == 201
    reply = client.post(
        api(f"comments/{comment.json()['id']}/replies/"), {"text": "You!"}, content_type=JSON
    )
    assert reply.json()["parent"] == comment.json()["id"]
    vote = other.put(api(f"threads/{thread}/vote/"), {"value": 1}, content_type=JSON)
    assert vote.json() == {"score": 1, "my_vote": 1}
    again = other.put(api(f"threads/{thread}/vote/"), {"value": 1}, content_type=JSON)
    assert again.json() == {"score": 1, "my_vote": 1}
    seen = other.get(api(f"threads/{thread}/")).json()
    assert seen["my_vote"] == 1


def test_writes_need_somebody(client_of, thread):
    answer = client_of().post(
        api(f"threads/{thread.public_id}/comments/"), {"text": "Hi"}, content_type=JSON
    )
    assert answer.status_code == 401
    assert answer.json()["code"] == "sign_in_required"


@pytest.mark.parametrize(
    ("given", "status", "field"),
    [
        ({"text": ""}, 422, "body"),
        ({}, 422, "text"),
        ({"text": "x" * 65_536}, 413, None),
        ({"text": ["a"]}, 422, "text"),
    ],
)
def test_bad_comments_are_refused_with_a_reason(client_of, bo, thread, given, status, field):
    answer = client_of(bo).post(
        api(f"threads/{thread.public_id}/comments/"), given, content_type=JSON
    )
    assert answer.status_code == status, answer.content
    assert set(answer.json()) >= {"code", "detail"}
    if field:
        assert field in answer.json()["fields"]


def test_a_stale_edit_is_412(client_of, bo, thread, write):
    comment = write(thread, "one")
    client = client_of(bo)
    url = api(f"comments/{comment.public_id}/")
    etag = client.get(url)["ETag"]
    first = client.patch(url, {"text": "two"}, content_type=JSON, headers={"If-Match": etag})
    assert first.status_code == 200
    second = client.patch(url, {"text": "three"}, content_type=JSON, headers={"If-Match": etag})
    assert second.status_code == 412
    assert second.json()["code"] == "stale_version"


def test_the_same_idempotency_key_posts_once(client_of, bo, thread):
    client = client_of(bo)
    url = api(f"threads/{thread.public_id}/comments/")
    answers = [
        client.post(url, {"text": "once"}, content_type=JSON, headers={"Idempotency-Key": "k1"})
        for _ in range(2)
    ]
    assert answers[0].json()["id"] == answers[1].json()["id"]
    assert answers[1]["Idempotency-Replayed"] == "true"
    other = client.post(url, {"text": "two"}, content_type=JSON, headers={"Idempotency-Key": "k1"})
    assert other.status_code == 422
    assert thread.comments.count() == 1


def test_private_things_are_404_everywhere(client_of, ada, mod, private_sub):
    secret = threads.post_thread(author=mod, sub=private_sub, title="Secret")
    client = client_of(ada)
    paths = [
        f"threads/{secret.public_id}/", f"threads/{secret.public_id}/comments/",
        "subs/cellar/", "subs/cellar/threads/", "modlog/?sub=cellar",
    ]  # fmt: skip
    for path in paths:
        assert client.get(api(path)).status_code == 404, path
    for path in ("threads/", "subs/", "modlog/"):
        assert b"ecret" not in client.get(api(path)).content
        assert b"cellar" not in client.get(api(path)).content


def test_the_text_of_removed_things_is_not_sent(client_of, ada, mod, thread, write):
    comment = write(thread, "Buy my oven")
    write(thread, parent=comment)
    moderation.remove_comment(moderator=mod, comment=comment, reason="Rule 3")
    for path in (f"threads/{thread.public_id}/comments/", f"comments/{comment.public_id}/"):
        answer = client_of(ada).get(api(path))
        assert b"Buy my oven" not in answer.content, path
        assert b"Rule 3" in answer.content


@pytest.mark.parametrize("sort", list(CommentSort))
def test_following_next_and_more_reaches_every_comment_once(client_of, bo, thread, sort, settings):
    from tests.test_tree import grow

    settings.THREADFLOW_FORUM = {"COMMENTS_PER_PAGE": 9, "COMMENTS_PER_MORE": 5}
    grow(thread, bo, 70)
    client, seen = client_of(), []
    queue = [api(f"threads/{thread.public_id}/comments/?sort={sort}")]
    while queue:
        page = client.get(queue.pop(0)).json()
        queue.extend([page["next"]] if page["next"] else [])
        for comment in page["results"]:
            seen.append(comment["number"])
            if comment["more"]:
                queue.append(comment["more"]["url"])
    assert sorted(seen) == list(range(1, 71))


def test_moderating(client_of, ada, mod, thread, write):
    comment = write(thread)
    url = api(f"comments/{comment.public_id}/remove/")
    assert client_of(ada).post(url, {}, content_type=JSON).status_code == 403
    removed = client_of(mod).post(url, {"reason": "Rule 3"}, content_type=JSON)
    assert removed.json()["state"] == "removed"
    lock = client_of(mod).put(
        api(f"threads/{thread.public_id}/lock/"), {"locked": True}, content_type=JSON
    )
    assert lock.json()["locked"] is True
    log = client_of().get(api("modlog/")).json()["results"]
    assert [entry["action"] for entry in log] == ["lock_thread", "remove_comment"]


def test_lists_cost_the_same_at_any_length(client_of, ada, bo, sub):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    client = client_of(bo)
    counts, made = [], 0
    for size in (1, 25, 100):
        while made < size:
            threads.post_thread(author=ada, sub=sub, title=f"Thread {made}")
            made += 1
        with CaptureQueriesContext(connection) as queries:
            client.get(api("threads/?limit=100"))
        counts.append(len(queries))
    assert len(set(counts)) == 1, counts
