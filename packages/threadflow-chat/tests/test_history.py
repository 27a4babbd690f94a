"""Reading the log: pointers, pages, dates, and what they cost."""

from __future__ import annotations

import datetime as dt

from django.utils import timezone

from threadflow_chat import frames
from threadflow_chat.models import Reaction
from threadflow_chat.services import history, reads
from threadflow_chat.swaps import get_room_model
from threadflow_core.testing.queries import assert_queries, assert_same_queries


def test_the_pointer_only_grows_but_for_mark_unread(room, ada, bo, say, member):
    member(room, bo)
    for _ in range(5):
        say(room)
    assert reads.mark_read(person=bo, room=room, mno=3).unread == 2
    assert reads.mark_read(person=bo, room=room, mno=1).last_read_mno == 3
    assert reads.mark_read(person=bo, room=room, mno=10**9).last_read_mno == 5
    assert reads.mark_unread(person=bo, room=room, mno=2).unread == 4
    assert history.first_unread(bo, room) == 2
    assert history.first_unread(ada, room) is None


def test_pages_of_history_have_no_holes_and_no_repeats(room, say):
    for _ in range(25):
        say(room)
    room.refresh_from_db()
    newest = history.stretch(room, limit=10)
    assert [m.mno for m in newest.messages] == list(range(16, 26))
    assert newest.more_before and not newest.more_after
    older = history.stretch(room, before=newest.first, limit=10)
    assert [m.mno for m in older.messages] == list(range(6, 16))
    oldest = history.stretch(room, before=older.first, limit=10)
    assert [m.mno for m in oldest.messages] == list(range(1, 6)) and not oldest.more_before
    after = history.stretch(room, after=20, limit=3)
    assert [m.mno for m in after.messages] == [21, 22, 23] and after.more_after
    around = history.stretch(room, around=12, limit=6)
    assert 12 in [m.mno for m in around.messages] and around.more_before and around.more_after
    assert [m.mno for m in around.messages] == sorted(m.mno for m in around.messages)


def test_a_date_leads_to_the_first_message_after_it(room, say):
    first, second = say(room), say(room)
    long_ago = timezone.now() - dt.timedelta(days=3)
    type(first).objects.filter(pk=first.pk).update(created_at=long_ago)
    assert history.at_date(room, long_ago) == 1
    assert history.at_date(room, long_ago + dt.timedelta(days=1)) == second.mno
    assert history.at_date(room, timezone.now() + dt.timedelta(days=1)) is None


def test_a_page_costs_the_same_for_1_25_and_100_messages(room, ada, bo, lead, plant):
    def fill(count):
        (parent,) = plant(room, lead, 1)
        made = plant(room, ada, count, reply_to=parent, reaction_count=1)
        Reaction.objects.bulk_create(Reaction(message=m, person=bo, emoji="👍") for m in made)

    def page():
        found = history.stretch(room, limit=100).messages
        return frames.messages(found, ada)

    fill(1)
    assert assert_same_queries(page, lambda: fill(24)) == 2
    assert assert_same_queries(page, lambda: fill(80)) == 2
    assert len(page()) == 100 and page()[-1]["reactions"][0]["count"] == 1


def test_sending_takes_few_statements(room, ada, say, member):
    member(room, ada)
    room = get_room_model().objects.get(pk=room.pk)
    with assert_queries(at_most=11):
        say(room, "Short", nonce="n")
