"""The outbox: what is written, when it runs, and what happens when it fails."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from threadflow_core import jobs
from threadflow_core.jobs import builtin, carry, registry, runner, store
from threadflow_core.jobs.leaders import TERM, Leadership
from threadflow_core.jobs.models import Effect, Leader, OutboxEvent
from threadflow_core.jobs.schedules import Ticker

from .drill.models import Entry

State = OutboxEvent.State
NOON = dt.datetime(2040, 1, 1, 12, tzinfo=dt.UTC)


class Clock:
    """Time that a test moves by hand."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> dt.datetime:
        return self.now

    def tick(self, seconds: float) -> dt.datetime:
        self.now += dt.timedelta(seconds=seconds)
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def handle() -> Iterator[Callable[..., list[jobs.JobEvent]]]:
    """Register a handler for one test: `handle("event", error=…, **options)` -> its calls."""
    names: list[str] = []

    def add(
        event: str, run: Callable[[jobs.JobEvent], Any] | None = None, **options: Any
    ) -> list[jobs.JobEvent]:
        calls: list[jobs.JobEvent] = []

        def handler(job: jobs.JobEvent) -> None:
            calls.append(job)
            if run is not None:
                run(job)

        name = options.pop("name", f"test.{event}.{len(names)}")
        jobs.handler(event, name=name, **options)(handler)
        names.append(name)
        return calls

    yield add
    for name in names:
        registry.forget(name)


@pytest.fixture
def outbox(settings: Any, db: None) -> None:
    """Rows stay where they are until the test runs them."""
    settings.THREADFLOW_CORE = {"JOBS_DRIVER": "worker"}


def fail(job: jobs.JobEvent) -> None:
    raise ValueError("no luck")


def the_row() -> OutboxEvent:
    return OutboxEvent.objects.get()


# ---------------------------------------------------------------------- emit


@pytest.mark.django_db(transaction=True)
def test_a_rolled_back_transaction_leaves_no_row_and_runs_nothing(handle: Any) -> None:
    calls = handle("a")
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        jobs.emit("a", n=1)
        raise ZeroDivisionError
    assert not OutboxEvent.objects.exists()
    assert calls == []


@pytest.mark.django_db(transaction=True)
def test_inline_runs_after_the_commit_in_the_same_thread(handle: Any) -> None:
    calls = handle("a")
    with transaction.atomic():
        jobs.emit("a", n=1)
        assert calls == []
    assert [call.payload for call in calls] == [{"n": 1}]
    assert the_row().state == State.DONE
    assert calls[0].attempt == 1


@pytest.mark.django_db(transaction=True)
def test_inline_runs_what_a_handler_emits_and_surfaces_errors(handle: Any) -> None:
    handle("a", run=lambda job: jobs.emit("b", n=job.payload["n"] + 1))
    calls = handle("b", run=fail)
    with pytest.raises(ValueError, match="no luck"):
        jobs.emit("a", n=1)
    assert calls[0].payload == {"n": 2}
    assert OutboxEvent.objects.get(name="b").state == State.PENDING


@pytest.mark.django_db(transaction=True)
def test_inline_runs_what_was_written_in_the_first_millisecond_of_a_second(handle: Any) -> None:
    # SQLite compares moments as text: "12:00:00", as Python writes a round second, is before the
    # "12:00:00.000" that it writes itself.
    def at_noon(execute: Any, sql: str, *rest: Any) -> Any:
        return execute(re.sub("'now'", f"'{NOON:%F %T}'", sql, flags=re.IGNORECASE), *rest)

    calls = handle("a")
    with connection.execute_wrapper(at_noon):
        jobs.emit("a", n=1)
    assert [call.payload for call in calls] == [{"n": 1}]


