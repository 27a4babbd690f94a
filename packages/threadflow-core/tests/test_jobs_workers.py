"""Workers beside each other, killed, told to stop, stuck; and how they are woken."""

from __future__ import annotations

import random
import signal
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection, connections, transaction
from django.utils import timezone

from threadflow_core import jobs
from threadflow_core.jobs import embedded, listen, registry, relay, store
from threadflow_core.jobs.clock import database_clock
from threadflow_core.jobs.leaders import Leadership
from threadflow_core.jobs.models import Leader, OutboxEvent
from threadflow_core.jobs.worker import Worker

from .drill.models import Entry

pytestmark = pytest.mark.django_db(transaction=True)
State = OutboxEvent.State


@pytest.fixture(autouse=True)
def outbox(settings: Any) -> None:
    settings.THREADFLOW_CORE = {"JOBS_DRIVER": "worker", "JOBS_LEASE_SECONDS": 3}


@pytest.fixture
def work() -> Iterator[Callable[..., Worker]]:
    """Run a worker in a thread until the test ends."""
    running: list[tuple[Worker, threading.Thread]] = []

    def start(**options: Any) -> Worker:
        worker = Worker(**options)
        thread = threading.Thread(target=closing(worker.run))
        thread.start()
        running.append((worker, thread))
        return worker

    yield start
    for worker, _thread in running:
        worker.stop()
    for _worker, thread in running:
        thread.join(60)
        assert not thread.is_alive()


def closing(function: Callable[[], Any]) -> Callable[[], None]:
    """`function` for a thread of a test: its database connection is closed at the end."""

    def run() -> None:
        try:
            function()
        finally:
            connections.close_all()

    return run


def emit(count: int) -> None:
    with transaction.atomic():
        for number in range(count):
            jobs.emit("drill.counted", number=number)


def effects(handler: str) -> Counter[int]:
    return Counter(Entry.objects.filter(handler=handler).values_list("number", flat=True))


def all_done() -> bool:
    return not OutboxEvent.objects.exclude(state=State.DONE).exists()


# ---------------------------------------------------------------------- beside each other


