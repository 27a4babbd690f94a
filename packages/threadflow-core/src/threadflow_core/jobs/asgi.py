"""Jobs in an ASGI server: begun when it starts, ended in order when it stops."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from . import embedded

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[dict[str, Any], Receive, Send], Awaitable[None]]


def with_jobs(application: Application) -> Application:
    """Wrap a site's ASGI application: the embedded thread then lives as long as the server.

    Without it the thread starts with the first request, and a server that ends itself by the
    signal it got (uvicorn on SIGTERM) leaves its leases to run out, which costs a minute and
    nothing else.
    """

    async def wrapped(scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await application(scope, receive, send)
            return
        while (message := await receive())["type"] != "lifespan.shutdown":
            if message["type"] == "lifespan.startup":
                embedded.start()
                await send({"type": "lifespan.startup.complete"})
        await asyncio.to_thread(embedded.stop)
        await send({"type": "lifespan.shutdown.complete"})

    return wrapped
