"""Rooms: fan-out against the floor and against stock Channels, delay, loss, memory, the send path."""

from __future__ import annotations

import asyncio
import itertools
import json
import statistics
import time
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from . import load
from .live import (
    Server,
    Source,
    against_floor,
    delay,
    in_turns,
    per_socket,
    serve,
    serve_floor,
)
from .report import Report
from .site import Site, cookie_of
from .sockets import Crowd, Speakers

PEOPLE = 1_000
#: Sockets, frames of one run, and frames per second.
SIZES = ((200, 150, 50.0), (1_000, 40, 10.0))
#: The pace against stock Channels, which a faster one would choke.
PEER = (200, 40, 10.0)
#: Messages per second of a lively room, and how many are sent.
LIVELY = (50, 5.0)
#: Sockets that send, for how many seconds, and how long each waits between two: the server lets
#: one send ten in a second.
SENDERS, SECONDS, PACE = 100, 10.0, 0.101
ROOMS = 100
#: Connections of the REST clients, and what each sends.
CLIENTS, REQUESTS = 8, 60
TEXT = "A message of ordinary length, with a second thought and a third one."


def measure(site: Site, report: Report) -> None:
    """Add the rows of the chat. Needs Redis."""
    content = Content()
    asyncio.run(_fan_out(site, content, report))
    asyncio.run(_bytes(site, content, report))
    asyncio.run(_sockets(site, content, report))
    _rest(site, content, report)


class Content:
    """A crowd of people and rooms of the site's threads."""

    def __init__(self) -> None:
        from threadflow_chat.services import rooms
        from threadflow_forum.services.threads import post_thread
        from threadflow_forum.swaps import get_sub_model, get_thread_model

        self.people = people()
        make_members(self.people)
        self.author = self.people[-1]
        sub = get_sub_model().objects.filter(visibility="public").order_by("pk").first()
        thread = post_thread(author=self.author, sub=sub, title="Talked about by a crowd")
        self.room = rooms.open_for(person=self.author, target=thread)
        open_to_all = get_thread_model().objects.filter(
            state="visible", locked_at=None, sub__visibility="public", sub__archived_at=None
        )
        self.rooms = [
            rooms.open_for(person=self.author, target=one)
            for one in open_to_all.exclude(pk=thread.pk).order_by("pk")[:ROOMS]
        ]

    def ticket(self, n: int) -> str:
        """A ticket of the n-th person, as the site gives it to who is signed in."""
        from threadflow_core.realtime import tickets

        return tickets.issue(self.people[n], expires_at=time.time() + tickets.SOCKET_LIFE)

    def messages(self, site: Site) -> Source:
        """Messages of the room, one like the other but for a number: the same twice is refused."""
        from threadflow_chat.services.messages import send_message

        def write() -> Any:
            text = f"{TEXT} {time.monotonic_ns()}"
            return send_message(author=self.author, room=self.room, text=text)

        first = write()
        ids = {"message": str(first.pk), "mno": first.mno}
        return Source(site, self.room.live_topic, "msg.edit", ids, first, write)


def people() -> list[Any]:
    """People who sit in rooms, made on first use; one of them writes."""
    from django.contrib.auth import get_user_model

    users = get_user_model()
    rows = users._default_manager.filter(username__startswith="talker")
    there = set(rows.values_list("username", flat=True))
    names = [f"talker{n}" for n in range(PEOPLE + 1)]
    users._default_manager.bulk_create(
        users(username=name, password="!") for name in names if name not in there
    )
    return list(rows.order_by("pk"))


def make_members(crowd: list[Any]) -> None:
    """Give Premium to who lacks it: live chat is part of it, and its check is part of the cost."""
    from threadflow_billing.models import Grant
    from threadflow_billing.services import accounts, grants
    from threadflow_billing.swaps import get_plan_model

    premium = get_plan_model()._default_manager.get(code="premium")
    users = type(crowd[0])._default_manager
    staff, _created = users.get_or_create(
        username="benchstaff", defaults={"is_staff": True, "is_superuser": True}
    )
    there = set(Grant.objects.filter(plan=premium).values_list("account__owner_id", flat=True))
    for person in crowd:
        if person.pk not in there:
            grants.give(
                staff=staff,
                account=accounts.ensure(person),
                plan=premium,
                days=None,
                reason="Measured.",
            )


