"""Faults and crowds: huge threads walked while others write, killed workers, Redis that goes away.

Each drill has a short version here and a long one marked `slow`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import re
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings as django_settings
from django.db import connection, connections
from django.db.models import Sum
from django.test import Client
from django.utils import timezone

from threadflow_core.jobs.models import OutboxEvent
from threadflow_core.testing.proxy import FaultProxy
from threadflow_forum import paths, seeding
from threadflow_forum.models import CommentMark, Membership
from threadflow_forum.reconcile import find
from threadflow_forum.services import comments, votes
from threadflow_forum.services.votes import Vote
from threadflow_forum.swaps import get_comment_model

from .live_client import Reader

pytestmark = pytest.mark.django_db(transaction=True)
WITH_API = "rest_framework" in django_settings.INSTALLED_APPS
REDIS = os.environ.get("REDIS_URL") or "redis://127.0.0.1:6379/0"
SQLITE = connection.vendor == "sqlite"


def slow(*values: Any, id: str = "long") -> Any:
    return pytest.param(*values, marks=pytest.mark.slow, id=id)


# ---------------------------------------------------------------------- processes


@pytest.fixture
def process(django_db_setup: None) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Start Python processes on the test's database: `process("-m", "django", …, core={…})`."""
    started: list[subprocess.Popen[bytes]] = []
    name = connection.settings_dict["NAME"]
    at = connection.settings_dict
    database = (
        f"sqlite:///{Path(name).resolve()}"
        if SQLITE
        else f"postgres://{at['USER']}:{at['PASSWORD']}@{at['HOST']}:{at['PORT']}/{name}"
    )

    def start(*args: str, core: dict[str, Any], **env: str) -> subprocess.Popen[bytes]:
        one = subprocess.Popen(
            [sys.executable, *args],
            cwd=Path(__file__).parent.parent,
            env={
                **os.environ,
                "DJANGO_SETTINGS_MODULE": "tests.drill_settings",
                "PYTHONPATH": ".",
                "DATABASE_URL": database,
                "THREADFLOW_CORE": json.dumps(core),
                **env,
            },
        )
        started.append(one)
        return one

    yield start
    for one in started:
        if one.poll() is None:
            one.kill()
        one.wait()


def eventually(condition: Callable[[], Any], seconds: float, what: str) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{what} did not happen within {seconds} s"
        time.sleep(0.02)


# ---------------------------------------------------------------------- a) load more


def plant(thread: Any, tree: list[seeding.Branch], people: list[int]) -> None:
    """Write a tree of visible comments below an empty thread, in bulk."""
    seeder = seeding.Seeder(seeding.SIZES["small"], 1)
    first = seeding.next_pk(get_comment_model())
    made = [
        seeder.comment(first + n, thread.pk, n, branch, tree, timezone.now(), people)
        for n, branch in enumerate(tree)
    ]
    seeding.write(get_comment_model(), seeding.COMMENT_COLUMNS, [row for row, _cast in made])
    columns = (*seeding.MARK_COLUMNS, "comment_id")
    seeding.write(CommentMark, columns, [mark for _row, cast in made for mark in cast])
    seeding.reset_sequences(get_comment_model())
    type(thread).objects.filter(pk=thread.pk).update(comment_count=len(tree), last_number=len(tree))


def star(size: int) -> list[seeding.Branch]:
    """One root with `size` direct replies."""
    root = paths.child(b"", 1)
    tree = [seeding.Branch(-1, root, 0)]
    tree += [seeding.Branch(0, paths.child(root, n + 2), 1) for n in range(size)]
    seeding.count(tree)
    return tree


