"""Sending, changing, taking back; what a message may be and what it may not."""

from __future__ import annotations

import datetime as dt
import uuid

import pytest
from django.contrib.auth.models import AnonymousUser
from django.utils import timezone

from threadflow_chat import frames
from threadflow_chat.exceptions import Barred, ConfirmMention, DuplicateText, SlowMode
from threadflow_chat.models import MessageRevision, RoomLogEntry, RoomMember
from threadflow_chat.services import history, membership, messages, reactions, reads, rooms
from threadflow_chat.swaps import get_room_model
from threadflow_core.exceptions import (
    Conflict,
    Gone,
    Invalid,
    NotAllowed,
    NotFound,
    PreconditionFailed,
    SignInRequired,
    TooLarge,
)

from .hosted.models import Project

# ---------------------------------------------------------------------- sending


def test_a_message_takes_the_next_number_and_lets_its_author_in(room, ada, bo, say):
    first, second = say(room, "Hello *you*"), say(room, author=bo)
    assert (first.mno, second.mno) == (1, 2)
    assert "<em>you</em>" in first.html
    found = get_room_model().objects.get(pk=room.pk)
    assert (found.last_mno, found.member_count) == (2, 2)
    assert found.last_message_at == second.created_at
    assert RoomMember.objects.of(bo, room).is_inside
    assert reads.state_of(bo, room).unread == 0
    assert reads.state_of(ada, room).unread == 1


def test_strangers_and_people_outside_write_nothing(group, room, person, say):
    with pytest.raises(SignInRequired):
        say(room, author=AnonymousUser())
    with pytest.raises(NotAllowed) as refused:
        say(group, author=person("cy"))
    assert refused.value.code == "not_member"
    with pytest.raises(NotAllowed):
        say(room, author=person("gone", is_active=False))


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", Invalid),
        ("   \n\t ", Invalid),
        ("\x00\x07\x1f", Invalid),
        ("\u200b\u202e\u2060", Invalid),
        ("\u3164\u200d", Invalid),
        ("x" * 4_001, TooLarge),
        ("🎉" * 10_000, TooLarge),
    ],
)
def test_what_is_no_message(room, say, text, error):
    with pytest.raises(error):
        say(room, text)
    assert get_room_model().objects.get(pk=room.pk).last_mno == 0


def test_odd_text_is_made_harmless(room, say):
    message = say(
        room, "a\x00b \u202eevil\ud800 <script>alert(1)</script> [x](javascript:alert(1))"
    )
    assert "\x00" not in message.source and "\u202e" not in message.source
    assert "<script" not in message.html and "javascript:" not in message.html.replace(
        "(javascript:", ""
    )
    assert len(say(room, "🎉" * 4_000).source) == 4_000


def test_the_same_nonce_is_one_message(room, ada, bo, say):
    first = say(room, "Once", nonce="n-1")
    assert say(room, "Once", nonce="n-1") == first
    with pytest.raises(Conflict) as refused:
        say(room, "Twice", nonce="n-1")
    assert refused.value.code == "nonce_used"
    assert say(room, "Other", author=bo, nonce="n-1").mno == 2
    for odd in ("x" * 65, "a b", "\x00", 7):
        with pytest.raises(Invalid):
            say(room, nonce=odd)


def test_a_resend_after_an_edit_still_finds_its_message(room, ada, say):
    first = say(room, "Once", nonce="n-1")
    messages.edit_message(editor=ada, message=first, text="Changed")
    assert say(room, "Once", nonce="n-1").pk == first.pk


def test_a_resend_of_who_is_banned_by_now_is_refused(room, ada, lead, say):
    say(room, "Once", nonce="n-1")
    membership.ban(moderator=lead, room=room, person=ada)
    with pytest.raises(Barred):
        say(room, "Once", nonce="n-1")


def test_an_answer_needs_something_to_answer(room, group, ada, say):
    parent = say(room)
    answer = say(room, reply_to=parent)
    assert answer.reply_to == parent
    with pytest.raises(NotFound):
        say(group, reply_to=parent)
    messages.delete_message(person=ada, message=parent)
    with pytest.raises(Gone) as refused:
        say(room, reply_to=parent)
    assert refused.value.code == "parent_gone"


# ---------------------------------------------------------------------- pace


def test_slow_mode_holds_back_all_but_moderators(room, ada, lead, bo, say):
    rooms.edit_room(editor=lead, room=room, slow_seconds=30)
    say(room)
    with pytest.raises(SlowMode) as refused:
        say(room)
    assert 25 <= refused.value.retry_after <= 30
    assert say(room, author=bo) and say(room, author=lead) and say(room, author=lead)
    past = timezone.now() - dt.timedelta(seconds=31)
    RoomMember.objects.filter(person=ada).update(last_sent_at=past)
    assert say(room)


