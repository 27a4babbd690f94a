"""Votes: once per person, true counters, ranks that follow."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.db import IntegrityError, transaction
from hypothesis import given
from hypothesis import strategies as st

from threadflow_core.exceptions import NotAllowed, SignInRequired
from threadflow_core.testing.racing import race
from threadflow_forum import ranking
from threadflow_forum.models import CommentMark, Membership, ThreadMark
from threadflow_forum.reconcile import find
from threadflow_forum.services import moderation, votes
from threadflow_forum.services.votes import Vote


def test_voting_twice_counts_once(bo, thread):
    votes.cast_vote(voter=bo, thread=thread, value=Vote.UP)
    again = votes.cast_vote(voter=bo, thread=thread, value=Vote.UP)
    assert (again.up, again.down, again.score) == (1, 0, 1)


def test_the_same_arrow_twice_takes_the_vote_back(bo, thread):
    votes.cast_vote(voter=bo, thread=thread, value=Vote.DOWN)
    back = votes.cast_vote(voter=bo, thread=thread, value=Vote.NONE)
    assert (back.up, back.down, back.score) == (0, 0, 0)


def test_nobody_votes_on_their_own_text(ada, thread):
    with pytest.raises(NotAllowed) as refused:
        votes.cast_vote(voter=ada, thread=thread, value=Vote.UP)
    assert refused.value.code == "own_text"


def test_a_vote_in_a_locked_thread_is_refused_and_says_why(client_of, bo, mod, thread):
    moderation.set_locked(moderator=mod, thread=thread, locked=True)
    with pytest.raises(NotAllowed) as refused:
        votes.cast_vote(voter=bo, thread=thread, value=Vote.UP)
    assert refused.value.code == "thread_locked"


def test_a_banned_person_cannot_vote(bo, mod, thread):
    moderation.ban(moderator=mod, sub=thread.sub, person=bo, reason="Spam")
    with pytest.raises(NotAllowed) as refused:
        votes.cast_vote(voter=bo, thread=thread, value=Vote.UP)
    assert refused.value.code == "banned" and "Spam" in str(refused.value.message)


def test_guests_are_asked_to_sign_in(thread):
    from django.contrib.auth.models import AnonymousUser

    with pytest.raises(SignInRequired):
        votes.cast_vote(voter=AnonymousUser(), thread=thread, value=Vote.UP)


def test_karma_follows_the_vote_once(bo, ada, thread, django_capture_on_commit_callbacks):
    for value in (Vote.UP, Vote.DOWN, Vote.DOWN, Vote.UP):
        with django_capture_on_commit_callbacks(execute=True):
            votes.cast_vote(voter=bo, thread=thread, value=value)
    assert Membership.objects.get(person=ada, sub=thread.sub).karma == 1


def test_an_adapter_may_keep_a_vote_without_effect(bo, thread, settings):
    settings.THREADFLOW_FORUM = {"ADAPTER": "tests.test_votes.NoEffect"}
    voted = votes.cast_vote(voter=bo, thread=thread, value=Vote.UP)
    mark = ThreadMark.objects.get(person=bo, thread=thread)
    assert (voted.score, mark.vote, mark.effect) == (0, 1, 0)


def test_the_database_holds_one_mark_per_person_and_thing(bo, thread):
    ThreadMark.objects.create(person=bo, thread=thread)
    with pytest.raises(IntegrityError), transaction.atomic():
        ThreadMark.objects.create(person=bo, thread=thread)
    with pytest.raises(IntegrityError), transaction.atomic():
        ThreadMark.objects.filter(person=bo).update(vote=2)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_two_hundred_people_at_once_end_with_counters_equal_to_rows(person, thread, write):
    comment = write(thread)
    people = [person(f"voter{n}") for n in range(20)]

    def vote(n: int) -> None:
        voter, value = people[(n * 7) % 20], Vote((n * 7) % 3 - 1)
        if n % 2:
            votes.cast_vote(voter=voter, thread=thread, value=value)
        else:
            votes.cast_comment_vote(voter=voter, comment=comment, value=value)

    race(lambda worker: [vote(worker + 20 * turn) for turn in range(10)], 20)
    assert list(find()) == []
    assert ThreadMark.objects.count() <= 20 and CommentMark.objects.count() <= 20


# The formulas, against vectors of the published implementation.

POSTED = datetime(2010, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("score", "rank"),
    [(0, 2852.7431556), (1, 2852.7431556), (10, 2853.7431556), (-10, 2851.7431556)],
)
def test_hot(score, rank):
    assert ranking.hot(score, POSTED) == pytest.approx(rank, abs=1e-7)


def test_ten_times_the_votes_are_worth_twelve_and_a_half_hours():
    from datetime import timedelta

    later = POSTED + timedelta(hours=12.5)
    assert ranking.hot(100, POSTED) == pytest.approx(ranking.hot(10, later), abs=1e-7)


@pytest.mark.parametrize(
    ("up", "down", "rank"),
    [(0, 0, 0.0), (1, 0, 0.3784475), (10, 0, 0.8589313), (10, 10, 0.3622620)],
)
def test_best(up, down, rank):
    assert ranking.best(up, down) == pytest.approx(rank, abs=1e-7)


def test_controversy():
    assert ranking.controversy(10, 10) == 20.0
    assert ranking.controversy(10, 0) == 0.0
    assert ranking.controversy(10, 5) == pytest.approx(15**0.5, abs=1e-6)


@given(st.lists(st.sampled_from([1, -1]), max_size=30), st.randoms())
def test_any_order_of_votes_ends_at_the_same_rank(values, random):
    def end(order):
        up, down = order.count(1), order.count(-1)
        return (
            ranking.best(up, down), ranking.controversy(up, down), ranking.hot(up - down, POSTED)
        )  # fmt: skip

    shuffled = list(values)
    random.shuffle(shuffled)
    assert end(values) == end(shuffled)


@given(st.integers(0, 500), st.integers(0, 500))
def test_best_stays_within_bounds_and_likes_upvotes(up, down):
    assert 0 <= ranking.best(up, down) < 1
    assert ranking.best(up + 1, down) >= ranking.best(up, down)


class NoEffect:
    def __getattr__(self, name):
        from threadflow_forum.adapter import ForumAdapter

        return getattr(ForumAdapter(), name)

    def vote_effect(self, *, voter, thing, value):
        return 0
