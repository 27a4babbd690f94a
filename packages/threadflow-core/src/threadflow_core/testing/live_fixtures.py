"""Fixtures for tests of live topics, of which pytest-asyncio is needed.

Name this module in `pytest_plugins`, beside `threadflow_core.testing.pytest_plugin`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest_asyncio

from .live import LiveClient, signed_in


@pytest_asyncio.fixture
async def live_end() -> AsyncIterator[None]:
    """Ends what sockets began, after they have left. Replace it where there is more to end.

    The hub of the event loop begins with the first socket, with the settings of that moment.
    """
    from ..realtime.hub import current_hub

    yield
    await current_hub().stop()


@pytest_asyncio.fixture
async def live_clients(live_end: None) -> AsyncIterator[Callable[..., LiveClient]]:
    """Makes clients that leave with the test: `live_clients(address="10.0.0.9")`; see `LiveClient`."""
    made: list[LiveClient] = []

    def make(**options: Any) -> LiveClient:
        made.append(LiveClient(**options))
        return made[-1]

    yield make
    for client in made:
        await client.leave()


@pytest_asyncio.fixture
async def sockets(
    live_clients: Callable[..., LiveClient],
) -> Callable[..., Awaitable[LiveClient]]:
    """Makes sockets of people with a session: `await sockets(ada)`; without a name, a stranger's."""
    from django.urls import get_resolver

    from ..realtime.threads import in_thread

    # The site's URLs are loaded before anybody waits.
    await in_thread(lambda: get_resolver().url_patterns)

    async def make(user: Any = None) -> LiveClient:
        session = None if user is None else await in_thread(signed_in, user)
        return live_clients(user=user, session=session)

    return make