def test_the_same_text_at_once_is_refused(room, ada, say, settings):
    say(room, "Buy  my OVEN")
    with pytest.raises(DuplicateText):
        say(room, "buy my oven")
    assert say(room, "No, my loaf") and say(room, "Buy my oven")
    settings.THREADFLOW_CHAT = {"REPEAT_SECONDS": 0}
    assert say(room, "Buy my oven")


def test_calling_everybody_asks_first_in_larger_rooms(room, person, lead, say, settings, member):
    settings.THREADFLOW_CHAT = {"HERE_WARN": 2, "HERE_MAX": 4}
    member(room, *(person(f"p{n}") for n in range(3)))
    with pytest.raises(ConfirmMention) as asked:
        say(room, "@here lunch")
    assert asked.value.count == 3
    assert say(room, "@here lunch", confirmed=True)
    member(room, person("p4"), person("p5"))
    with pytest.raises(NotAllowed):
        say(room, "@all again", confirmed=True)
    assert say(room, "@all by the lead", author=lead, confirmed=True)


# ---------------------------------------------------------------------- changing


def test_an_edit_keeps_what_was_said_before(room, ada, say, fresh):
    message = say(room, "Loaf")
    edited = messages.edit_message(editor=ada, message=message, text="Loaves", version=1)
    assert (edited.version, edited.edited_at) == (2, None)  # within the grace
    long_ago = timezone.now() - dt.timedelta(minutes=5)
    type(message).objects.filter(pk=message.pk).update(created_at=long_ago)
    edited = messages.edit_message(editor=ada, message=message, text="Breads", version=2)
    assert edited.version == 3 and edited.edited_at is not None
    (revision,) = history.revisions(fresh(message))
    assert (revision.version, revision.source) == (2, "Loaves")
    assert messages.edit_message(editor=ada, message=message, text="Breads").version == 3


def test_only_the_author_edits_and_only_the_current_version(room, ada, bo, lead, say, settings):
    message = say(room)
    for one in (bo, lead, AnonymousUser()):
        with pytest.raises((NotAllowed, SignInRequired)):
            messages.edit_message(editor=one, message=message, text="Mine")
    with pytest.raises(PreconditionFailed):
        messages.edit_message(editor=ada, message=message, text="New", version=7)
    with pytest.raises(Invalid):
        messages.edit_message(editor=ada, message=message, text="  ")
    settings.THREADFLOW_CHAT = {"EDIT_SECONDS": 60}
    long_ago = timezone.now() - dt.timedelta(minutes=5)
    type(message).objects.filter(pk=message.pk).update(created_at=long_ago)
    with pytest.raises(NotAllowed) as refused:
        messages.edit_message(editor=ada, message=message, text="New")
    assert refused.value.code == "too_late"


def test_what_is_taken_back_keeps_its_place_and_comes_back(room, ada, bo, lead, say, fresh):
    message = say(room, "My number")
    with pytest.raises(NotAllowed):
        messages.delete_message(person=bo, message=message)
    messages.delete_message(person=ada, message=message)
    messages.delete_message(person=ada, message=message)
    assert fresh(message).state == "deleted"
    (frame,) = frames.messages([fresh(message)])
    assert frame["gone"] == "deleted" and "My number" not in str(frame)
    with pytest.raises(NotAllowed):
        messages.restore_message(person=lead, message=message)
    with pytest.raises(NotAllowed):
        messages.edit_message(editor=ada, message=message, text="New")
    assert messages.restore_message(person=ada, message=message).is_visible
    messages.delete_message(person=ada, message=message)
    long_ago = timezone.now() - dt.timedelta(hours=5)
    type(message).objects.filter(pk=message.pk).update(deleted_at=long_ago)
    with pytest.raises(NotAllowed):
        messages.restore_message(person=ada, message=message)


def test_moderators_remove_and_restore_with_a_trace(room, ada, lead, say, fresh):
    message = say(room)
    messages.delete_message(person=lead, message=message, reason="Rule 3")
    assert fresh(message).state == "removed"
    with pytest.raises(NotAllowed):
        messages.restore_message(person=ada, message=message)
    messages.restore_message(person=lead, message=message)
    actions = list(RoomLogEntry.objects.order_by("pk").values_list("action", "reason"))
    assert actions == [("remove_message", "Rule 3"), ("restore_message", "")]


def test_nothing_is_left_of_a_room_that_is_gone(room, ada, say, project):
    message = say(room)
    Project.objects.all().delete()
    for call in (
        lambda: say(room),
        lambda: messages.edit_message(editor=ada, message=message, text="New"),
        lambda: reactions.react(person=ada, message=message, emoji="👍", on=True),
    ):
        room.__dict__.pop("target", None)
        with pytest.raises(NotAllowed):
            call()
    room.delete()
    with pytest.raises(NotFound):
        membership.join(person=ada, room=get_room_model()(pk=uuid.uuid4()))
    assert MessageRevision.objects.count() == 0
