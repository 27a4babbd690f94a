"""The seam: what carries envelopes from the process that wrote to those that serve sockets."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol


class Receiver(Protocol):
    """The listening end of one event loop."""

    async def subscribe(self, channel: str) -> None:
        """Return once envelopes on `channel` will arrive, or as soon as that cannot be known."""

    async def unsubscribe(self, channel: str) -> None: ...

    async def close(self) -> None: ...


#: Called in the event loop with each envelope.
Deliver = Callable[[str, bytes], None]
#: Awaited after envelopes may have been missed.
Recovered = Callable[[], Awaitable[None]]


class Backend(Protocol):
    """Carries envelopes. Losing some is allowed: positions are compared with the log."""

    def wanted(self, channel: str) -> bool:
        """False only when certainly nobody listens, so that rendering can be spared."""

    def publish(self, channel: str, envelope: bytes) -> None:
        """Send from any thread. Never raises and never holds the caller up for long."""

    def receiver(self, deliver: Deliver, recovered: Recovered) -> Receiver:
        """Open the listening end. Called inside the event loop that will run `deliver`."""
