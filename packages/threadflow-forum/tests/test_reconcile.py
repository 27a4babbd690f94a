"""Seeding and the proof that counters equal rows."""

from __future__ import annotations

import pytest
from django.core.management import call_command

from threadflow_forum.reconcile import find
from threadflow_forum.services import comments, moderation, votes
from threadflow_forum.services.votes import Vote
from threadflow_forum.swaps import get_comment_model, get_thread_model


def test_seeded_content_has_true_counters(db, capsys):
    call_command("threadflow_seed", size="small")
    assert get_comment_model().objects.count() == 3_000
    assert list(find()) == []


def test_the_same_seed_gives_the_same_content(db, capsys):
    from threadflow_forum.seeding import SIZES, Seeder

    assert Seeder(SIZES["small"], 1).sizes() == Seeder(SIZES["small"], 1).sizes()


def test_drift_is_found_and_repaired(thread, write, ada, capsys):
    top = write(thread)
    write(thread, parent=top, author=ada)
    votes.cast_comment_vote(voter=ada, comment=top, value=Vote.UP)
    get_comment_model().objects.filter(pk=top.pk).update(up=7, descendant_count=9)
    get_thread_model().objects.filter(pk=thread.pk).update(comment_count=0)
    assert {drift.field for drift in find()} == {"up", "descendant_count", "comment_count"}
    with pytest.raises(SystemExit):
        call_command("threadflow_reconcile", check=True)
    call_command("threadflow_reconcile")
    assert list(find()) == []


def test_hiding_and_showing_keep_counters_true(thread, write, bo, mod):
    top = write(thread)
    reply = write(thread, parent=top)
    write(thread, parent=reply)
    comments.delete_comment(author=bo, comment=reply)
    assert list(find()) == []
    moderation.remove_comment(moderator=mod, comment=top)
    assert list(find()) == []
    comments.undelete_comment(author=bo, comment=reply)
    moderation.approve_comment(moderator=mod, comment=top)
    assert list(find()) == []
    moderation.remove_thread(moderator=mod, thread=thread)
    assert list(find()) == []
