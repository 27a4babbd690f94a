"""Sockets for tests, a plugin of the conftest."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest_asyncio
from django.contrib.sessions.backends.db import SessionStore
from django.test import Client
from django.urls import reverse

from threadflow_core.realtime.threads import in_thread

from .live_client import LocalSocket


@pytest_asyncio.fixture
async def sockets() -> AsyncIterator[Callable[..., Awaitable[LocalSocket]]]:
    """Makes sockets: `sockets(ada)`, or `sockets()` of a stranger. All leave after the test."""
    from threadflow_chat.live import presence
    from threadflow_core.realtime.hub import current_hub

    made: list[LocalSocket] = []

    def session_of(user: Any) -> SessionStore:
        client = Client()
        client.force_login(user)
        return SessionStore(client.session.session_key)

    # The site's URLs are loaded before anybody waits.
    await in_thread(reverse, "threadflow_chat:index")

    async def make(user: Any = None) -> LocalSocket:
        session = None if user is None else await in_thread(session_of, user)
        made.append(LocalSocket(user, session))
        return made[-1]

    yield make
    for socket in made:
        await socket.leave()
    await presence.keeper().stop()
    await current_hub().stop()
