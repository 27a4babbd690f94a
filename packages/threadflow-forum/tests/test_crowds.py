"""Crowds: many people do the same, or different things to the same few things, at once."""

from __future__ import annotations

import contextlib
import random
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from threadflow_core.exceptions import Conflict, Invalid, ThreadflowError
from threadflow_core.jobs import drain
from threadflow_core.testing.racing import race
from threadflow_forum.models import Membership, Role
from threadflow_forum.reconcile import find
from threadflow_forum.services import comments, moderation, subs, threads, votes
from threadflow_forum.services.votes import Vote
from threadflow_forum.swaps import get_comment_model, get_sub_model

pytestmark = pytest.mark.django_db(transaction=True)


def slow(*values: Any) -> Any:
    return pytest.param(*values, marks=pytest.mark.slow, id="long")


def test_fifty_at_once_get_fifty_numbers_without_a_hole(thread: Any, person: Any) -> None:
    people = [person(f"crowd{n}") for n in range(25)]

    def post(n: int) -> list[int]:
        return [
            comments.add_comment(author=people[n], thread=thread, body=f"{n} {turn}").number
            for turn in range(2)
        ]

    numbers = sorted(number for two in race(post, 25) for number in two)
    assert numbers == list(range(1, 51))
    thread.refresh_from_db()
    assert (thread.comment_count, thread.last_number) == (50, 50)
    assert list(find()) == []


def test_a_form_sent_thirty_times_at_once_is_one_comment(thread: Any, bo: Any) -> None:
    def post(n: int) -> str:
        made = comments.add_comment(author=bo, thread=thread, body="Once", nonce="the key")
        return made.public_id

    assert len(set(race(post, 30))) == 1
    thread.refresh_from_db()
    assert thread.comments.count() == thread.comment_count == 1


def test_a_key_used_in_two_threads_at_once_is_a_conflict_for_one(
    thread: Any, sub: Any, ada: Any, bo: Any
) -> None:
    other = threads.post_thread(author=ada, sub=sub, title="Another")

    def post(n: int) -> str:
        place = (thread, other)[n % 2]
        try:
            comments.add_comment(author=bo, thread=place, body="Once", nonce="the key")
        except Conflict as error:
            return error.code
        return "posted"

    answers = Counter(race(post, 10))
    assert answers == {"posted": 5, "nonce_used": 5}
    assert get_comment_model().objects.count() == 1
    assert list(find()) == []


def test_the_same_for_threads(sub: Any, ada: Any) -> None:
    def post(n: int) -> int:
        return threads.post_thread(author=ada, sub=sub, title="Once", nonce="the key").pk

    assert len(set(race(post, 12))) == 1
    sub.refresh_from_db()
    assert sub.thread_count == 1


def test_joining_and_leaving_at_once_keeps_the_count_true(sub: Any, person: Any) -> None:
    people = [person(f"crowd{n}") for n in range(5)]

    def hop(n: int) -> None:
        who = people[n % 5]
        for turn in range(4):
            (subs.join if (n + turn) % 2 else subs.leave)(person=who, sub=sub)

    race(hop, 15)
    inside = Membership.objects.filter(sub=sub, role__in=("member", "moderator", "owner")).count()
    sub.refresh_from_db()
    assert sub.member_count == inside
    assert Membership.objects.filter(person__in=people).count() <= 5


def test_opening_a_sub_of_one_name_at_once_gives_one(person: Any) -> None:
    people = [person(f"crowd{n}") for n in range(8)]

    def open_it(n: int) -> bool:
        try:
            subs.open_sub(founder=people[n], slug="together", title="Together")
        except Invalid:
            return False
        return True

    assert sum(race(open_it, 8)) == 1
    assert get_sub_model().objects.filter(slug="together").count() == 1
    assert Membership.objects.count() == 1


