"""Frames by Redis pub/sub: one subscription per topic and process, whoever listens there."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time

import redis
import redis.asyncio
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

from ...app_settings import app_settings
from .base import Deliver, Receiver, Recovered
from .inprocess import InProcessBackend

logger = logging.getLogger("threadflow.realtime")

#: Longest that a write waits for Redis, in seconds, and for how long Redis is then left alone.
PATIENCE, PAUSE = 0.25, 2.0
#: Seconds between signs of life, and after how many without any the connection is made anew.
PING, DEAF = 10.0, 25.0
#: Pauses between tries to connect, in seconds.
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0


class RedisBackend:
    """Publishes with short timeouts and never raises; what is lost is read from the log.

    While Redis is away, sockets of the publishing process are still served at once.
    """

    def __init__(self) -> None:
        self._prefix = f"{app_settings.REALTIME_REDIS_PREFIX}:"
        self._local = InProcessBackend()
        self._resting_until = 0.0
        self._client = redis.Redis.from_url(
            app_settings.REALTIME_REDIS_URL,
            socket_timeout=PATIENCE,
            socket_connect_timeout=PATIENCE,
            retry=Retry(NoBackoff(), 0),
        )

    def wanted(self, channel: str) -> bool:
        return True

    def publish(self, channel: str, envelope: bytes) -> None:
        if time.monotonic() >= self._resting_until:
            try:
                self._client.publish(self._prefix + channel, envelope)
                return
            except (redis.RedisError, OSError) as error:
                self._resting_until = time.monotonic() + PAUSE
                logger.warning("Redis did not take a live frame, the log repairs it: %s", error)
        self._local.publish(channel, envelope)

    def receiver(self, deliver: Deliver, recovered: Recovered) -> Receiver:
        return _RedisReceiver(self._prefix, deliver, recovered, self._local)


class _RedisReceiver:
    """One pub/sub connection. Changes go through one lock: two at once lose subscriptions."""

    def __init__(
        self, prefix: str, deliver: Deliver, recovered: Recovered, local: InProcessBackend
    ) -> None:
        self._prefix = prefix
        self._deliver = deliver
        self._recovered = recovered
        self._wanted: set[str] = set()
        self._confirmed: dict[str, asyncio.Event] = {}
        self._lock = asyncio.Lock()
        self._pubsub: redis.asyncio.client.PubSub | None = None
        self._fallback = local.receiver(deliver, recovered)
        self._heard = 0.0
        self._task = asyncio.get_running_loop().create_task(self._live())

    async def subscribe(self, channel: str) -> None:
        await self._fallback.subscribe(channel)
        self._wanted.add(channel)
        confirmed = self._confirmed.setdefault(channel, asyncio.Event())
        async with self._lock:
            if self._pubsub is not None and channel in self._wanted:
                with contextlib.suppress(redis.RedisError, OSError):  # the reader notices too
                    await self._pubsub.subscribe(self._prefix + channel)
        # While Redis is away nothing confirms; positions are compared when it is back.
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(confirmed.wait(), 1.0 if self._pubsub else 0.05)

    async def unsubscribe(self, channel: str) -> None:
        await self._fallback.unsubscribe(channel)
        self._wanted.discard(channel)
        self._confirmed.pop(channel, None)
        async with self._lock:
            if self._pubsub is not None and channel not in self._wanted:
                with contextlib.suppress(redis.RedisError, OSError):
                    await self._pubsub.unsubscribe(self._prefix + channel)

    async def close(self) -> None:
        await self._fallback.close()
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _live(self) -> None:
        pause = FIRST_PAUSE
        while True:
            client = redis.asyncio.Redis.from_url(
                app_settings.REALTIME_REDIS_URL,
                socket_timeout=None,  # an idle subscription is not an error
                socket_connect_timeout=2,
                socket_keepalive=True,
                protocol=2,
                retry=AsyncRetry(NoBackoff(), 0),
            )
            try:
                pubsub = await self._connect(client)
                pause = FIRST_PAUSE
                if self._wanted:  # somebody may have missed something
                    await self._recovered()
                await self._read(pubsub)
            except (redis.RedisError, OSError, TimeoutError) as error:
                logger.warning("Redis is away, live frames come from the log: %s", error)
            except Exception:
                logger.exception("The subscription to Redis broke")
            finally:
                await self._disconnect(client)
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311
            pause = min(LONGEST_PAUSE, pause * 2)

    async def _connect(self, client: redis.asyncio.Redis) -> redis.asyncio.client.PubSub:
        pubsub = client.pubsub()
        async with asyncio.timeout(3):
            await pubsub.connect()  # type: ignore[no-untyped-call]
            await pubsub.ping()
            async with self._lock:
                if self._wanted:
                    await pubsub.subscribe(*(self._prefix + name for name in self._wanted))
                self._pubsub = pubsub
        self._heard = time.monotonic()
        return pubsub

    async def _read(self, pubsub: redis.asyncio.client.PubSub) -> None:
        pinged = time.monotonic()
        while True:
            message = await pubsub.get_message(timeout=PING)
            now = time.monotonic()
            if message is not None:
                self._heard = now
                self._on_message(message)
            if now - self._heard > DEAF:
                raise TimeoutError("nothing heard, not even an answer to a ping")
            if now - pinged > PING:
                pinged = now
                async with self._lock, asyncio.timeout(2):
                    await pubsub.ping()

    def _on_message(self, message: dict[str, object]) -> None:
        raw = message.get("channel")
        if not isinstance(raw, bytes):
            return
        channel = raw.decode().removeprefix(self._prefix)
        if message["type"] == "message":
            data = message["data"]
            if isinstance(data, bytes):
                self._deliver(channel, data)
        elif message["type"] == "subscribe" and channel in self._confirmed:
            self._confirmed[channel].set()

    async def _disconnect(self, client: redis.asyncio.Redis) -> None:
        pubsub, self._pubsub = self._pubsub, None
        for confirmed in self._confirmed.values():
            confirmed.clear()
        with contextlib.suppress(redis.RedisError, OSError, TimeoutError):
            async with asyncio.timeout(1):
                if pubsub is not None:
                    await pubsub.aclose()  # type: ignore[no-untyped-call]
                await client.aclose()
