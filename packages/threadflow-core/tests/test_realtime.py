"""The writing side: numbers, the log, what is sent after a commit; and what a process keeps."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connections, transaction
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from threadflow_core import realtime
from threadflow_core.realtime import builtin, kinds, log, protocol, publishing, wire
from threadflow_core.realtime.models import LiveEvent, SpentTicket, Topic
from threadflow_core.realtime.ring import TopicState

from .drill import topics
from .drill.models import Note


@pytest.fixture
def sent(monkeypatch: Any) -> list[tuple[str, wire.Envelope]]:
    """What the backend is asked to send."""
    found: list[tuple[str, wire.Envelope]] = []

    class Recorder:
        def wanted(self, channel: str) -> bool:
            return True

        def publish(self, channel: str, envelope: bytes) -> None:
            found.append((channel, wire.unpack(envelope)))

    monkeypatch.setattr("threadflow_core.realtime.backends._backend", Recorder())
    return found


# ---------------------------------------------------------------------- publish


@pytest.mark.django_db(transaction=True)
def test_each_event_takes_the_next_number_in_the_transaction(
    django_assert_num_queries: Any,
) -> None:
    assert [topics.write("a", "x")[1], topics.write("b", "x")[1], topics.write("a", "x")[1]] == [
        1,
        1,
        2,
    ]
    with transaction.atomic(), django_assert_num_queries(2):
        assert realtime.publish("drill:a", "note.new", ids={"note": 1}) == 3
    seq, epoch = realtime.position("drill:a")
    assert (seq, len(epoch)) == (3, 12)
    assert realtime.position("drill:nowhere") == (0, "")


@pytest.mark.django_db(transaction=True)
def test_a_rolled_back_write_leaves_no_number_and_sends_nothing(sent: Any) -> None:
    topics.write("a", "x")
    sent.clear()
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        topics.write("a", "y")
        realtime.hint("drill:a", "typing")
        raise ZeroDivisionError
    assert realtime.position("drill:a")[0] == LiveEvent.objects.count() == 1
    assert sent == []
    assert topics.write("a", "z")[1] == 2


@pytest.mark.django_db(transaction=True)
def test_the_frame_is_rendered_once_after_the_commit(sent: Any) -> None:
    with transaction.atomic():
        note, _seq = topics.write("a", "draft")
        Note.objects.filter(pk=note.pk).update(text="final")
    ((channel, envelope),) = sent
    assert channel == "drill:a"
    assert json.loads(envelope.body) == {
        "op": "note.new",
        "id": note.pk,
        "text": "final",
        "topic": "drill:a",
        "seq": 1,
        "epoch": realtime.position("drill:a")[1],
    }
    assert (envelope.seq, envelope.ids) == (1, {"note": note.pk})


@pytest.mark.django_db(transaction=True)
def test_hints_and_orders_go_out_after_the_commit(sent: Any) -> None:
    with transaction.atomic():
        realtime.hint("sub:x", "thread.scored", id="t1")
        realtime.drop_cached("drill:a", ids={"note": 1})
        realtime.drop_cached(None, ids={"note": 1})
        realtime.control(7, "revoked", session="secret-key")
        assert sent == []
    assert [(channel, envelope.what) for channel, envelope in sent] == [
        ("sub:x", "hint"),
        ("drill:a", "drop"),
        (wire.CONTROL, "control"),
        (wire.CONTROL, "control"),
    ]
    assert "secret-key" not in str(sent[3])
    for person, order in ((7, "explode"), (None, "revoked")):
        with pytest.raises(ValueError, match=order):
            realtime.control(person, order)


@pytest.mark.django_db(transaction=True)
def test_a_kind_that_fails_to_render_still_moves_the_position(sent: Any, monkeypatch: Any) -> None:
    def explode(self: Any, key: str, events: Any, instance: Any = None) -> Any:
        raise RuntimeError

    monkeypatch.setattr(topics.RoomTopic, "render", explode)
    topics.write("a", "x")
    assert json.loads(sent[0][1].body) == {
        "op": "nop",
        "topic": "drill:a",
        "seq": 1,
        "epoch": realtime.position("drill:a")[1],
        "stale": True,
    }


@pytest.mark.django_db(transaction=True)
def test_a_broken_backend_never_breaks_a_write(monkeypatch: Any) -> None:
    class Broken:
        def wanted(self, channel: str) -> bool:
            return True

        def publish(self, channel: str, envelope: bytes) -> None:
            raise OSError

    monkeypatch.setattr("threadflow_core.realtime.backends._backend", Broken())
    assert topics.write("a", "x")[1] == 1


@pytest.mark.django_db(transaction=True)
def test_the_log_is_written_when_frames_are_not_sent(sent: Any, settings: Any) -> None:
    settings.THREADFLOW_CORE = {"REALTIME_ENABLED": False}
    topics.write("a", "x")
    realtime.hint("drill:a", "typing")
    assert sent == []
    assert LiveEvent.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_writers_in_a_race_share_no_number_and_leave_no_hole() -> None:
    start = threading.Barrier(4)

    def write() -> None:
        try:
            start.wait()
            for _ in range(10):
                topics.write("race", "x")
        finally:
            connections.close_all()

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(LiveEvent.objects.values_list("seq", flat=True)) == list(range(1, 41))
    assert Topic.objects.get().seq == 40


# ---------------------------------------------------------------------- kinds, log


def test_names_of_topics_are_checked_and_unknown_ones_have_no_kind() -> None:
    assert kinds.kind_of("drill:a") is not None
    for name in ("drill", "nope:a", "drill:", "Drill:a", "drill:a b", "drill:" + "a" * 91, ""):
        assert kinds.kind_of(name) is None


def test_a_persons_topic_is_theirs_alone(django_user_model: Any) -> None:
    ada, bo = django_user_model(pk=1), django_user_model(pk=2)
    kind, key = kinds.kind_of(realtime.user_topic(ada))  # type: ignore[misc]
    assert kind.may_subscribe(ada, key)
    assert kind.may_subscribe(bo, key).code == "unknown_topic"
    assert key != "1" and len(key) == 24


def test_siblings_give_their_event_kinds_a_look() -> None:
    realtime.register_frame(
        "user", "drill.seen", lambda key, events: [{"n": event.ids["n"]} for event in events]
    )
    try:
        events = [
            realtime.LiveEventData(1, "drill.other", {"x": 1}),
            realtime.LiveEventData(2, "drill.seen", {"n": 5, "secret": 1}),
        ]
        frames = [json.loads(text) for text in publishing.render("user:abc", events)]
    finally:
        kinds._frames.pop(("user", "drill.seen"))
    assert frames == [
        {"op": "drill.other", "x": 1, "topic": "user:abc", "seq": 1},
        {"op": "drill.seen", "n": 5, "topic": "user:abc", "seq": 2},
    ]


@pytest.mark.django_db(transaction=True)
def test_what_was_missed_is_rendered_from_the_rows_as_they_are() -> None:
    first, _ = topics.write("a", "one")
    second, _ = topics.write("a", "secret")
    topics.edit(first, "one, edited")
    topics.hide(second)
    missed = log.missed("drill:a", 0, 100)
    frames = [json.loads(text) for text in missed.frames]
    assert [frame["op"] for frame in frames] == ["note.new", "note.new", "note.edit", "note.gone"]
    assert frames[0]["text"] == "one, edited"
    assert frames[1] == {
        "op": "note.new",
        "id": second.pk,
        "gone": True,
        "topic": "drill:a",
        "seq": 2,
    }
    assert "secret" not in str(missed.frames)
    assert log.missed("drill:a", 0, 3).events == []
    assert log.missed("drill:a", 4, 3).events == []
    assert [event.seq for event in log.missed("drill:a", 0, 9, frozenset((1, 2))).events] == [3, 4]


@hypothesis_settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(st.tuples(st.sampled_from("wehoc"), st.integers(0, 5)), max_size=30),
)
@pytest.mark.django_db
def test_events_applied_to_an_old_state_give_the_fresh_state(
    steps: list[tuple[str, int]],
) -> None:
    """Writing, editing and hiding at random, with the client away at random (o: away, c: back)."""
    room = uuid.uuid4().hex
    topic = f"drill:{room}"
    notes: list[Note] = []
    client: dict[int, str] = {}
    have, away = 0, False
    for step, number in [*steps, ("c", 0)]:
        note = notes[number % len(notes)] if notes else None
        if step == "w":
            notes.append(topics.write(room, f"text {number}")[0])
        elif step == "e" and note:
            topics.edit(note, f"edited {number}")
        elif step == "h" and note:
            topics.hide(note)
        elif step in "oc":
            away = step == "o"
        if not away:
            missed = log.missed(topic, have, 1000)
            for text in missed.frames:
                frame = json.loads(text)
                assert frame["seq"] == have + 1
                have = frame["seq"]
                if frame.get("gone"):
                    client.pop(frame["id"], None)
                else:
                    client[frame["id"]] = frame["text"]
    shown = Note.objects.filter(room=room, hidden=False).values_list("pk", "text")
    assert client == dict(shown)


def test_checks_know_the_trap_of_the_stock_channel_layer(settings: Any) -> None:
    from threadflow_core.realtime import checks

    layer = {"BACKEND": "channels_redis.core.RedisChannelLayer"}
    address = {"address": "redis://127.0.0.1:6379/0"}
    settings.CHANNEL_LAYERS = {"default": layer}
    assert [found.id for found in checks.check_channel_layer(None)] == ["threadflow_core.W020"]
    settings.CHANNEL_LAYERS = {"default": {**layer, "CONFIG": {"hosts": [address]}}}
    assert [found.id for found in checks.check_channel_layer(None)] == ["threadflow_core.W020"]
    good = {"hosts": [{**address, "socket_timeout": None}]}
    settings.CHANNEL_LAYERS = {"default": {**layer, "CONFIG": good}}
    assert checks.check_channel_layer(None) == []


@pytest.mark.django_db
def test_pruning_forgets_old_events_and_tickets_but_no_position() -> None:
    for _ in range(3):
        realtime.publish("drill:a", "x", ids={})
    SpentTicket.objects.create(nonce="n")
    now = dt.datetime.now(dt.UTC)
    assert builtin.prune(now) == 0
    assert builtin.prune(now + dt.timedelta(hours=2)) == 1
    assert builtin.prune(now + dt.timedelta(days=8)) == 3
    assert realtime.publish("drill:a", "x", ids={}) == 4


@pytest.mark.django_db
def test_epochs_change_after_a_restored_backup() -> None:
    realtime.publish("drill:a", "x", ids={})
    before = realtime.position("drill:a")
    assert log.rotate_epochs() == 1
    after = realtime.position("drill:a")
    assert after[0] == before[0]
    assert after[1] != before[1]


# ---------------------------------------------------------------------- ring


def state_with(count: int) -> TopicState:
    state = TopicState("drill:a", sequenced=True)
    for seq in range(1, count + 1):
        state.append(seq, {"note": seq}, f"text {seq}")
    return state


def test_the_ring_serves_what_it_has_and_admits_what_it_lacks() -> None:
    state = state_with(protocol.RING + 10)
    state.trim()
    assert state.since(state.seq) == []
    assert state.since(state.seq - 2) == [f"text {state.seq - 1}", f"text {state.seq}"]
    assert len(state.since(10) or []) == protocol.RING
    assert state.since(9) is None


def test_a_dropped_object_leaves_a_place_without_text() -> None:
    state = state_with(3)
    state.uncache({"note": "2"})
    assert state.since(1) is None
    assert state.since(2) == ["text 3"]
    assert state.at_hand() == {1, 3}
    state.put(2, {"note": 2}, "tombstone")
    assert state.since(0) == ["text 1", "tombstone", "text 3"]


def test_a_later_event_about_an_object_makes_its_earlier_frames_stale() -> None:
    state = state_with(3)
    state.append(4, {"note": 1}, "hidden")
    assert state.since(0) is None
    assert state.since(1) == ["text 2", "text 3", "hidden"]
    state.append(5, {}, "about nothing")
    assert state.since(3) == ["hidden", "about nothing"]


@given(
    st.lists(st.tuples(st.sampled_from(["append", "drop", "trim"]), st.integers(0, 5)), max_size=60)
)
def test_the_ring_never_shows_a_dropped_text(steps: list[tuple[str, int]]) -> None:
    state = TopicState("drill:a", sequenced=True)
    dropped: dict[int, int] = {}
    texts: dict[int, int] = {}
    for what, note in steps:
        if what == "append":
            seq = state.seq + 1
            dropped[note] = seq - 1
            texts[seq] = note
            state.append(seq, {"note": note}, str(seq))
        elif what == "drop":
            dropped[note] = state.seq
            state.uncache({"note": note})
        else:
            state.trim()
    for since in range(state.seq):
        shown = state.since(since)
        if shown is not None:
            assert shown == [str(seq) for seq in range(since + 1, state.seq + 1)]
            assert all(int(seq) > dropped[texts[int(seq)]] for seq in shown)


def test_memory_of_a_busy_topic_is_bounded() -> None:
    state = state_with(5 * protocol.RESUME)
    assert len(state._entries) <= 2 * protocol.RESUME
    assert len(state._by_mark) <= 2 * protocol.RESUME


# ---------------------------------------------------------------------- imports


def test_nothing_of_channels_or_redis_is_imported_by_publishing() -> None:
    code = (
        "import django, sys; django.setup();"
        "from threadflow_core import realtime;"
        "print([m for m in ('channels', 'redis', 'celery', 'asyncio') if m in sys.modules])"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert "channels" not in found
    assert "redis" not in found
    assert "celery" not in found


@pytest.fixture(autouse=True)
def no_loop_left() -> Iterator[None]:
    yield
    with pytest.raises(RuntimeError):
        asyncio.get_running_loop()
