"""Fan-out of one thread to a crowd: CPU per delivery against the floor, delay, loss, memory."""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from .report import Report
from .site import EXAMPLE, ROOT, Site, free_port, wait_for
from .sockets import Crowd

RUNS = 5
#: Sockets, frames of one run, and frames per second.
SIZES = ((200, 150, 50.0), (1_000, 40, 10.0))


def measure(site: Site, report: Report) -> None:
    """Add the rows of the live part. Needs Redis."""
    asyncio.run(_measure(site, report))


class Server:
    """A process that serves sockets, and what it has used of the machine."""

    def __init__(self, site: Site, *command: str) -> None:
        self.port = free_port()
        words = [sys.executable, "-m", *(word.format(port=self.port) for word in command)]
        self.process = subprocess.Popen(words, cwd=ROOT / "tools", env=site.env)
        wait_for(self.port)
        self._seen = psutil.Process(self.process.pid)

    def cpu(self) -> float:
        """CPU seconds so far; in nanoseconds' steps where the kernel tells, else in hundredths."""
        tasks = list(Path(f"/proc/{self.process.pid}/task").glob("*/schedstat"))
        if tasks:
            return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9
        times = self._seen.cpu_times()
        return times.user + times.system

    def memory(self) -> int:
        return self._seen.memory_info().rss

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


class Source:
    """Where the frames come from: one object's event again and again, and copies for the floor.

    `write` makes a new object instead, by the service; it publishes one event in `topic`.
    """

    def __init__(
        self, site: Site, topic: str, kind: str, ids: dict[str, Any], instance: Any, write: Any
    ) -> None:
        import redis

        self.topic, self.kind, self.ids, self.instance = topic, kind, ids, instance
        self.write = write
        self.channel = f"bench-{uuid.uuid4().hex}"
        self._redis = redis.Redis.from_url(site.redis)
        self._number = 0

    def to_hub(self, write: bool = False) -> int:
        """The next frame of the topic, by the way of every write; `write`: of a new object."""
        from django.db import transaction

        from threadflow_core import realtime

        if write:
            self.write()
            return realtime.position(self.topic)[0]
        with transaction.atomic():
            return realtime.publish(self.topic, self.kind, ids=self.ids, instance=self.instance)

    def to_floor(self) -> int:
        """A frame of the same bytes, but for its number."""
        self._number += 1
        self._redis.publish(self.channel, self.frame(self._number))
        return self._number

    def frame(self, number: int) -> str:
        """The text of the frame under a number of ours."""
        from threadflow_core.realtime import publishing
        from threadflow_core.realtime.kinds import LiveEventData

        event = LiveEventData(number, self.kind, self.ids)
        (text,) = publishing.render(self.topic, [event], self.instance)
        return text


def comments(site: Site) -> Source:
    """Comments of a thread of their own."""
    from django.contrib.auth import get_user_model

    from threadflow_forum.services.comments import add_comment
    from threadflow_forum.services.threads import post_thread
    from threadflow_forum.swaps import get_sub_model

    author = get_user_model()._default_manager.order_by("pk").first()
    sub = get_sub_model().objects.filter(visibility="public").order_by("pk").first()
    thread = post_thread(author=author, sub=sub, title="Followed by a crowd")
    text = "A comment of ordinary length, with a second thought and a third one."

    def write() -> Any:
        return add_comment(author=author, thread=thread, body=text)

    first = write()
    ids = {"comment": first.public_id, "number": 1}
    return Source(site, thread.topic, "comment.new", ids, first, write)


async def send(crowd: Crowd, source: Callable[[], int], count: int, rate: float) -> None:
    """Send `count` frames in a thread, evenly, noting when each began."""

    def work() -> None:
        from django.db import connections

        following = crowd.listeners[0].last
        start = time.perf_counter()
        for n in range(count):
            time.sleep(max(0.0, start + n / rate - time.perf_counter()))
            crowd.sent[following + n + 1] = time.perf_counter()
            source()
        connections.close_all()

    await asyncio.to_thread(work)