# ------------------------------------------------------------------ fan-out


async def _fan_out(site: Site, content: Content, report: Report) -> None:
    source = await asyncio.to_thread(content.messages, site)
    hub, floor = serve(site), serve_floor(site, source)
    followers = Crowd(hub.port, source.topic, content.ticket)
    members = Crowd(floor.port, "any")
    memory: list[tuple[int, int]] = []
    try:
        for size, count, rate in SIZES:
            await followers.grow(size)
            await members.grow(size)
            await asyncio.sleep(1)
            memory.append((size, hub.memory()))
            await against_floor(report, "a room's fan-out", count, rate,
                                (hub, followers, source.to_hub),
                                (floor, members, source.to_floor))  # fmt: skip
            if size == PEER[0]:
                await _against_stock(site, source, report, (hub, followers, source.to_hub))
            await delay(report, "a message", (hub, followers, source), *LIVELY)
        per_socket(report, "memory per idle socket in a room", *memory)
    finally:
        await followers.leave()
        await members.leave()
        hub.stop()
        floor.stop()


async def _against_stock(site: Site, source: Source, report: Report, ours: Any) -> None:
    """Runs of both in turns; the same frames, at a pace that both bear."""
    size, count, rate = PEER
    group = f"bench{uuid.uuid4().hex}"
    site.env["BENCH_GROUP"] = group
    stock = Server(
        site, "uvicorn", "bench.stock:application", "--port", "{port}",
        "--log-level", "error", "--no-access-log",
    )  # fmt: skip
    members = Crowd(stock.port, "any")
    try:
        await members.grow(size)
        pairs = await in_turns(count, rate, ours, (stock, members, _to_group(source, site, group)))
    finally:
        await members.leave()
        stock.stop()
    mine, theirs = (statistics.median(side) for side in zip(*pairs, strict=True))
    ratio = statistics.median(other / one for one, other in pairs)
    report.add(
        f"a room's fan-out to {size:,} sockets: CPU of stock Channels / ours", ratio, "x",
        least=8, note=f"{theirs:.1f} / {mine:.1f} µs",
    )  # fmt: skip


def _to_group(source: Source, site: Site, group: str) -> Callable[[], int]:
    """Sends the source's frame by the channel layer."""
    from asgiref.sync import async_to_sync
    from channels_redis.core import RedisChannelLayer

    layer = RedisChannelLayer(hosts=[{"address": site.redis, "socket_timeout": None}])

    numbers = itertools.count(1)

    def to_group() -> int:
        number = next(numbers)
        event = {"type": "chat.message", "frame": json.loads(source.frame(number))}
        async_to_sync(layer.group_send)(group, event)
        return number

    return to_group


# ------------------------------------------------------------------ bytes to Redis


async def _bytes(site: Site, content: Content, report: Report) -> None:
    """What the server sends to Redis for one message, with few and with many listeners.

    Signs of life of people present are no part of a message, so none are due meanwhile.
    """
    from threadflow_core.testing.proxy import FaultProxy

    url = urlsplit(site.redis)
    with FaultProxy(url.hostname or "127.0.0.1", url.port or 6379) as proxy:
        through = Site(site.size, site.var)
        through.env = {**site.env, "REDIS_URL": f"redis://127.0.0.1:{proxy.port}{url.path}"}
        through.env["BENCH_PRESENCE"] = "once"
        server = serve(through)
        crowd = Crowd(server.port, content.room.live_topic, content.ticket)
        speakers = Speakers(server.port, ticket=lambda n: content.ticket(PEOPLE))
        found = []
        try:
            await speakers.grow(1)
            for size in (20, 1_000):
                await crowd.grow(size)
                found.append(await _bytes_of_one(proxy, crowd, speakers.listeners[0], content))
        finally:
            await crowd.leave()
            await speakers.leave()
            server.stop()
    few, many = found
    report.add(
        "bytes to Redis per message: 1,000 listeners / 20", many / few, "x", most=1.05,
        note=f"{many:.0f} / {few:.0f} bytes",
    )  # fmt: skip


async def _bytes_of_one(proxy: Any, crowd: Crowd, speaker: Any, content: Content) -> float:
    await asyncio.sleep(4)  # until everybody's arrival is told
    crowd.forget()
    before, count = proxy.sent, 30
    for _ in range(count):
        await _say(speaker, content.room)
        await asyncio.sleep(PACE)
    if not await crowd.all_have(count, 30):
        raise RuntimeError("Some messages did not arrive.")
    return float(proxy.sent - before) / count


