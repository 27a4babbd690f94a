"""Sending, changing, taking back; what a message may be and what it may not."""

from __future__ import annotations

import datetime as dt
import uuid

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from threadflow_chat import frames
from threadflow_chat.exceptions import Barred, ConfirmMention, DuplicateText, SlowMode
from threadflow_chat.models import MessageRevision, Pin, Reaction, RoomLogEntry, RoomMember
from threadflow_chat.services import (
    calling,
    finding,
    flags,
    history,
    membership,
    messages,
    pins,
    previews,
    reactions,
    reads,
    rooms,
    texts,
)
from threadflow_chat.swaps import get_message_model, get_room_model
from threadflow_core import search, uploads
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
from threadflow_core.jobs.models import OutboxEvent
from threadflow_core.records import Report
from threadflow_core.testing.queries import assert_queries, assert_same_queries

from .hosted.models import Project

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154"
    "789c6360606060000000050001a5f645400000000049454e44ae426082"
)


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


# ---------------------------------------------------------------------- reactions and pins


def test_reactions_count_each_person_once(room, ada, bo, say, fresh):
    message = say(room)
    for _ in range(2):
        reactions.react(person=ada, message=message, emoji="👍", on=True)
    reactions.react(person=bo, message=message, emoji="👍", on=True)
    reactions.react(person=bo, message=message, emoji="🇩🇪", on=True)
    assert fresh(message).reaction_count == 3
    (frame,) = frames.messages([fresh(message)], ada)
    assert frame["reactions"] == [
        {"emoji": "👍", "count": 2, "mine": True},
        {"emoji": "🇩🇪", "count": 1, "mine": False},
    ]
    reactions.react(person=ada, message=message, emoji="👍", on=False)
    reactions.react(person=ada, message=message, emoji="👍", on=False)
    assert fresh(message).reaction_count == 2 == Reaction.objects.count()


@pytest.mark.parametrize(
    "emoji", ["", "a", "ok", "👍 👍", "1", "<b>", "👍" * 20, "\x00", None, " "]
)
def test_what_is_no_emoji(room, ada, say, emoji):
    with pytest.raises(Invalid):
        reactions.react(person=ada, message=say(room), emoji=emoji, on=True)


@pytest.mark.parametrize("emoji", ["👍🏽", "👩‍👩‍👧‍👦", "❤️", "🏳️‍🌈", "1️⃣", "🇩🇪", "✅", "☕"])
def test_what_is_an_emoji(emoji):
    assert texts.emoji(emoji) == emoji


def test_there_is_an_end_to_different_reactions(room, ada, bo, say, settings):
    settings.THREADFLOW_CHAT = {"REACTIONS_MAX": 1}
    message = say(room)
    reactions.react(person=ada, message=message, emoji="👍", on=True)
    with pytest.raises(Conflict):
        reactions.react(person=ada, message=message, emoji="🎉", on=True)
    reactions.react(person=bo, message=message, emoji="👍", on=True)


def test_pins_are_for_moderators_and_for_both_of_two(room, direct, ada, bo, lead, say):
    message = say(room)
    with pytest.raises(NotAllowed):
        pins.set_pinned(person=ada, message=message, on=True)
    pins.set_pinned(person=lead, message=message, on=True)
    pins.set_pinned(person=lead, message=message, on=True)
    assert history.pinned(room) == [message]
    pins.set_pinned(person=bo, message=say(direct), on=True)
    messages.delete_message(person=ada, message=message)
    assert history.pinned(room) == [] and Pin.objects.count() == 1


# ---------------------------------------------------------------------- reading


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


# ---------------------------------------------------------------------- files, search, flags


def store(owner, name="loaf.png", content=PNG):
    pytest.importorskip("PIL", reason="images need threadflow-core[uploads]")
    return uploads.store(SimpleUploadedFile(name, content), owner=owner, visibility="target")


def test_files_are_fetched_by_who_reads_the_room(group, ada, bo, person, say, client_of):
    upload = store(ada)
    message = say(group, "", attachments=[upload.pk])
    (frame,) = frames.messages([message])
    assert frame["att"][0]["name"] == "loaf.png" and frame["att"][0]["width"] == 1
    url = frame["att"][0]["url"]
    statuses = [client_of(one).get(url).status_code for one in (ada, bo, person("cy"), None)]
    assert statuses == [200, 200, 404, 404]
    membership.kick(moderator=ada, room=group, person=bo)
    assert client_of(bo).get(url).status_code == 404
    messages.delete_message(person=ada, message=message)
    assert client_of(ada).get(url).status_code == 404