async def run(server: Server, crowd: Crowd, source: Any, count: int, rate: float) -> float:
    """One run; CPU microseconds of the server per delivery. Raises when anything is lost."""
    crowd.forget()
    before = server.cpu()
    await send(crowd, source, count, rate)
    if not await crowd.all_have(count, 30):
        short = sorted(one.count for one in crowd.listeners if one.count < count)
        raise RuntimeError(
            f"{len(short)} sockets of {len(crowd.listeners)} got fewer than {count} frames"
            f" ({short[:3]} …), {crowd.lost} closed; also said: {crowd.said}"
        )
    used = server.cpu() - before
    wrong = sum(one.disorder or one.count != count for one in crowd.listeners)
    if crowd.lost or wrong:
        raise RuntimeError(
            f"{wrong} sockets got frames twice or out of order, {crowd.lost} closed."
        )
    return used / (count * len(crowd.listeners)) * 1e6


async def _measure(site: Site, report: Report) -> None:
    source = await asyncio.to_thread(comments, site)
    hub, floor = serve(site), serve_floor(site, source)
    followers, members = Crowd(hub.port, source.topic), Crowd(floor.port, "any")
    memory: list[tuple[int, int]] = []
    try:
        for size, count, rate in SIZES:
            await followers.grow(size)
            await members.grow(size)
            await asyncio.sleep(1)
            memory.append((size, hub.memory()))
            await against_floor(report, "fan-out", count, rate, (hub, followers, source.to_hub),
                                (floor, members, source.to_floor))  # fmt: skip
            pace = (50, 10.0) if size <= 200 else (20, 4.0)
            await delay(report, "a comment", (hub, followers, source), *pace)
        per_socket(report, "memory per idle socket", *memory)
    finally:
        await followers.leave()
        await members.leave()
        hub.stop()
        floor.stop()


def serve(site: Site) -> Server:
    """The site under uvicorn, as its role `ws` in production."""
    app = ("uvicorn", "threadflow_site.asgi:application", "--app-dir", str(EXAMPLE))
    return Server(site, *app, "--port", "{port}", "--log-level", "error", "--no-access-log")


def serve_floor(site: Site, source: Source) -> Server:
    return Server(site, "bench.floor", "{port}", site.redis, source.channel)


async def against_floor(
    report: Report, name: str, count: int, rate: float, ours: Any, theirs: Any
) -> None:
    """Runs of both in turns: the ratio of their CPU per delivery."""
    pairs = await in_turns(count, rate, ours, theirs)
    mine, bare = (statistics.median(side) for side in zip(*pairs, strict=True))
    ratio = statistics.median(one / other for one, other in pairs)
    size = len(ours[1].listeners)
    report.add(
        f"{name} to {size:,} sockets: CPU per delivery / websockets.broadcast", ratio, "x",
        most=1.3, note=f"{mine:.1f} / {bare:.1f} µs",
    )  # fmt: skip


async def in_turns(count: int, rate: float, ours: Any, theirs: Any) -> list[tuple[float, float]]:
    for side in (ours, theirs):
        await run(*side, 10, rate)  # warm
    return [(await run(*ours, count, rate), await run(*theirs, count, rate)) for _ in range(RUNS)]


async def delay(report: Report, name: str, side: Any, count: int, rate: float) -> None:
    """Real writes at `rate` a second: from the call of the service to each socket."""
    server, crowd, source = side
    size = len(crowd.listeners)
    await run(server, crowd, lambda: source.to_hub(write=True), count, rate)
    ordered = sorted(crowd.delays)
    report.add(
        f"{name} to {size:,} sockets: p99", ordered[int(len(ordered) * 0.99)] * 1000, "ms",
        most=150, note=f"p50 {statistics.median(ordered) * 1000:.0f} ms, {rate:g} a second",
    )  # fmt: skip
    report.add(
        f"{name} to {size:,} sockets: lost", count * size - len(ordered), "frames", most=0,
        note=f"of {count * size:,}",
    )  # fmt: skip


def per_socket(report: Report, name: str, before: tuple[int, int], after: tuple[int, int]) -> None:
    """A row from two pairs of (sockets, bytes of the server)."""
    (few, less), (many, more) = before, after
    report.add(
        name, (more - less) / (many - few) / 1024, "KB", most=30,
        note=f"from {few} to {many} sockets",
    )  # fmt: skip