async def _say(speaker: Any, room: Any) -> float:
    """Send one message; seconds until its acknowledgement."""
    nonce = uuid.uuid4().hex
    began = time.perf_counter()
    text = f"{TEXT} {nonce}"
    answer = await speaker.ask(op="msg.send", room=str(room.pk), nonce=nonce, text=text)
    if answer["op"] != "ack" or answer["nonce"] != nonce:
        raise RuntimeError(f"Not the acknowledgement: {answer}")
    return time.perf_counter() - began


# ------------------------------------------------------------------ the send path


async def _sockets(site: Site, content: Content, report: Report) -> None:
    """As many messages as a hundred sockets get through one server process and PostgreSQL."""
    server = serve(site)
    speakers = Speakers(server.port, ticket=content.ticket)
    try:
        await speakers.grow(SENDERS)
        for rooms in ([content.room], content.rooms):
            for n, speaker in enumerate(speakers.listeners):
                await speaker.ask(op="sub", topic=rooms[n % len(rooms)].live_topic)
            await _talk(speakers, rooms, 2.0)  # everybody is a member afterwards
            before = server.cpu()
            times, seconds = await _talk(speakers, rooms, SECONDS)
            cpu = (server.cpu() - before) / len(times) * 1000
            _row(report, "msg.send", rooms, len(times) / seconds, sorted(times), cpu)
            for n, speaker in enumerate(speakers.listeners):
                await speaker.ask(op="unsub", topic=rooms[n % len(rooms)].live_topic)
    finally:
        await speakers.leave()
        server.stop()


async def _talk(speakers: Speakers, rooms: list[Any], seconds: float) -> tuple[list[float], float]:
    """Seconds of each acknowledgement, and how long it all took."""
    times: list[float] = []
    began = time.perf_counter()

    async def one(n: int, speaker: Any) -> None:
        await asyncio.sleep(PACE * n / SENDERS)
        while time.perf_counter() < began + seconds:
            taken = await _say(speaker, rooms[n % len(rooms)])
            times.append(taken)
            await asyncio.sleep(max(0.0, PACE - taken))

    await asyncio.gather(*(one(n, speaker) for n, speaker in enumerate(speakers.listeners)))
    return times, time.perf_counter() - began


def _rest(site: Site, content: Content, report: Report) -> None:
    """The same over REST: two worker processes, as many clients as keep them busy."""
    from django.urls import reverse

    token = "c" * 32
    cookies = [f"{cookie_of(who)}; csrftoken={token}" for who in content.people[:CLIENTS]]

    def requests(rooms: list[Any], cookie: str, first: int) -> list[bytes]:
        found = []
        for n in range(REQUESTS):
            path = reverse(
                "threadflow_chat_api:messages", args=[rooms[(first + n * CLIENTS) % len(rooms)].pk]
            )
            nonce = uuid.uuid4().hex
            body = json.dumps({"text": f"{TEXT} {nonce}", "nonce": nonce})
            found.append(load.request(path, cookie, body, token, "application/json"))
        return found

    with site.web() as port:
        for rooms in ([content.room], content.rooms):
            for warm in (True, False):
                raws = [requests(rooms, cookie, n) for n, cookie in enumerate(cookies)]
                before = site.cpu()
                result = load.run_each(port, raws, count=10 if warm else REQUESTS)
                cpu = (site.cpu() - before) / len(result.times) * 1000
                if set(result.statuses) != {201}:
                    raise RuntimeError(f"Sending answers {result.statuses}.")
            _row(report, "REST", rooms, result.per_second, sorted(result.times), cpu)


def _row(
    report: Report, by: str, rooms: list[Any], rate: float, times: list[float], cpu: float
) -> None:
    where = "one room" if len(rooms) == 1 else f"{len(rooms)} rooms"
    p50, p99 = times[len(times) // 2] * 1000, times[int(len(times) * 0.99)] * 1000
    note = f"p50 {p50:.0f} ms, p99 {p99:.0f} ms, CPU {cpu:.1f} ms each"
    report.add(f"messages a second in {where} by {by}", rate, "1/s", note=note)