@pytest.mark.parametrize("each", [25, slow(200)])
def test_eight_writers_beside_each_other_never_find_a_locked_database(
    thread: Any, sub: Any, person: Any, each: int
) -> None:
    """On SQLite they take turns; no error reaches anybody."""
    people = [person(f"crowd{n}") for n in range(8)]

    def write(n: int) -> None:
        for turn in range(each):
            comments.add_comment(author=people[n], thread=thread, body=f"{n} {turn}")

    race(write, 8, timeout=240)
    thread.refresh_from_db()
    assert thread.comment_count == 8 * each
    assert list(find()) == []


def test_joining_while_karma_of_the_same_person_arrives(sub: Any, mod: Any, person: Any) -> None:
    """Both make the one row that ties a person to a sub: neither waits for ever nor loses."""
    people = [person(f"newcomer{n}") for n in range(16)]
    place = threads.post_thread(author=mod, sub=sub, title="Hello")
    made = [comments.add_comment(author=who, thread=place, body="x") for who in people]

    def act(n: int) -> None:
        if n % 2:
            subs.join(person=people[n // 2], sub=sub)
        else:
            votes.cast_comment_vote(voter=mod, comment=made[n // 2], value=Vote.UP)

    race(act, 32, timeout=60)
    # On SQLite a job may find the database busy: it is tried again, later.
    drain(now=timezone.now() + timedelta(hours=1))
    rows = Membership.objects.filter(sub_id=sub.pk, person__in=people)
    assert [(row.role, row.karma) for row in rows] == [(Role.MEMBER, 1)] * 16


@pytest.mark.parametrize("operations", [400, slow(10_000)])
def test_mixed_writes_of_a_crowd_end_without_a_deadlock_and_add_up(
    sub: Any, mod: Any, person: Any, operations: int
) -> None:
    """Votes, replies, edits, deletions, removals, locks and joins, all on a few things."""
    # On SQLite nobody queues: who waits asks again and again, and of many one may be last for long.
    workers = 16 if connection.vendor == "postgresql" else 8
    people = [person(f"crowd{n}") for n in range(16)]
    places = [threads.post_thread(author=mod, sub=sub, title=f"Place {n}") for n in range(3)]
    made = [
        comments.add_comment(author=people[n], thread=places[n % 3], body="x") for n in range(12)
    ]

    def act(rng: random.Random, who: Any) -> None:
        place, thing, value = rng.choice(places), rng.choice(made), rng.choice(list(Vote))
        acts: list[Callable[[], Any]] = [
            lambda: votes.cast_vote(voter=who, thread=place, value=value),
            lambda: votes.cast_comment_vote(voter=who, comment=thing, value=value),
            lambda: votes.cast_comment_vote(voter=who, comment=thing, value=value),
            lambda: comments.add_comment(author=who, thread=place, body="y"),
            lambda: comments.add_comment(author=who, thread=thing.thread, parent=thing, body="z"),
            lambda: comments.edit_comment(editor=thing.author, comment=thing, body=str(value)),
            lambda: comments.delete_comment(author=thing.author, comment=thing),
            lambda: comments.undelete_comment(author=thing.author, comment=thing),
            lambda: moderation.remove_comment(moderator=mod, comment=thing),
            lambda: moderation.approve_comment(moderator=mod, comment=thing),
            lambda: moderation.set_locked(moderator=mod, thread=place, locked=rng.random() < 0.1),
            lambda: threads.save_thread(reader=who, thread=place, saved=True),
            lambda: threads.edit_thread(editor=mod, thread=place, body="new"),
            lambda: subs.join(person=who, sub=sub),
            lambda: subs.leave(person=who, sub=sub),
        ]
        with contextlib.suppress(ThreadflowError):  # the state forbids it: an answer like another
            rng.choice(acts)()

    def crowd(n: int) -> None:
        rng = random.Random(n)
        for _ in range(operations // workers):
            act(rng, people[n])

    race(crowd, workers, timeout=600)
    assert list(find()) == []
