"""Real servers, real sockets, real Redis: several processes, and Redis that goes away."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import socket
import time
import uuid
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest
import pytest_asyncio
from django.conf import settings as django_settings
from django.test import Client
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from threadflow_core import realtime
from threadflow_core.realtime import backends
from threadflow_core.realtime.threads import close, in_thread
from threadflow_core.testing.proxy import FaultProxy

from .drill import topics

pytestmark = [pytest.mark.redis, pytest.mark.django_db(transaction=True)]

REDIS = "threadflow_core.realtime.backends.redis.RedisBackend"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def proxy() -> Any:
    parts = urlsplit(django_settings.REDIS_URL)
    with FaultProxy(parts.hostname or "127.0.0.1", parts.port or 6379) as one:
        yield one


@pytest.fixture
def core(settings: Any, proxy: FaultProxy) -> dict[str, Any]:
    """The settings of all processes of a test, this one included; Redis is behind the proxy."""
    values = {
        "JOBS_DRIVER": "worker",
        "REALTIME_BACKEND": REDIS,
        "REALTIME_REDIS_URL": f"redis://127.0.0.1:{proxy.port}/0",
        "REALTIME_REDIS_PREFIX": f"test-{uuid.uuid4().hex}",
        "REALTIME_POSITION_SECONDS": 1.0,
    }
    settings.THREADFLOW_CORE = values
    return values


@pytest.fixture
def serve(process: Any, core: dict[str, Any], eventually: Any) -> Callable[[], Server]:
    """Start a server process and wait until it listens."""

    def start() -> Server:
        port = free_port()
        args = ("-m", "uvicorn", "tests.asgi:application", "--port", str(port))
        running = process(*args, "--log-level", "warning", "--ws-max-size", "65536", core=core)

        def listens() -> bool:
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", port)) == 0

        eventually(listens, 20, "the server")
        return Server(running, port)

    return start


class Server:
    def __init__(self, process: Any, port: int) -> None:
        self.process = process
        self.port = port

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def socket(self, *, cookie: str = "", origin: str | None = "", path: str = "/ws/v1/") -> Any:
        return connect(
            f"ws://{self.host}{path}",
            origin=f"http://{self.host}" if origin == "" else origin,  # type: ignore[arg-type]
            subprotocols=["threadflow.v1.json"],  # type: ignore[list-item]
            additional_headers={"Cookie": cookie} if cookie else {},
            compression=None,
        )


class Follower:
    """Follows one topic as the script of a page does, and keeps what it was shown."""

    def __init__(self, topic: str) -> None:
        self.topic = topic
        self.seq, self.epoch = 0, ""
        self.seen: list[int] = []
        self.texts: dict[int, Any] = {}
        self.closed: int | None = None
        self.resets = 0

    async def follow(self, server: Server, ready: asyncio.Event | None = None) -> None:
        async with server.socket() as ws:
            asked = {"topic": self.topic, "since": self.seq, "epoch": self.epoch}
            await ws.send(json.dumps({"op": "hello", "v": 1, "topics": [asked]}))
            with contextlib.suppress(ConnectionClosed):
                async for message in ws:
                    await self._take(ws, json.loads(message))
                    if ready is not None and self.epoch:
                        ready.set()
            self.closed = ws.close_code

    async def _take(self, ws: ClientConnection, frame: dict[str, Any]) -> None:
        if frame["op"] == "subd":
            self.epoch = frame["epoch"] or self.epoch
            if frame["mode"] == "reset":
                self.resets += 1
                self.seq = frame["seq"]
            for one in frame.get("ev", []):
                self._apply(one)
        elif frame["op"] == "gap":
            asked = {"topic": self.topic, "since": self.seq, "epoch": self.epoch}
            await ws.send(json.dumps({"op": "sub", **asked}))
        elif "seq" in frame:
            self._apply(frame)

    def _apply(self, frame: dict[str, Any]) -> None:
        if frame["seq"] > self.seq:
            self.seen.append(frame["seq"])
            self.texts[frame["seq"]] = frame.get("text")
            self.seq = frame["seq"]


@pytest_asyncio.fixture(autouse=True)
async def threads(core: Any) -> AsyncIterator[None]:
    yield
    backends._backend = None
    await asyncio.to_thread(close)


async def until(condition: Callable[[], bool], seconds: float = 15.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        await asyncio.sleep(0.02)


async def gather_followers(
    server: Server, topic: str, count: int
) -> tuple[list[Follower], list[asyncio.Task[None]]]:
    await in_thread(topics.write, topic.partition(":")[2], "the first")  # so that there is an epoch
    followers = [Follower(topic) for _ in range(count)]
    ready = [asyncio.Event() for _ in followers]
    tasks = [
        asyncio.create_task(one.follow(server, event))
        for one, event in zip(followers, ready, strict=True)
    ]
    await asyncio.wait_for(asyncio.gather(*(event.wait() for event in ready)), 20)
    return followers, tasks


async def write_many(room: str, count: int, pause: float = 0.02) -> float:
    """Write one after the other; return the longest time that one write took, in seconds."""
    longest = 0.0
    for n in range(count):
        began = time.monotonic()
        await in_thread(topics.write, room, f"note {n}")
        longest = max(longest, time.monotonic() - began)
        await asyncio.sleep(pause)
    return longest


async def stop(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@pytest.mark.parametrize("fault", ["cut", "hang"])
async def test_redis_goes_away_and_nobody_misses_anything(
    serve: Any, proxy: FaultProxy, fault: Any
) -> None:
    server = serve()
    followers, tasks = await gather_followers(server, "drill:a", 20)
    await write_many("a", 20)
    proxy.mode = fault
    longest = await write_many("a", 40)
    proxy.mode = "pass"
    await write_many("a", 20)
    await until(lambda: all(one.seq == 81 for one in followers))
    assert all(one.seen == list(range(1, 82)) for one in followers)
    assert all(one.closed is None and one.resets == 0 for one in followers)
    assert longest < 1.0  # a write never waits for Redis
    await stop(tasks)


@pytest.mark.slow
async def test_redis_is_cut_three_times_in_five_hundred_messages(
    serve: Any, proxy: FaultProxy
) -> None:
    servers = [serve(), serve()]
    crowd: list[Follower] = []
    tasks: list[asyncio.Task[None]] = []
    for server in servers:
        some, their = await gather_followers(server, "drill:a", 10)
        crowd += some
        tasks += their
    for _ in range(3):
        await write_many("a", 80, 0.01)
        proxy.mode = "cut"
        await write_many("a", 80, 0.01)
        proxy.mode = "pass"
    await write_many("a", 20, 0.01)
    await until(lambda: all(one.seq == 502 for one in crowd), 30)
    assert all(one.seen == list(range(1, 503)) for one in crowd)
    assert all(one.closed is None for one in crowd)
    await stop(tasks)


async def test_a_server_is_killed_and_its_clients_go_on_elsewhere(serve: Any) -> None:
    first, second = serve(), serve()
    (follower,), (task,) = await gather_followers(first, "drill:a", 1)
    await write_many("a", 10)
    writing = asyncio.create_task(write_many("a", 30, 0.01))
    await asyncio.sleep(0.1)
    first.process.send_signal(signal.SIGKILL)
    await asyncio.wait([task], timeout=5)
    again = asyncio.create_task(follower.follow(second))
    await writing
    await until(lambda: follower.seq == 41)
    assert follower.seen == list(range(1, 42))
    await stop([again])


async def test_two_servers_show_the_same_and_a_late_page_sees_tombstones(
    serve: Any, core: dict[str, Any]
) -> None:
    core["REALTIME_POSITION_SECONDS"] = 3600.0  # so it was Redis, not the log
    one, two = serve(), serve()
    (left,), first = await gather_followers(one, "drill:a", 1)
    (right,), second = await gather_followers(two, "drill:a", 1)
    note, number = await in_thread(topics.write, "a", "secret")
    await until(lambda: left.seq == right.seq == number)
    assert left.texts[number] == right.texts[number] == "secret"
    await in_thread(topics.hide, note)
    await until(lambda: left.seq == right.seq == number + 1)
    for server in (one, two):
        late = Follower("drill:a")
        task = asyncio.create_task(late.follow(server))
        await until(lambda late=late: late.seq == number + 1)
        assert late.texts[number] is None
        await stop([task])
    await stop(first + second)


async def test_signing_out_over_http_closes_sockets_of_all_processes(
    serve: Any, django_user_model: Any
) -> None:
    servers = [serve(), serve()]

    def sign_in() -> Client:
        user = django_user_model.objects.create_user("ada", password="x")
        browser = Client()
        browser.force_login(user)
        return browser

    browser = await in_thread(sign_in)
    name = django_settings.SESSION_COOKIE_NAME
    cookie = f"{name}={browser.cookies[name].value}"
    async with (
        servers[0].socket(cookie=cookie) as one,
        servers[1].socket(cookie=cookie, path="/ws/notifications/") as two,
    ):
        for ws in (one, two):
            await ws.send('{"op": "hello", "v": 1}')
            welcome = json.loads(await ws.recv())
            assert welcome["user"]
        assert json.loads(await two.recv())["topic"].startswith("user:")
        began = time.monotonic()
        await in_thread(browser.logout)
        await asyncio.wait_for(asyncio.gather(one.wait_closed(), two.wait_closed()), 10)
        assert {one.close_code, two.close_code} == {4505}
        assert time.monotonic() - began < 2


async def test_bad_handshakes_and_frames_get_the_right_answers(serve: Any) -> None:
    server = serve()
    with pytest.raises(InvalidStatus) as refused:
        async with server.socket(origin="http://evil.example"):
            pass
    assert refused.value.response.status_code == 403
    async with server.socket() as ws:
        await ws.send('{"op": "hello", "v": 1}')
        await ws.recv()
        await ws.send("x" * 70_000)
        with pytest.raises(ConnectionClosed):
            await ws.recv()
        assert ws.close_code == 1009
    async with server.socket() as ws:
        await ws.send(b"\x00")
        with pytest.raises(ConnectionClosed):
            await ws.recv()
        assert ws.close_code == 4501


async def test_a_client_that_stops_reading_costs_little_and_slows_nobody(serve: Any) -> None:
    server = serve()
    (quick,), tasks = await gather_followers(server, "drill:a", 1)
    memory = psutil.Process(server.process.pid).memory_info().rss
    deaf = await server.socket()
    asked = {"topic": "drill:a", "since": quick.seq, "epoch": quick.epoch}
    await deaf.send(json.dumps({"op": "hello", "v": 1, "topics": [asked]}))
    deaf.transport.pause_reading()

    def flood() -> None:
        for n in range(2000):
            realtime.hint("drill:a", "fill", n=n, text="x" * 8000)

    began = time.monotonic()
    await in_thread(flood)
    _note, number = await in_thread(topics.write, "a", "the last")
    await until(lambda: quick.seq == number)
    assert time.monotonic() - began < 15
    grown = psutil.Process(server.process.pid).memory_info().rss - memory
    assert grown < 20 * 1024 * 1024  # of 16 MB that were sent; the bound of the queue is 1 MiB
    deaf.transport.resume_reading()
    with pytest.raises(ConnectionClosed):
        while True:
            await asyncio.wait_for(deaf.recv(), 10)
    assert deaf.close_code in (4408, 1006)
    await stop(tasks)
