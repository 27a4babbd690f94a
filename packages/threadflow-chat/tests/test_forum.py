"""Rooms on threads and subs, where the forum is installed."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.contrib.auth.models import AnonymousUser

if not apps.is_installed("threadflow_forum"):
    pytest.skip("this site has no forum", allow_module_level=True)

from threadflow_chat.integrations import forum as integration
from threadflow_chat.routing import NOWHERE, room_of_object
from threadflow_chat.services import messages, rooms
from threadflow_chat.swaps import get_room_model
from threadflow_core.exceptions import Conflict, NotAllowed
from threadflow_core.realtime.models import LiveEvent
from threadflow_forum.services import moderation, subs, threads

pytestmark = pytest.mark.django_db

NOBODY = AnonymousUser()


@pytest.fixture
def mod(person):
    return person("mod")


@pytest.fixture
def sub(mod):
    return subs.open_sub(founder=mod, slug="baking", title="Baking")


@pytest.fixture
def cellar(mod):
    return subs.open_sub(founder=mod, slug="cellar", title="Cellar", visibility="private")


@pytest.fixture
def thread(sub, ada):
    return threads.post_thread(author=ada, sub=sub, title="My loaf spreads", body="Why?")


def seen_by(person, room):
    return get_room_model().objects.readable_by(person).filter(pk=room.pk).exists()


def test_who_reads_a_thread_reads_its_room(thread, cellar, mod, ada, bo):
    room = rooms.open_for(person=bo, target=thread)
    assert room.title == "My loaf spreads" and seen_by(NOBODY, room)
    secret = threads.post_thread(author=mod, sub=cellar, title="Barrels")
    inside = rooms.open_for(person=mod, target=secret)
    assert [seen_by(one, inside) for one in (mod, ada, NOBODY)] == [True, False, False]
    own = rooms.open_for(person=mod, target=cellar)
    assert (own.target_kind, own.title, seen_by(ada, own)) == ("sub", "Cellar", False)


def test_the_moderators_of_the_sub_moderate_its_rooms(thread, sub, mod, ada, bo, person, say):
    elsewhere = person("elsewhere")
    subs.open_sub(founder=elsewhere, slug="other", title="Other")
    for target in (thread, sub):
        room = rooms.open_for(person=ada, target=target)
        message = say(room)
        for one in (bo, elsewhere):
            with pytest.raises(NotAllowed):
                messages.delete_message(person=one, message=message)
        assert messages.delete_message(person=mod, message=message).state == "removed"


def test_a_locked_thread_has_a_read_only_room(thread, mod, ada, say):
    room = rooms.open_for(person=ada, target=thread)
    moderation.set_locked(moderator=mod, thread=thread, locked=True)
    room = get_room_model().objects.get(pk=room.pk)
    assert room.effective_state == "read_only"
    with pytest.raises(NotAllowed) as refused:
        say(room)
    assert refused.value.code == "closed"
    assert say(room, author=mod)
    moderation.set_locked(moderator=mod, thread=thread, locked=False)
    assert say(get_room_model().objects.get(pk=room.pk))


@pytest.mark.django_db(transaction=True)
def test_a_room_follows_the_title_of_its_thread(thread, ada, mod):
    room = rooms.open_for(person=ada, target=thread)
    threads.edit_thread(editor=ada, thread=thread, title="My loaf rises", body="How?")
    assert get_room_model().objects.get(pk=room.pk).title == "My loaf rises"
    kinds = LiveEvent.objects.filter(topic__name=room.live_topic).values_list("kind", flat=True)
    assert list(kinds) == ["room.update"]
    moderation.set_locked(moderator=mod, thread=thread, locked=True)
    assert list(kinds.all()) == ["room.update"] * 2


def test_a_removed_thread_takes_its_room_along(thread, mod, ada, bo):
    room = rooms.open_for(person=ada, target=thread)
    moderation.remove_thread(moderator=mod, thread=thread)
    assert not any(seen_by(one, room) for one in (ada, bo, NOBODY))
    moderation.approve_thread(moderator=mod, thread=thread)
    assert seen_by(bo, room)


def test_who_is_banned_from_the_sub_writes_in_none_of_its_rooms(thread, sub, mod, ada, bo, say):
    room = rooms.open_for(person=ada, target=thread)
    moderation.ban(moderator=mod, sub=sub, person=bo, reason="Rule 1")
    with pytest.raises(NotAllowed) as refused:
        say(room, author=bo)
    assert refused.value.code == "banned"
    assert seen_by(bo, room)


def test_a_sub_made_private_closes_its_rooms_to_others(thread, sub, mod, ada, bo):
    room = rooms.open_for(person=bo, target=thread)
    assert seen_by(bo, room)
    subs.edit_sub(editor=mod, sub=sub, visibility="private")
    assert not seen_by(bo, room)


def test_a_message_is_quoted_into_the_thread_as_text(thread, ada, bo, say, group):
    room = rooms.open_for(person=ada, target=thread)
    message = say(room, "More heat.\n<script>x</script> @bo", author=bo)
    reply = integration.reply_in_thread(person=ada, message=message, text="I agree.")
    assert reply.thread_id == thread.pk
    assert reply.body.startswith("> **") and "> More heat." in reply.body
    assert reply.body.endswith("I agree.") and "<script" not in reply.body_html
    with pytest.raises(Conflict):
        integration.reply_in_thread(person=ada, message=say(group), text="No")
    messages.delete_message(person=bo, message=message)
    message.refresh_from_db()
    with pytest.raises(Conflict):
        integration.reply_in_thread(person=ada, message=message)


def test_the_socket_of_a_thread_joins_its_room(thread, cellar, mod, ada, bo):
    (topic,) = room_of_object(bo, thread.public_id)
    assert topic == rooms.open_for(person=ada, target=thread).live_topic
    assert room_of_object(NOBODY, thread.public_id) == [topic]
    secret = threads.post_thread(author=mod, sub=cellar, title="Barrels")
    for who, key in ((ada, secret.public_id), (ada, "nonsense"), (NOBODY, secret.public_id)):
        assert room_of_object(who, key) == [NOWHERE]
    other = threads.post_thread(author=ada, sub=thread.sub, title="Nobody talks here")
    assert room_of_object(NOBODY, other.public_id) == [NOWHERE]