def bushy(size: int) -> list[seeding.Branch]:
    return seeding.shape(random.Random(size), size, roots=size // 5)


def walk_pages(client: Client, thread: Any, step: Callable[[], None]) -> list[str]:
    """The public ids of all comments in the page and in every fragment that it leads to."""
    seen: list[str] = []
    queue = [thread.get_absolute_url()]
    while queue:
        answer = client.get(queue.pop(0))
        assert answer.status_code == 200
        page = answer.content.decode()
        seen += re.findall(r'\sid="c-(\w+)"', page)
        links = (link.replace("&amp;", "&") for link in re.findall(r'hx-get="([^"]+)"', page))
        queue += [link for link in links if "part=comments" in link and "after=" in link]
        step()
    return seen


def walk_api(client: Client, thread: Any, step: Callable[[], None]) -> list[str]:
    seen: list[str] = []
    queue = [f"/api/v1/threads/{thread.public_id}/comments/"]
    while queue:
        answer = client.get(queue.pop(0))
        assert answer.status_code == 200
        page = answer.json()
        seen += [comment["id"] for comment in page["results"]]
        queue += [comment["more"]["url"] for comment in page["results"] if comment["more"]]
        queue += [page["next"]] if page["next"] else []
        step()
    return seen


def public_ids(thread: Any) -> set[str]:
    """Of all comments. Without the thread's key, each row would be asked for it."""
    return {comment.public_id for comment in thread.comments.only("pk", "thread_id")}


class Writer:
    """Somebody who replies at random places while others read."""

    def __init__(self, author: Any, thread: Any, replies: int, pages: int) -> None:
        self.author, self.thread = author, thread
        self._pages = threading.Semaphore(0)
        self._each = max(1, -(-replies // max(1, pages)))
        self._left = replies
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Writer:
        self._thread.start()
        return self

    def step(self) -> None:
        """A page was read: write some, beside the reading of the next one."""
        self._pages.release()

    def __exit__(self, *exc_info: object) -> None:
        for _ in range(self._left):
            self._pages.release()
        self._thread.join(120)
        assert self.error is None, self.error
        assert self._left == 0

    def _run(self) -> None:
        rng = random.Random(1)
        try:
            while self._left > 0:
                self._pages.acquire()
                for _ in range(min(self._each, self._left)):
                    number = rng.randrange(1, 100)
                    parent = get_comment_model().objects.get(thread=self.thread, number=number)
                    comments.add_comment(
                        author=self.author, thread=self.thread, parent=parent, body="Me, too"
                    )
                    self._left -= 1
        except BaseException as error:
            self.error = error
        finally:
            connections.close_all()


@pytest.mark.parametrize("surface", ["pages", "api"])
@pytest.mark.parametrize(
    ("make", "size"),
    [
        pytest.param(bushy, 800, id="800"),
        pytest.param(star, 500, id="one root with 500"),
        slow(bushy, 50_000, id="50,000"),
        slow(star, 10_000, id="one root with 10,000"),
    ],
)
def test_load_more_shows_every_comment_once_while_others_reply(
    thread: Any, person: Any, bo: Any, surface: str, make: Any, size: int
) -> None:
    if surface == "api" and not WITH_API:
        pytest.skip("this site has no REST framework")
    tree = make(size)
    plant(thread, tree, [person(f"reader{n}").pk for n in range(5)])
    before = public_ids(thread)
    walk = walk_pages if surface == "pages" else walk_api
    with Writer(bo, thread, replies=100, pages=20) as writer:
        seen = Counter(walk(Client(), thread, writer.step))
    assert [public_id for public_id, times in seen.items() if times > 1] == []
    assert before <= set(seen)
    after = public_ids(thread)
    assert set(seen) <= after and len(after) == len(tree) + 100
    if size <= 1_000:
        assert Counter(walk(Client(), thread, lambda: None)) == Counter(after)
    assert list(find()) == []


# ---------------------------------------------------------------------- b) killed workers


POINTS = ("jobs.after_lease", "jobs.after_handler", "jobs.after_commit")


@pytest.mark.parametrize(("events", "kills"), [(60, 2), slow(1_000, 10)])
def test_karma_is_right_however_often_the_worker_is_killed(
    process: Any,
    person: Any,
    thread: Any,
    write: Any,
    bo: Any,
    settings: Any,
    events: int,
    kills: int,
) -> None:
    core = {"JOBS_DRIVER": "worker", "JOBS_LEASE_SECONDS": 2, "LIMITS": {"*": None}}
    settings.THREADFLOW_CORE = core
    voters = [person(f"voter{n}") for n in range(10)]
    things = [write(thread, author=bo) for _ in range(10)]
    OutboxEvent.objects.all().delete()
    rng = random.Random(events)

    def vote(count: int) -> None:
        while count:
            voter, thing = rng.choice(voters), rng.choice(things)
            mark = CommentMark.objects.filter(person=voter, comment=thing).first()
            value = rng.choice([v for v in Vote if mark is None or v != mark.vote])
            if mark is None and value == Vote.NONE:
                continue
            votes.cast_comment_vote(voter=voter, comment=thing, value=value)
            count -= 1

    share = events // kills
    for _ in range(kills):
        vote(share)
        point = rng.choice(POINTS)
        hits = 1 if point == "jobs.after_lease" else rng.randint(1, share)
        doomed = {"THREADFLOW_FAILPOINT": f"{point}:{hits}"}
        worker = process("-m", "django", "threadflow_worker", core=core, **doomed)
        eventually(lambda worker=worker: worker.poll() is not None, 120, "the death of the worker")
        assert worker.returncode == -signal.SIGKILL
        time_passes()
    worker = process("-m", "django", "threadflow_worker", core=core)
    left = OutboxEvent.objects.filter(name="forum.comment_voted").exclude(state="done")
    eventually(lambda: not left.exists(), 120, "the rest")
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(60) == 0
    assert OutboxEvent.objects.filter(name="forum.comment_voted").count() == events
    recomputed = CommentMark.objects.aggregate(n=Sum("effect"))["n"]
    assert Membership.objects.get(person=bo, sub=thread.sub).karma == recomputed
    assert [m for m in CommentMark.objects.all() if m.karma != m.effect] == []


def time_passes() -> None:
    """The leases of the dead run out; a try that death cut short is not held against the row."""
    left = OutboxEvent.objects.exclude(state=OutboxEvent.State.DONE)
    left.update(attempts=0)
    left.filter(state=OutboxEvent.State.LEASED).update(lease_until=timezone.now())
    time.sleep(0.01)


# ---------------------------------------------------------------------- c) Redis goes away


@pytest.fixture
def proxy() -> Iterator[FaultProxy]:
    redis = pytest.importorskip("redis", reason="needs the Redis client")
    pytest.importorskip("channels", reason="live frames need Channels")
    try:
        redis.Redis.from_url(REDIS, socket_connect_timeout=1).ping()
    except redis.RedisError as error:
        pytest.skip(f"no Redis at {REDIS}: {error}")
    parts = urlsplit(REDIS)
    with FaultProxy(parts.hostname or "127.0.0.1", parts.port or 6379) as one:
        yield one


@pytest.fixture
def live(settings: Any, proxy: FaultProxy) -> Iterator[dict[str, Any]]:
    """Settings of all processes of a drill; Redis is behind the proxy."""
    from threadflow_core.realtime import backends

    values = {
        "JOBS_DRIVER": "worker",
        "LIMITS": {"*": None},
        "REALTIME_BACKEND": "threadflow_core.realtime.backends.redis.RedisBackend",
        "REALTIME_REDIS_URL": f"redis://127.0.0.1:{proxy.port}/0",
        "REALTIME_REDIS_PREFIX": f"drill-{uuid.uuid4().hex}",
        "REALTIME_POSITION_SECONDS": 1.0,
    }
    settings.THREADFLOW_CORE = values
    yield values
    backends._backend = None


def serve(process: Any, core: dict[str, Any]) -> str:
    """Start a server process and return its host and port once it listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    application = ("uvicorn", "tests.asgi:application", "--port", str(port))
    process("-m", *application, "--log-level", "error", "--no-access-log", core=core)

    def listens() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    eventually(listens, 120, "the server")
    return f"127.0.0.1:{port}"


class Talk:
    """People who comment, edit and delete at random, from a seed."""

    def __init__(self, thread: Any, authors: list[Any]) -> None:
        self.thread, self.authors = thread, authors
        self.rng = random.Random(7)
        self.alive: list[Any] = []
        #: Texts that nobody may be sent any more, with the number of the event that ended them.
        self.ended: dict[str, int] = {}
        self.texts: dict[Any, str] = {}
        #: Seconds that each write took.
        self.took: list[float] = []

    def acts(self, count: int, pause: float) -> None:
        try:
            for _ in range(count):
                began = time.monotonic()
                self._act()
                self.took.append(time.monotonic() - began)
                time.sleep(pause)
        finally:
            connections.close_all()

    def _act(self) -> None:
        what = self.rng.random()
        if what < 0.6 or len(self.alive) < 3:
            parent = self.rng.choice([None, *self.alive])
            text = f"text-{uuid.uuid4().hex}"
            made = comments.add_comment(
                author=self.rng.choice(self.authors), thread=self.thread, parent=parent, body=text
            )
            self.alive.append(made)
            self.texts[made.pk] = text
            return
        chosen = self.rng.choice(self.alive)
        old = self.texts[chosen.pk]
        if what < 0.75:
            self.texts[chosen.pk] = f"text-{uuid.uuid4().hex}"
            comments.edit_comment(editor=chosen.author, comment=chosen, body=self.texts[chosen.pk])
        else:
            self.alive.remove(chosen)
            comments.delete_comment(author=chosen.author, comment=chosen)
        self.ended[old] = self.position()

    def position(self) -> int:
        from threadflow_core import realtime

        return realtime.position(self.thread.topic)[0]

    def end(self) -> int:
        """The last number; for a thread of its own."""
        try:
            return self.position()
        finally:
            connections.close_all()


@pytest.mark.redis
@pytest.mark.parametrize(
    ("servers", "seconds", "fault"), [(1, 1.5, "cut"), slow(1, 1.5, "hang"), slow(2, 10.0, "cut")]
)
async def test_redis_goes_away_while_people_talk(
    process: Any, live: Any, proxy: FaultProxy, thread: Any, ada: Any, bo: Any,
    servers: int, seconds: float, fault: Any,
) -> None:  # fmt: skip
    pytest.importorskip("websockets", reason="readers need a client")
    hosts = [await asyncio.to_thread(serve, process, live) for _ in range(servers)]
    talk = Talk(thread, [ada, bo])
    readers = [Reader(thread.topic) for _ in range(20)]
    following = [follow(one, hosts[n % servers]) for n, one in enumerate(readers)]
    try:
        await asyncio.wait_for(asyncio.gather(*(one.ready.wait() for one in readers)), 60)
        await asyncio.to_thread(talk.acts, 15, 0.01)
        gone = following[:5]  # these lose their connection, too, and come back after
        await stop(gone)
        proxy.mode = fault
        pause = 0.05
        await asyncio.to_thread(talk.acts, int(seconds / pause), pause)
        back = [follow(one, hosts[-1]) for one in readers[:5]]
        proxy.mode = "pass"
        following += back
        await asyncio.to_thread(talk.acts, 15, 0.01)
        end = await asyncio.to_thread(talk.end)
        async with asyncio.timeout(60):
            while any(one.seq < end for one in readers):
                await asyncio.sleep(0.05)
    finally:
        await stop(following)
    # A write never waits for Redis, however busy the machine is.
    assert statistics.median(talk.took) < 0.5 and max(talk.took) < 10
    assert all(one.events == list(range(1, end + 1)) for one in readers)
    assert all(one.heard == readers[0].heard and one.resets == 0 for one in readers)
    wanted = {comment.public_id: talk.texts[comment.pk] for comment in talk.alive}
    for one in readers:
        assert set(one.shown) == set(wanted)
        assert all(text in one.shown[public_id] for public_id, text in wanted.items())
    assert talk.ended
    for one in readers[:5]:
        assert len(one.resumes) >= 2
        for reached, answer in one.resumes:
            shown = [
                text for text, ended in talk.ended.items() if ended <= reached and text in answer
            ]
            assert shown == []


def follow(reader: Reader, host: str) -> asyncio.Task[None]:
    """Follow in the background, coming back whenever the connection ends."""

    async def keep() -> None:
        while True:
            with contextlib.suppress(OSError):
                await reader.follow(f"ws://{host}/ws/v1/", f"http://{host}")
            await asyncio.sleep(0.05)

    return asyncio.get_running_loop().create_task(keep())


async def stop(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