def test_an_event_that_nobody_handles_costs_no_query(
    db: None, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(0):
        jobs.emit("nobody.cares", n=1)


def test_each_handler_has_its_own_row_in_one_insert(
    outbox: None, handle: Any, django_assert_num_queries: Any
) -> None:
    good, bad = handle("a"), handle("a", run=fail, queue="bulk", max_attempts=3)
    with transaction.atomic(), django_assert_num_queries(1):
        jobs.emit("a", n=1)
    assert jobs.drain(raise_errors=False) == 2
    assert len(good) == len(bad) == 1
    rows = {row.queue: row for row in OutboxEvent.objects.all()}
    assert rows["default"].state == State.DONE
    assert (rows["bulk"].state, rows["bulk"].max_attempts) == (State.PENDING, 3)


def test_a_key_lets_an_event_happen_once(outbox: None, handle: Any) -> None:
    calls = handle("a")
    jobs.emit("a", dedupe_key="x", n=1)
    jobs.emit("a", dedupe_key="x", n=2)
    jobs.emit("a", dedupe_key="y", n=3)
    jobs.drain()
    jobs.emit("a", dedupe_key="x", n=4)
    jobs.drain()
    assert [call.payload["n"] for call in calls] == [1, 3]


def test_a_delayed_event_waits_for_its_time(outbox: None, handle: Any, clock: Clock) -> None:
    calls = handle("a")
    jobs.emit("a", run_after=NOON)
    assert jobs.drain() == 0
    assert jobs.drain(now=clock.tick(-1)) == 0
    assert jobs.drain(now=clock.tick(1)) == 1
    assert len(calls) == 1


def test_context_follows_an_event(outbox: None, handle: Any) -> None:
    import contextlib

    seen: list[str] = []

    @contextlib.contextmanager
    def restore(value: str) -> Iterator[None]:
        seen.append(value)
        yield

    carry.carry("request", lambda: "r-1", restore)
    try:
        handle("a")
        jobs.emit("a")
        jobs.drain()
    finally:
        carry._carried.pop("request")
    assert seen == ["r-1"]


def test_two_handlers_cannot_share_a_name_and_queues_are_known(handle: Any) -> None:
    handle("a", name="same")
    with pytest.raises(ValueError, match="same"):
        jobs.handler("b", name="same")(fail)
    with pytest.raises(ValueError, match="Unknown queue"):
        jobs.handler("b", queue="urgent")


# ---------------------------------------------------------------------- failing


def test_a_failing_job_is_tried_again_later_and_later_then_given_up(
    outbox: None, handle: Any, clock: Clock
) -> None:
    calls = handle("a", run=fail, max_attempts=3)
    jobs.emit("a")
    pauses = []
    for attempt in (1, 2):
        assert jobs.drain(now=clock.now, raise_errors=False) == 1
        row = the_row()
        assert (row.state, row.attempts) == (State.PENDING, attempt)
        pause = (row.run_after - clock.now).total_seconds()
        pauses.append(pause)
        assert jobs.drain(now=clock.tick(pause - 0.1), raise_errors=False) == 0
        clock.tick(0.1)
    assert 2.5 <= pauses[0] <= 5 <= pauses[1] <= 10
    assert jobs.drain(now=clock.now, raise_errors=False) == 1
    row = the_row()
    assert row.state == State.DEAD
    assert row.last_error.startswith("ValueError: no luck")
    assert [call.attempt for call in calls] == [1, 2, 3]
    assert jobs.drain(now=clock.tick(10_000_000), raise_errors=False) == 0


def test_the_backoff_doubles_to_a_ceiling_and_half_of_it_is_chance() -> None:
    assert [store.backoff(n, lambda: 1.0) for n in (1, 2, 3)] == [5, 10, 20]
    assert store.backoff(1, lambda: 0.0) == 2.5
    assert store.backoff(100, lambda: 1.0) == 3600


def test_a_handler_may_ask_for_its_own_pause_or_give_up(
    outbox: None, handle: Any, clock: Clock
) -> None:
    def later(job: jobs.JobEvent) -> None:
        raise jobs.Retry(after=77, reason="the provider is busy")

    def never(job: jobs.JobEvent) -> None:
        raise jobs.GiveUp("no such account")

    handle("a", run=later)
    handle("a", run=never)
    jobs.emit("a")
    jobs.drain(now=clock.now)
    waiting, dead = OutboxEvent.objects.order_by("-state")
    assert waiting.run_after == clock.now + dt.timedelta(seconds=77)
    assert (dead.state, dead.attempts) == (State.DEAD, 1)


def test_what_an_atomic_handler_wrote_is_undone_when_it_fails(outbox: None, handle: Any) -> None:
    def half(job: jobs.JobEvent) -> None:
        Entry.objects.create(handler="half", number=1)
        raise ValueError

    handle("a", run=half)
    jobs.emit("a")
    jobs.drain(raise_errors=False)
    assert not Entry.objects.exists()


def test_a_row_whose_handler_is_not_installed_waits(
    outbox: None, handle: Any, clock: Clock
) -> None:
    handle("a", name="test.gone")
    jobs.emit("a")
    entry = registry._handlers.pop("test.gone")
    jobs.drain(now=clock.now)
    assert "test.gone" in the_row().last_error
    registry._handlers["test.gone"] = entry
    assert jobs.drain(now=clock.tick(60)) == 1
    assert the_row().state == State.DONE


def test_staff_gives_dead_jobs_another_chance(outbox: None, handle: Any, admin_client: Any) -> None:
    handle("a", run=fail, max_attempts=1)
    jobs.emit("a")
    jobs.drain(raise_errors=False)
    url = "/admin/threadflow_core/outboxevent/"
    page = admin_client.get(url)
    assert "ValueError: no luck" in page.content.decode()
    answer = admin_client.post(
        url, {"action": "try_again", "_selected_action": [str(the_row().pk)]}, follow=True
    )
    assert "1 job is tried again." in answer.content.decode()
    row = the_row()
    assert (row.state, row.attempts, row.done_at) == (State.PENDING, 0, None)
    assert jobs.drain(raise_errors=False) == 1


def test_the_admin_page_changes_nothing_else(outbox: None, handle: Any, admin_client: Any) -> None:
    handle("a")
    jobs.emit("a")
    url = f"/admin/threadflow_core/outboxevent/{the_row().pk}/"
    assert admin_client.get(f"{url}change/").status_code == 200
    assert admin_client.post(f"{url}change/", {}).status_code == 403
    assert admin_client.post(f"{url}delete/", {"post": "yes"}).status_code == 403


# ---------------------------------------------------------------------- leases


def test_a_claimed_row_is_nobody_elses_until_its_lease_ends(
    outbox: None, handle: Any, clock: Clock
) -> None:
    handle("a")
    jobs.emit("a")
    assert len(store.claim("one", clock.now)) == 1
    assert store.claim("two", clock.now) == []
    assert store.reclaim(clock.tick(59)) == 0
    assert store.reclaim(clock.tick(2)) == 1
    (row,) = store.claim("two", clock.now)
    assert (row.attempts, row.fence) == (2, 3)


def test_a_late_holder_loses_and_its_writes_are_undone(
    outbox: None, handle: Any, clock: Clock
) -> None:
    handle("a", run=lambda job: Entry.objects.create(handler="x", number=job.attempt))
    jobs.emit("a")
    (late,) = store.claim("late", clock.now)
    store.reclaim(clock.tick(61))
    (fresh,) = store.claim("fresh", clock.now)
    assert runner.run_row(late, clock) is False
    assert runner.run_row(fresh, clock) is True
    assert runner.run_row(late, clock) is False
    assert [entry.number for entry in Entry.objects.all()] == [2]


def test_a_late_failure_does_not_touch_the_row_of_the_new_holder(
    outbox: None, handle: Any, clock: Clock
) -> None:
    handle("a", run=fail)
    jobs.emit("a")
    (late,) = store.claim("late", clock.now)
    store.reclaim(clock.tick(61))
    store.claim("fresh", clock.now)
    runner.run_row(late, clock)
    assert (the_row().state, the_row().lease_owner) == (State.LEASED, "fresh")


def test_renewing_keeps_a_lease_and_only_ones_own(outbox: None, handle: Any, clock: Clock) -> None:
    handle("a")
    jobs.emit("a")
    mine = store.claim("one", clock.now)
    store.extend(mine, clock.tick(50))
    assert store.reclaim(clock.tick(50)) == 0
    assert store.reclaim(clock.tick(20)) == 1
    store.claim("two", clock.now)
    store.extend(mine, clock.tick(1000))
    assert store.reclaim(clock.now) == 1


def test_a_job_that_kills_its_process_each_time_ends_among_the_dead(
    outbox: None, handle: Any, clock: Clock
) -> None:
    handle("a", max_attempts=2)
    jobs.emit("a")
    for _ in range(2):
        assert store.claim("one", clock.now)
        store.reclaim(clock.tick(61))
    row = the_row()
    assert row.state == State.DEAD
    assert "vanished" in row.last_error


def test_returned_rows_do_not_lose_a_try(outbox: None, handle: Any, clock: Clock) -> None:
    handle("a")
    jobs.emit("a")
    store.release(store.claim("one", clock.now))
    (row,) = store.claim("two", clock.now)
    assert row.attempts == 1


def test_the_first_queue_of_a_lane_goes_first(outbox: None, handle: Any, clock: Clock) -> None:
    handle("slow", queue="bulk")
    handle("quick", queue="critical")
    for _ in range(5):
        jobs.emit("slow")
    jobs.emit("quick")
    taken = store.claim("one", clock.now, queues=["critical", "bulk"], limit=3)
    assert [row.queue for row in taken] == ["critical", "bulk", "bulk"]
    assert store.claim("one", clock.now, queues=["mail"]) == []


# ---------------------------------------------------------------------- once


def test_once_is_true_once_per_event_and_key(outbox: None) -> None:
    job = jobs.JobEvent(runner_id(), "a", "test.h", {}, 1, NOON)
    with transaction.atomic():
        assert jobs.once(job) is True
        assert jobs.once(job) is False
        assert jobs.once(job, "mail") is True


@pytest.mark.django_db(transaction=True)
def test_once_is_undone_with_the_effect_and_refused_without_a_transaction() -> None:
    job = jobs.JobEvent(runner_id(), "a", "test.h", {}, 1, NOON)
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        jobs.once(job)
        raise ZeroDivisionError
    with transaction.atomic():
        assert jobs.once(job) is True
    with pytest.raises(RuntimeError):
        jobs.once(job)


def runner_id() -> Any:
    from threadflow_core.ids import uuid7

    return uuid7()


# ---------------------------------------------------------------------- schedules


@pytest.fixture
def scheduled(handle: Any) -> Iterator[list[jobs.JobEvent]]:
    calls: list[jobs.JobEvent] = []
    others = dict(registry._schedules)
    registry._schedules.clear()
    jobs.schedule("test.hourly", every=dt.timedelta(hours=1))(calls.append)
    yield calls
    registry.forget("test.hourly")
    registry._schedules.update(others)


def test_two_tickers_run_a_schedule_once_per_period(
    outbox: None, scheduled: list[jobs.JobEvent], clock: Clock
) -> None:
    clock.tick(600)
    for _ in range(3):
        Ticker().tick(clock.now)
        Ticker().tick(clock.tick(60))
    assert OutboxEvent.objects.count() == 1
    jobs.drain(now=clock.now)
    assert scheduled[0].payload["due"] == "2040-01-01T12:00:00+00:00"
    Ticker().tick(clock.tick(3600))
    jobs.drain(now=clock.now)
    assert len(scheduled) == 2


def test_an_idle_tick_asks_the_database_nothing(
    outbox: None, scheduled: Any, clock: Clock, django_assert_num_queries: Any
) -> None:
    ticker = Ticker()
    ticker.tick(clock.now)
    with django_assert_num_queries(0):
        ticker.tick(clock.tick(59))


def test_pruning_keeps_what_is_young_waiting_or_guards_a_schedule(
    outbox: None, handle: Any, scheduled: Any, clock: Clock
) -> None:
    handle("a")
    handle("dead", run=fail, max_attempts=1)
    now = dt.datetime.now(dt.UTC)
    for event in ("a", "dead"):
        jobs.emit(event)
    Ticker().tick(now)
    jobs.drain(raise_errors=False)
    jobs.emit("a")
    assert builtin.prune(now + dt.timedelta(days=6)) == 0
    assert builtin.prune(now + dt.timedelta(days=8)) == 2  # the old run of the schedule, too
    assert builtin.prune(now + dt.timedelta(days=91)) == 1
    assert [row.state for row in OutboxEvent.objects.all()] == [State.PENDING]


def test_pruning_never_makes_the_run_of_this_period_happen_again(
    outbox: None, clock: Clock
) -> None:
    calls: list[jobs.JobEvent] = []
    jobs.schedule("test.monthly", every=dt.timedelta(days=30))(calls.append)
    try:
        start = registry._schedules["test.monthly"].due(NOON) + dt.timedelta(hours=1)
        Ticker().tick(start)
        jobs.drain(now=start)
        OutboxEvent.objects.update(done_at=start)
        later = start + dt.timedelta(days=20)
        builtin.prune(later)
        Ticker().tick(later)
        jobs.drain(now=later)
    finally:
        registry.forget("test.monthly")
    assert len(calls) == 1


def test_marks_of_effects_outlive_dead_events(outbox: None) -> None:
    with transaction.atomic():
        jobs.once(jobs.JobEvent(runner_id(), "a", "h", {}, 1, NOON))
    now = dt.datetime.now(dt.UTC)
    assert builtin.prune(now + dt.timedelta(days=89)) == 0
    assert builtin.prune(now + dt.timedelta(days=91)) == 1
    assert not Effect.objects.exists()


# ---------------------------------------------------------------------- leaders, command, checks


def test_one_leader_until_its_term_ends_or_it_resigns(db: None, clock: Clock) -> None:
    one, two = Leadership("thread", "one", clock), Leadership("thread", "two", clock)
    assert one.hold()
    assert not two.hold()
    clock.tick(TERM - 1)
    assert one.hold()
    clock.tick(TERM - 1)
    assert not two.hold()
    clock.tick(2)
    assert two.hold()
    assert not one.hold()
    two.resign()
    assert one.hold()
    assert Leader.objects.count() == 1


def test_the_command_can_run_what_is_due_and_end(
    outbox: None, handle: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    calls = handle("a", queue="mail")
    jobs.emit("a")
    call_command("threadflow_worker", "--once", "--queues", "critical,default")
    assert calls == []
    call_command("threadflow_worker", "--once")
    assert len(calls) == 1
    assert "Ran 1 jobs." in capsys.readouterr().out
    with pytest.raises(CommandError, match="urgent"):
        call_command("threadflow_worker", "--queues", "urgent")


def test_checks_name_a_wrong_driver_and_a_forgotten_queue(settings: Any) -> None:
    from threadflow_core.jobs.checks import check_driver

    settings.THREADFLOW_CORE = {"JOBS_DRIVER": "cron", "JOBS_LANES": (("default",),)}
    assert {found.id for found in check_driver(None)} == {
        "threadflow_core.E010",
        "threadflow_core.E012",
    }
    settings.THREADFLOW_CORE = {}
    assert check_driver(None) == []