def test_a_file_that_lies_or_is_somebody_elses_is_refused(room, ada, bo, say):
    with pytest.raises(uploads.Refused):
        store(ada, "loaf.png", b"<html><script>alert(1)</script>")
    for keys in ([store(bo).pk], [uuid.uuid4()], [uuid.uuid4() for _ in range(11)]):
        with pytest.raises(Invalid):
            say(room, attachments=keys)
    assert get_message_model().objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_search_finds_what_one_may_read(room, group, ada, bo, person, say):
    mine = say(room, "The sourdough rises")
    inside = say(group, "Sourdough among us")
    assert {m.pk for m in finding.find(person=bo, text="sourdough").messages} == {
        mine.pk,
        inside.pk,
    }
    assert [m.pk for m in finding.find(person=person("cy"), text="sourdough").messages] == [mine.pk]
    found = finding.find(person=bo, text="sourdough", room=group).messages
    assert [m.pk for m in found] == [inside.pk]
    messages.delete_message(person=ada, message=mine)
    assert [m.pk for m in finding.find(person=ada, text="sourdough").messages] == [inside.pk]
    search.rebuild("chat_message")
    assert [m.pk for m in finding.find(person=ada, text="sourdough").messages] == [inside.pk]


def test_a_flag_reaches_those_who_look_after_the_site(room, ada, bo, say):
    message = say(room)
    for _ in range(2):
        flags.flag(person=bo, message=message, reason="Spam")
    assert Report.objects.get().target_id == str(message.pk)
    for one, reason in ((ada, "Mine"), (bo, "  ")):
        with pytest.raises((NotAllowed, Invalid)):
            flags.flag(person=one, message=message, reason=reason)
    with pytest.raises(SignInRequired):
        flags.flag(person=AnonymousUser(), message=message, reason="Spam")


# ---------------------------------------------------------------------- previews and calls


class Page:
    """A page on this machine that messages link to."""

    def __init__(self, body: bytes, content_type: str = "text/html") -> None:
        import threading
        from http.server import BaseHTTPRequestHandler, HTTPServer

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", content_type)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                """Say nothing."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


def test_cards_of_linked_pages_arrive_late(room, say, fresh):
    page = Page(
        b"<title>Loaves &amp; more</title><meta property='og:description' content='Bread\x00'>"
    )
    url = f"http://127.0.0.1:{page.port}/"
    message = say(room, f"Look: {url}")
    permit = frozenset({("127.0.0.1", page.port)})
    assert previews.enrich(str(message.pk), unsafe_permit=permit) == 1
    (card,) = fresh(message).previews
    assert (card["title"], card["description"], card["url"]) == ("Loaves & more", "Bread", url)
    assert previews.enrich(str(message.pk), unsafe_permit=permit) == 0
    page.server.shutdown()


@pytest.mark.django_db(transaction=True)
def test_only_texts_with_links_have_a_job_for_cards(room, say, settings):
    settings.THREADFLOW_CORE = {**settings.THREADFLOW_CORE, "JOBS_DRIVER": "worker"}
    say(room, "No link, @ada")
    handlers = OutboxEvent.objects.values_list("handler", flat=True)
    assert "chat.previews" not in set(handlers.all()) and "chat.mentions" in set(handlers.all())
    say(room, "A link: https://example.org/")
    assert list(handlers.all()).count("chat.previews") == 1


def test_private_addresses_are_never_fetched(room, say, fresh):
    page = Page(b"<title>Inside</title>")
    message = say(room, f"Look: http://127.0.0.1:{page.port}/")
    assert previews.enrich(str(message.pk)) == 0
    assert fresh(message).previews == []
    page.server.shutdown()


def test_a_call_has_one_link_for_those_who_write(room, ada, bo, settings):
    with pytest.raises(NotFound):
        calling.join_call(person=ada, room=room)
    settings.THREADFLOW_CHAT = {"CALLS": "threadflow_chat.calls.JitsiCalls"}
    link = calling.join_call(person=ada, room=room).url
    assert link == calling.join_call(person=bo, room=room).url
    assert link.startswith("https://meet.jit.si/threadflow-") and str(room.pk) not in link
    with pytest.raises(SignInRequired):
        calling.join_call(person=AnonymousUser(), room=room)


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
