"""Reactions and pins: once per person, and for whom."""

from __future__ import annotations

import pytest

from threadflow_chat import frames
from threadflow_chat.models import Pin, Reaction
from threadflow_chat.services import history, messages, pins, reactions, texts
from threadflow_core.exceptions import Conflict, Invalid, NotAllowed


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