def test_claimers_in_a_race_never_get_one_row_twice() -> None:
    emit(100)
    taken: list[Any] = []
    start = threading.Barrier(4)

    def claim() -> None:
        start.wait()
        now = database_clock()()
        while batch := store.claim("x", now, limit=7):
            taken.extend(row.pk for row in batch)

    threads = [threading.Thread(target=closing(claim)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(taken) == len(set(taken)) == 200


def test_two_workers_share_the_work_and_every_effect_happens_once(
    work: Any, eventually: Any
) -> None:
    emit(100)
    work()
    work()
    eventually(all_done)
    assert effects("atomic") == effects("guarded") == Counter(range(100))


def test_emitters_and_a_worker_write_beside_each_other_without_errors(
    work: Any, eventually: Any
) -> None:
    worker = work()
    problems: list[BaseException] = []

    def write(first: int) -> None:
        try:
            for number in range(first, first + 20):
                jobs.emit("drill.counted", number=number)
        except BaseException as error:
            problems.append(error)

    threads = [threading.Thread(target=closing(lambda n=n: write(n * 20))) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    worker.ring()
    eventually(all_done)
    assert problems == []
    assert effects("atomic") == Counter(range(80))


def test_a_commit_in_the_process_wakes_the_worker_at_once(
    work: Any, eventually: Any, settings: Any
) -> None:
    # Without the bell it would find the event after a minute.
    settings.THREADFLOW_CORE = {"JOBS_DRIVER": "worker", "JOBS_POLL_SECONDS": 60.0}
    worker = work()
    eventually(lambda: embedded._loops and all(lane.idle for lane in worker._lanes))
    emit(1)
    eventually(lambda: effects("atomic"))


# ---------------------------------------------------------------------- killed

POINTS = ("jobs.after_lease", "jobs.after_handler", "jobs.after_commit")


def kill_until_done(process: Any, eventually: Any, *, events: int, seed: int) -> int:
    """Let workers die at random points until all is done; return how many died."""
    rng = random.Random(seed)
    emit(events)
    deaths = 0
    while not all_done():
        point = f"{rng.choice(POINTS)}:{rng.randint(1, max(3, events // 4))}"
        worker = process("-m", "django", "threadflow_worker", env={"THREADFLOW_FAILPOINT": point})
        eventually(lambda worker=worker: worker.poll() is not None or all_done(), 120)
        if worker.poll() is None:
            worker.send_signal(signal.SIGTERM)
        # Told to stop, it may still meet its failpoint on the way out.
        assert worker.wait(60) in (0, -signal.SIGKILL)
        deaths += worker.returncode != 0
        # The leases of the dead run out; the test moves time instead of waiting for it.
        OutboxEvent.objects.filter(state=State.LEASED).update(lease_until=timezone.now())
        time.sleep(0.01)
        # A try that death cut short counts; a run of bad luck must not end among the dead.
        OutboxEvent.objects.filter(state__in=[State.LEASED, State.PENDING]).update(attempts=0)
    return deaths


def check_effects(events: int) -> None:
    assert effects("atomic") == Counter(range(events))
    assert effects("guarded") == Counter(range(events))


def test_workers_killed_at_random_lose_nothing_and_repeat_nothing(
    process: Any, eventually: Any
) -> None:
    deaths = kill_until_done(process, eventually, events=100, seed=7)
    assert deaths >= 2
    check_effects(100)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_a_thousand_events_survive_many_deaths(process: Any, eventually: Any, seed: int) -> None:
    deaths = 0
    for part in range(10):
        Entry.objects.all().delete()
        deaths += kill_until_done(process, eventually, events=100, seed=seed * 100 + part)
        check_effects(100)
    assert deaths >= 15


# ---------------------------------------------------------------------- told to stop, stuck


def test_sigterm_finishes_the_running_job_and_returns_the_rest(
    process: Any, eventually: Any
) -> None:
    with transaction.atomic():
        for number in range(3):
            jobs.emit("drill.slow", number=number, seconds=0.8)
    worker = process("-m", "django", "threadflow_worker")
    eventually(lambda: effects("begun"))
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(60) == 0
    assert effects("begun") == effects("ended") == Counter([0])
    rest = OutboxEvent.objects.filter(name="drill.slow").exclude(state=State.DONE)
    assert {(row.state, row.attempts) for row in rest} == {(State.PENDING, 0)}
    assert rest.count() == 2
    assert not Leader.objects.exists()


def test_a_job_past_its_timeout_loses_its_lease_and_blocks_nobody(
    work: Any, eventually: Any, settings: Any
) -> None:
    settings.THREADFLOW_CORE = {"JOBS_DRIVER": "worker", "JOBS_LEASE_SECONDS": 1}
    release, tries = threading.Event(), []

    def hang(job: jobs.JobEvent) -> None:
        tries.append(job.attempt)
        if job.attempt == 1:
            release.wait(300)

    jobs.handler("test.hang", name="test.hang", timeout=0.2, atomic=False)(hang)
    try:
        jobs.emit("test.hang")
        work()
        eventually(lambda: tries == [1])
        emit(1)
        eventually(lambda: effects("atomic"), 60, "another job of the lane")
        eventually(lambda: tries == [1, 2], 60, "the second try")
        eventually(all_done)
        release.set()
        time.sleep(0.1)
        assert OutboxEvent.objects.get(name="test.hang").attempts == 2
    finally:
        release.set()
        registry.forget("test.hang")


def test_a_long_job_keeps_its_lease_by_the_heart(work: Any, eventually: Any, settings: Any) -> None:
    settings.THREADFLOW_CORE = {"JOBS_DRIVER": "worker", "JOBS_LEASE_SECONDS": 1}
    jobs.emit("drill.slow", number=1, seconds=2)
    work()
    eventually(lambda: effects("ended"))
    eventually(all_done)
    assert OutboxEvent.objects.get(name="drill.slow").attempts == 1


def test_a_worker_that_loses_the_leadership_ends(work: Any, eventually: Any) -> None:
    clock = database_clock()
    worker = work(leadership=Leadership("thread", "a", clock), owner="a")
    eventually(lambda: Leader.objects.filter(owner="a").exists())
    Leader.objects.update(owner="b")
    worker._lead()
    eventually(lambda: worker not in embedded._loops)
    assert Leader.objects.get().owner == "b"


# ---------------------------------------------------------------------- embedded, PostgreSQL


def test_the_thread_of_a_site_runs_jobs_and_stops_with_it(
    eventually: Any, settings: Any, monkeypatch: Any
) -> None:
    settings.THREADFLOW_CORE = {"JOBS_DRIVER": "thread"}
    monkeypatch.setattr(embedded, "_under_test", lambda: False)
    embedded.start()
    try:
        eventually(lambda: Leader.objects.filter(name="thread").exists())
        emit(3)
        eventually(all_done)
    finally:
        embedded.stop()
    assert not Leader.objects.exists()
    assert effects("atomic") == Counter(range(3))


def test_nothing_starts_under_a_test_runner(client: Any, settings: Any) -> None:
    settings.THREADFLOW_CORE = {"JOBS_DRIVER": "thread"}
    client.get("/")
    assert embedded._companion is None


@pytest.mark.postgres
def test_a_commit_wakes_the_worker_of_another_process(
    process: Any, eventually: Any, monkeypatch: Any
) -> None:
    process("-m", "django", "threadflow_worker", core={"JOBS_POLL_SECONDS": 300.0})
    eventually(lambda: Leader.objects.exists())
    time.sleep(1)
    monkeypatch.setattr(embedded, "_under_test", lambda: False)
    embedded.start()
    try:
        emit(1)
        eventually(lambda: effects("atomic"))
    finally:
        embedded.stop()


@pytest.mark.postgres
def test_a_worker_survives_the_end_of_its_connections(work: Any, eventually: Any) -> None:
    work()
    emit(1)
    eventually(all_done)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    Entry.objects.all().delete()
    emit(3)
    eventually(all_done)
    assert effects("atomic") == effects("guarded") == Counter(range(3))


@pytest.mark.postgres
def test_a_listener_survives_the_end_of_its_connection(eventually: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(listen, "PAUSE", 0.05)
    rung = threading.Event()
    listener = listen.Listener(rung.set)
    listener.start()
    try:
        eventually(rung.is_set)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        time.sleep(0.3)
        rung.clear()
        listen.notify()
        eventually(rung.is_set)
    finally:
        listener.stop()
        listener._thread.join(5)


# ---------------------------------------------------------------------- Celery


def test_the_relay_hands_each_due_row_over_once_and_again_when_it_got_lost() -> None:
    emit(2)
    now = database_clock()()
    sent: list[Any] = []
    assert relay.hand_over(now, lambda row: sent.append((row.queue, row.pk))) == 4
    assert relay.hand_over(now, lambda row: sent.append((row.queue, row.pk))) == 0
    assert {queue for queue, _pk in sent} == {"default", "bulk"}
    OutboxEvent.objects.update(lease_until=now)  # the broker was emptied, the time is over
    assert relay.hand_over(database_clock()(), lambda row: None) == 4


def test_a_broker_that_fails_midway_leaves_the_rest_for_later() -> None:
    emit(2)
    sent: list[Any] = []

    def send(row: OutboxEvent) -> None:
        if len(sent) == 2:
            raise ConnectionError
        sent.append(row.pk)

    with pytest.raises(ConnectionError):
        relay.hand_over(database_clock()(), send)
    assert OutboxEvent.objects.filter(lease_until=None).count() == 2
    assert OutboxEvent.objects.filter(state=State.PENDING).count() == 4


def test_celery_carries_the_id_and_a_second_delivery_does_nothing(eventually: Any) -> None:
    celery = pytest.importorskip("celery")
    from threadflow_core.jobs import celery as tasks

    app = celery.Celery("drill", broker="memory://", set_as_current=True)
    app.conf.task_always_eager = True
    emit(3)
    tasks.tick()
    assert effects("atomic") == effects("guarded") == Counter(range(3))
    for row in OutboxEvent.objects.all():
        tasks.run(str(row.pk))
    assert effects("atomic") == Counter(range(3))


@pytest.mark.redis
def test_real_celery_workers_do_each_job_once_though_one_is_killed(
    process: Any, eventually: Any, monkeypatch: Any
) -> None:
    pytest.importorskip("celery")
    from threadflow_core.jobs import celery as tasks

    from . import celery_app

    prefix = f"drill-{uuid.uuid4().hex}:"
    app = celery_app.make(prefix)
    emit(20)
    args = ("-m", "celery", "-A", "tests.celery_app", "worker", "-P", "solo", "-l", "warning")
    queues = ("-Q", "critical,default,mail,ai,bulk", "--without-mingle", "--without-gossip")
    env = {"CELERY_PREFIX": prefix}
    doomed = process(*args, *queues, env={**env, "THREADFLOW_FAILPOINT": "jobs.after_handler:5"})
    try:
        tasks.tick()
        eventually(lambda: doomed.poll() is not None, 120, "the death of the first worker")
        process(*args, *queues, env=env)

        def go_on() -> bool:
            # Time passes for leases and for what the broker swallowed; the relay does the rest.
            OutboxEvent.objects.exclude(state=State.DONE).update(lease_until=timezone.now())
            tasks.tick()
            time.sleep(0.3)
            return all_done()

        eventually(go_on, 120)
        assert effects("atomic") == effects("guarded") == Counter(range(20))
    finally:
        app.close()
        celery_app.forget(prefix)


def test_the_relay_loop_hands_over_what_a_commit_rings_for(eventually: Any) -> None:
    clock = database_clock()
    sent: list[Any] = []
    leadership = Leadership("relay", "me", clock)
    loop = relay.Relay(
        leadership=leadership, owner="me", clock=clock, send=lambda row: sent.append(row.pk)
    )
    thread = threading.Thread(target=closing(loop.run))
    thread.start()
    try:
        eventually(lambda: embedded._loops)
        emit(2)
        eventually(lambda: len(sent) >= 4)
    finally:
        loop.stop()
        thread.join(60)
    assert not Leader.objects.exists()
