"""The comment tree: paths, counts, pages, «load more»."""

from __future__ import annotations

import random

import pytest

from threadflow_forum import paths, tree
from threadflow_forum.services import comments
from threadflow_forum.swaps import get_comment_model, get_thread_model
from threadflow_forum.tree import CommentSort


def walk(thread, sort=CommentSort.BEST, limit=None):
    """Follow every «load more» and return the numbers of the comments in the order met."""
    seen = []
    queue = [None]
    while queue:
        page = tree.read(thread, sort=sort, after=queue.pop(0), limit=limit)
        for node in page.walk():
            seen.append(node.comment.number)
            if node.has_more:
                queue.append(node.more)
        if page.more:
            queue.append(page.more)
    return seen


def grow(thread, author, size, seed=1):
    rng = random.Random(seed)
    written = []
    for n in range(size):
        parent = rng.choice(written) if written and rng.random() < 0.75 else None
        written.append(
            comments.add_comment(author=author, thread=thread, parent=parent, body=f"text {n}")
        )
    return written


def test_a_reply_counts_in_everything_above(thread, write):
    top = write(thread)
    middle = write(thread, parent=top)
    write(thread, parent=middle)
    top.refresh_from_db()
    middle.refresh_from_db()
    thread.refresh_from_db()
    assert (top.child_count, top.descendant_count) == (1, 2)
    assert (middle.child_count, middle.descendant_count) == (1, 1)
    assert (thread.comment_count, thread.last_number) == (3, 3)


@pytest.mark.parametrize("sort", list(CommentSort))
def test_load_more_reaches_every_comment_once(thread, bo, sort):
    grow(thread, bo, 120)
    thread.refresh_from_db()
    assert sorted(walk(thread, sort, limit=7)) == list(range(1, 121))


def test_a_page_costs_the_same_in_a_big_thread(thread, bo, django_assert_max_num_queries):
    grow(thread, bo, 60)
    thread.refresh_from_db()
    with django_assert_max_num_queries(5):
        tree.read(thread, sort=CommentSort.BEST)


def test_the_first_view_holds_its_limit_and_keeps_parents(thread, bo):
    grow(thread, bo, 150)
    thread.refresh_from_db()
    shown = tree.read(thread, sort=CommentSort.BEST).comments()
    assert len(shown) == 60
    keys = {comment.pk for comment in shown}
    assert all(comment.parent_id is None or comment.parent_id in keys for comment in shown)


def test_replies_below_the_deepest_level_name_whom_they_answer(thread, write, settings):
    settings.THREADFLOW_FORUM = {"COMMENT_MAX_DEPTH": 3}
    last = None
    for _ in range(6):
        last = write(thread, parent=last)
    assert last.depth == 3
    assert last.answers is not None and last.answers.depth == 3
    assert len(last.path) == 4 * paths.WIDTH


def test_five_hundred_replies_in_a_row(thread, write):
    last = None
    for _ in range(500):
        last = write(thread, parent=last)
    assert last.depth == 100
    thread.refresh_from_db()
    assert sorted(walk(thread)) == list(range(1, 501))


def test_a_deleted_comment_stays_as_a_stub_while_it_has_replies(thread, write, bo):
    top = write(thread)
    reply = write(thread, parent=top)
    comments.delete_comment(author=bo, comment=top)
    thread.refresh_from_db()
    assert walk(thread) == [1, 2]
    assert thread.comment_count == 1
    comments.delete_comment(author=bo, comment=reply)
    thread.refresh_from_db()
    assert walk(thread) == []


def test_new_replies_during_the_walk_hide_nothing(thread, bo, write):
    grow(thread, bo, 80)
    thread.refresh_from_db()
    seen, queue, added = [], [None], 0
    while queue:
        page = tree.read(thread, sort=CommentSort.BEST, after=queue.pop(0), limit=9)
        for node in page.walk():
            seen.append(node.comment.number)
            if added < 40:
                write(thread, parent=get_comment_model().objects.get(pk=node.comment.pk))
                added += 1
            if node.has_more:
                queue.append(node.more)
        if page.more:
            queue.append(page.more)
    assert len(seen) == len(set(seen))
    assert set(range(1, 81)) <= set(seen)


def test_models_are_the_ones_in_force(thread):
    assert isinstance(thread, get_thread_model())
    assert get_comment_model()._meta.get_field("thread").related_model is get_thread_model()
