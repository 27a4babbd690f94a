"""Many at once on PostgreSQL: one message per nonce, no holes, one room, one winner."""

from __future__ import annotations

import pytest
from django.db import connection

from threadflow_chat import reconcile
from threadflow_chat.exceptions import SlowMode
from threadflow_chat.models import Mention, Reaction, RoomMember
from threadflow_chat.services import (
    membership,
    mentions,
    messages,
    pins,
    reactions,
    reads,
    rooms,
)
from threadflow_chat.swaps import get_message_model, get_room_model
from threadflow_core.exceptions import Conflict, ThreadflowError

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]


def test_the_same_nonce_twice_at_once_is_one_message(room, ada, race):
    def send(_n):
        return messages.send_message(author=ada, room=room, text="Once", nonce="n-1")

    sent = race(send, 8)
    assert len({message.pk for message in sent}) == 1
    assert get_message_model().objects.count() == 1


def test_the_same_nonce_with_other_texts_at_once_keeps_one(room, ada, race):
    def send(n):
        try:
            return messages.send_message(author=ada, room=room, text=f"Text {n}", nonce="n-1").pk
        except Conflict as refused:
            return refused.code

    sent = race(send, 6)
    assert sorted(map(str, sent)).count("nonce_used") == 5


def test_numbers_have_no_holes_and_follow_the_sequence(room, person, race):
    people = [person(f"p{n}") for n in range(8)]

    def send(n):
        return [
            messages.send_message(author=people[n], room=room, text=f"{n} {m}").mno
            for m in range(5)
        ]

    numbers = sorted(number for some in race(send, 8) for number in some)
    assert numbers == list(range(1, 41))
    found = get_room_model().objects.get(pk=room.pk)
    assert (found.last_mno, found.member_count) == (40, 8)
    from threadflow_core.realtime.models import LiveEvent, Topic

    topic = Topic.objects.get(name=room.live_topic)
    events = LiveEvent.objects.filter(topic=topic, kind="msg.new").order_by("seq")
    assert [event.ids["mno"] for event in events] == list(range(1, 41))
    assert list(reconcile.find()) == []


def test_f18_of_two_tabs_in_slow_mode_one_wins(room, ada, lead, race):
    rooms.edit_room(editor=lead, room=room, slow_seconds=60)

    def send(n):
        try:
            messages.send_message(author=ada, room=room, text=f"Tab {n}")
        except SlowMode:
            return "slow"
        return "sent"

    assert sorted(race(send, 6)) == ["sent"] + ["slow"] * 5


def test_two_who_open_a_direct_room_at_once_get_one(ada, bo, race):
    def open_it(n):
        pair = (ada, bo) if n % 2 else (bo, ada)
        return rooms.direct(person=pair[0], other=pair[1]).pk

    assert len(set(race(open_it, 8))) == 1
    assert RoomMember.objects.count() == 2


def test_two_who_open_the_room_of_an_object_at_once_get_one(project, person, race):
    people = [person(f"p{n}") for n in range(6)]
    opened = race(lambda n: rooms.open_for(person=people[n], target=project).pk, 6)
    assert len(set(opened)) == 1


def test_joining_and_reacting_at_once_counts_each_person_once(room, ada, person, say, race):
    message = say(room)
    people = [person(f"p{n}") for n in range(4)]

    def act(n):
        who = people[n % 4]
        membership.join(person=who, room=room)
        reactions.react(person=who, message=message, emoji="👍", on=True)

    race(act, 8)
    assert Reaction.objects.count() == 4
    assert list(reconcile.find()) == []
    race(lambda n: reactions.react(person=people[n % 4], message=message, emoji="👍", on=False), 8)
    assert Reaction.objects.count() == 0 and list(reconcile.find()) == []


def test_a_ban_lets_nothing_slip_through(room, ada, bo, lead, race, say):
    say(room, author=bo)

    def act(n):
        try:
            if n == 0:
                return membership.ban(moderator=lead, room=room, person=bo) and "banned"
            return messages.send_message(author=bo, room=room, text=f"Me {n}").mno
        except ThreadflowError as refused:
            return refused.code

    race(act, 6)
    before = get_message_model().objects.count()
    with pytest.raises(ThreadflowError):
        messages.send_message(author=bo, room=room, text="Later")
    assert get_message_model().objects.count() == before
    assert list(reconcile.find()) == []


def test_edits_deletions_pins_and_mentions_at_once_end_alike(group, ada, bo, lead, say, race):
    message = say(group, "@bo hello")

    def act(n):
        acts = [
            lambda: messages.edit_message(editor=ada, message=message, text=f"@bo {n}"),
            lambda: messages.delete_message(person=ada, message=message),
            lambda: messages.restore_message(person=ada, message=message),
            lambda: pins.set_pinned(person=ada, message=message, on=True),
            lambda: mentions.follow_text(str(message.pk)),
            lambda: reads.mark_read(person=bo, room=group, mno=1),
        ]
        try:
            acts[n % 6]()
        except ThreadflowError:
            return

    race(act, 12)
    mentions.follow_text(str(message.pk))
    found = get_message_model().objects.get(pk=message.pk)
    assert Mention.objects.count() == (1 if found.is_visible else 0)
    assert list(reconcile.find()) == []


def test_the_pointer_never_goes_back_however_many_tabs(group, bo, say, race):
    for _ in range(10):
        say(group)
    race(lambda n: reads.mark_read(person=bo, room=group, mno=n + 1), 10)
    assert reads.state_of(bo, group).last_read_mno == 10
    assert connection.vendor == "postgresql"
