"""Frames within one process: for one server process, and for tests. Needs nothing."""

from __future__ import annotations

import asyncio
import threading

from .base import Deliver, Receiver, Recovered


class InProcessBackend:
    """Hands envelopes to the event loops of this process.

    Other processes learn of sequenced events when they next compare positions with the
    database (`REALTIME_POSITION_SECONDS`); hints do not reach them.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._receivers: set[_InProcessReceiver] = set()

    def wanted(self, channel: str) -> bool:
        with self._lock:
            return any(channel in receiver.channels for receiver in self._receivers)

    def publish(self, channel: str, envelope: bytes) -> None:
        with self._lock:
            receivers = [one for one in self._receivers if channel in one.channels]
        for receiver in receivers:
            receiver.hand_over(channel, envelope)

    def receiver(self, deliver: Deliver, recovered: Recovered) -> Receiver:
        receiver = _InProcessReceiver(self, deliver)
        with self._lock:
            self._receivers.add(receiver)
        return receiver

    def forget(self, receiver: _InProcessReceiver) -> None:
        with self._lock:
            self._receivers.discard(receiver)


class _InProcessReceiver:
    def __init__(self, backend: InProcessBackend, deliver: Deliver) -> None:
        self._backend = backend
        self._deliver = deliver
        self._loop = asyncio.get_running_loop()
        self.channels: set[str] = set()

    def hand_over(self, channel: str, envelope: bytes) -> None:
        try:
            self._loop.call_soon_threadsafe(self._deliver, channel, envelope)
        except RuntimeError:  # the loop was closed without us
            self._backend.forget(self)

    async def subscribe(self, channel: str) -> None:
        self.channels.add(channel)

    async def unsubscribe(self, channel: str) -> None:
        self.channels.discard(channel)

    async def close(self) -> None:
        self._backend.forget(self)
