"""Every page of the forum, by its promise: who sees what, and at what cost."""

from __future__ import annotations

import pytest
from django.urls import reverse

from threadflow_forum.services import comments, moderation


def url(name, *args):
    return reverse(f"threadflow_forum:{name}", args=args)


@pytest.mark.parametrize("signed_in", [False, True])
def test_pages_answer(client_of, ada, mod, sub, thread, write, signed_in):
    comment = write(thread)
    write(thread, parent=comment)
    client = client_of(mod if signed_in else None)
    open_to_all = [
        url("home"), url("all"), url("subs"), url("sub", sub.slug), thread.get_absolute_url(),
        comment.get_absolute_url(), url("modlog", sub.slug), url("profile", "ada"),
        url("thread_menu", thread.public_id), url("comment_menu", comment.public_id),
    ]  # fmt: skip
    for address in open_to_all:
        assert client.get(address).status_code == 200, address
    members_only = [
        url("saved"), url("submit"), url("sub_submit", sub.slug), url("open_sub"),
        url("comment_on", thread.public_id), url("reply", comment.public_id),
        url("mod_people", sub.slug), url("mod_ban", sub.slug), url("mod_settings", sub.slug),
        url("remove_thread", thread.public_id), url("lock", thread.public_id),
        url("remove_comment", comment.public_id),
    ]  # fmt: skip
    for address in members_only:
        assert client.get(address).status_code == (200 if signed_in else 302), address


def test_a_thread_shows_its_comments_and_my_votes(client_of, ada, bo, thread, write):
    comment = write(thread, "The oven is too cold", author=bo)
    client = client_of(ada)
    client.post(url("comment_vote", comment.public_id), {"value": 1})
    page = client.get(thread.get_absolute_url()).content.decode()
    assert "The oven is too cold" in page
    assert f'id="up-{comment.public_id}"' in page
    assert 'aria-pressed="true"' in page
    assert "\x02" not in page and "TFID" not in page


def test_posting_replying_and_editing_without_scripts(client_of, ada, bo, sub, thread):
    client = client_of(bo)
    answer = client.post(url("comment_on", thread.public_id), {"body": "Hello *you*"})
    assert answer.status_code == 303
    page = client.get(answer["Location"].split("#")[0]).content.decode()
    assert "Hello <em>you</em>" in page
    answer = client.post(
        url("sub_submit", sub.slug), {"title": "A second thread", "body": "", "url": ""}
    )
    assert answer.status_code == 303
    assert "/a-second-thread/" in answer["Location"]


def test_a_stale_edit_shows_both_texts(client_of, bo, thread, write):
    comment = write(thread, "one")
    comments.edit_comment(editor=bo, comment=comment, body="two")
    client = client_of(bo)
    answer = client.post(url("edit_comment", comment.public_id), {"body": "three", "version": 1})
    assert answer.status_code == 412
    page = answer.content.decode()
    assert "two" in page and "three" in page


def test_a_private_sub_is_not_there_for_others(client_of, ada, mod, private_sub):
    from threadflow_forum.services import threads

    secret = threads.post_thread(author=mod, sub=private_sub, title="Secret barrels")
    client = client_of(ada)
    for address in (url("sub", "cellar"), secret.get_absolute_url(), url("modlog", "cellar")):
        assert client.get(address).status_code == 404, address
    for address in (url("home"), url("all"), url("subs"), url("profile", "mod")):
        page = client.get(address).content.decode()
        assert "Secret barrels" not in page and "cellar" not in page, address
    assert "Secret barrels" in client_of(mod).get(url("all")).content.decode()


def test_a_comment_in_a_locked_thread_is_refused_and_keeps_the_text(client_of, bo, mod, thread):
    moderation.set_locked(moderator=mod, thread=thread, locked=True)
    answer = client_of(bo).post(url("comment_on", thread.public_id), {"body": "my long answer"})
    assert answer.status_code == 403
    assert "my long answer" in answer.content.decode()
    assert "locked" in answer.content.decode()


def test_sending_twice_makes_one_comment(client_of, bo, thread):
    client = client_of(bo)
    form = {"body": "once", "_once": "abc"}
    first = client.post(url("comment_on", thread.public_id), form)
    second = client.post(url("comment_on", thread.public_id), form)
    assert first["Location"] == second["Location"]
    assert thread.comments.count() == 1


@pytest.mark.parametrize("bad", ["nonsense", "zzzzzz", "%00", "x" * 40])
def test_ids_that_are_not_ids_are_404(client_of, db, bad):
    client = client_of()
    assert client.get(f"/community/threads/{bad}/x/").status_code == 404


def test_a_forged_cursor_is_400(client_of, thread):
    client = client_of()
    assert client.get(thread.get_absolute_url() + "?after=forged").status_code == 400
    assert client.get(url("all") + "?cursor=forged").status_code == 400


def test_the_list_costs_the_same_at_any_length(client_of, ada, bo, sub, django_assert_num_queries):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from threadflow_forum.services import threads

    client = client_of(bo)
    counts = []
    made = 0
    for size in (1, 25, 100):
        while made < size:
            threads.post_thread(author=ada, sub=sub, title=f"Thread {made}")
            made += 1
        with CaptureQueriesContext(
            connection,
        ) as queries:
            client.get(url("all"))
        counts.append(len(queries))
    assert len(set(counts)) == 1, counts
    assert counts[0] <= 10


def test_the_thread_page_costs_the_same_at_any_length(client_of, ada, bo, thread, write):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    client = client_of(ada)
    counts = []
    made = 0
    for size in (1, 25, 100):
        while made < size:
            write(thread, author=bo)
            made += 1
        client.get(thread.get_absolute_url())
        with CaptureQueriesContext(connection) as queries:
            client.get(thread.get_absolute_url())
        counts.append(len(queries))
    assert len(set(counts)) == 1, counts
    assert counts[0] <= 12


def test_the_tab_bar_marks_where_one_is_and_only_that(client_of, ada, sub, thread, settings):
    """Its links are rendered once for many pages: what one page marked stays off the others."""
    settings.THREADFLOW_CORE = {**settings.THREADFLOW_CORE, "HOME_URL": url("home")}
    client = client_of(ada)

    def marked(address: str) -> list[str]:
        html = client.get(address).content.decode()
        bar = html[html.index('<nav class="tf-tabbar"') :]
        bar = bar[: bar.index("</nav>")]
        links = [link for link in bar.split("<a ")[1:] if 'aria-current="page"' in link]
        return [link.split('href="')[1].split('"')[0] for link in links]

    places = [url("home"), url("all"), url("subs")]
    for address in [*places, *places]:
        assert marked(address) == [address]
    for address in (thread.get_absolute_url(), url("sub", sub.slug), f"{url('home')}?sort=new"):
        assert marked(address) == ([url("home")] if "sort" in address else [])
