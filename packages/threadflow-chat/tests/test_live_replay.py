"""Events applied to an old state give the fresh one."""

from __future__ import annotations

import json
from typing import Any

import pytest

pytest.importorskip("channels", reason="live frames need Channels")

from django.db import transaction
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from threadflow_chat.models import Reaction
from threadflow_chat.services import messages, pins, reactions, rooms
from threadflow_chat.swaps import get_message_model
from threadflow_core.exceptions import ThreadflowError
from threadflow_core.realtime import log

from .live_client import Reader

pytestmark = pytest.mark.django_db(transaction=True)


STEPS = st.lists(
    st.tuples(st.sampled_from("wwweedurrpt"), st.integers(0, 9), st.booleans()), max_size=30
)


@hypothesis_settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=STEPS)
@example(
    steps=[("w", 0, False), ("p", 0, False), ("d", 0, True), ("u", 0, False)]
)  # pinned, then away
@pytest.mark.django_db(transaction=False)
def test_f7_events_applied_to_an_old_state_give_the_fresh_one(
    project: Any, lead: Any, bo: Any, steps: list[tuple[str, int, bool]]
) -> None:
    """Writing, editing, deleting, undoing, reacting, pinning; the reader is away at random."""
    room = rooms.open_group(person=lead, title="Anything", people=[bo])
    reader, written = Reader(room.live_topic), []
    for what, number, away in [*steps, ("-", 0, False)]:
        target = written[number % len(written)] if written else None
        if what == "w":
            text = f"text {len(written)} {number}"
            written.append(messages.send_message(author=bo, room=room, text=text))
        elif target is not None and what != "-":
            _act(what, number, target, room, bo, lead)
        if not away:
            for text in log.missed(room.live_topic, reader.seq, 1_000).frames:
                reader.take(json.loads(text))
    fresh = get_message_model().objects.filter(room=room, state="visible")
    assert reader.messages == {
        str(one.pk): {"text": one.source, "ver": one.version} for one in fresh
    }
    marks: dict[str, dict[str, int]] = {}
    for mark in Reaction.objects.filter(message__in=fresh):
        counts = marks.setdefault(str(mark.message_id), {})
        counts[mark.emoji] = counts.get(mark.emoji, 0) + 1
    shown = {k: v for k, v in reader.reactions.items() if v and k in reader.messages}
    assert shown == marks
    assert reader.pinned == {
        str(pk) for pk in fresh.filter(pin__isnull=False).values_list("pk", flat=True)
    }
    assert reader.events == list(range(1, reader.seq + 1))


def _act(what: str, number: int, target: Any, room: Any, bo: Any, lead: Any) -> None:
    acts: dict[str, Any] = {
        "e": lambda: messages.edit_message(editor=bo, message=target, text=f"new {number}"),
        "d": lambda: messages.delete_message(person=(bo, lead)[number % 2], message=target),
        "u": lambda: messages.restore_message(person=(bo, lead)[number % 2], message=target),
        "r": lambda: reactions.react(
            person=(bo, lead)[number % 2], message=target, emoji="👍🎉"[number % 2], on=number < 6
        ),
        "p": lambda: pins.set_pinned(person=lead, message=target, on=number % 2 == 0),
        "t": lambda: rooms.edit_room(editor=lead, room=room, topic=f"about {number}"),
    }
    try:
        with transaction.atomic():
            acts[what]()
    except ThreadflowError:
        return  # the state forbids it, which is not what this is about
