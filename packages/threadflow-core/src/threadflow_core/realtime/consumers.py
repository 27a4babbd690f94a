"""The ASGI application behind `ws/v1/`. Of Channels it needs the router, no more."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from ..jobs import embedded
from . import protocol
from .access import Identity, of_scope
from .hub import Hub, current_hub
from .origins import headers_of, is_allowed
from .protocol import Close
from .publishing import enabled
from .session import Session
from .threads import in_thread

logger = logging.getLogger("threadflow.realtime")

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
#: `(person, **url_kwargs) -> topics` that a URL joins at once.
UrlTopics = Callable[..., list[str]]


class LiveConsumer:
    """Serves one socket per call. It needs no channel layer.

    `topics(person, **url_kwargs)` names topics that are joined right after the hello, for URLs
    that stand for something; it runs in a thread and may use the database.
    """

    def __init__(self, *, topics: UrlTopics | None = None) -> None:
        self._topics = topics

    @classmethod
    def as_asgi(cls, *, topics: UrlTopics | None = None) -> LiveConsumer:
        """The application for a `path()` in a URLRouter."""
        return cls(topics=topics)

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        await receive()  # websocket.connect
        embedded.start()
        origin = headers_of(scope).get("origin")
        if not enabled() or (origin is not None and not is_allowed(origin, scope)):
            await send({"type": "websocket.close", "code": 1008})  # refused before it is accepted
            return
        identity = Identity()
        if origin is not None:
            # Only a page of ours may use the cookies; others prove themselves by a ticket.
            identity = await in_thread(of_scope, scope)
        offered = scope.get("subprotocols") or []
        known = protocol.SUBPROTOCOL in offered
        accept = {"type": "websocket.accept"}
        await send({**accept, "subprotocol": protocol.SUBPROTOCOL} if known else accept)
        hub = current_hub()
        session = Session(hub, send, identity, topics=self._bound_topics(scope))
        session.attach(asyncio.current_task())
        session.address = address_of(scope)
        if offered and not known:
            session.close(Close.VERSION, "subprotocol not served")
        elif _too_many(hub, session):
            session.close(Close.TOO_MANY, "too many sockets")
        await _converse(hub, session, receive)

    def _bound_topics(self, scope: dict[str, Any]) -> Callable[[Any], list[str]] | None:
        if self._topics is None:
            return None
        topics, given = self._topics, scope.get("url_route", {}).get("kwargs", {})
        return lambda person: topics(person, **given)


async def _converse(hub: Hub, session: Session, receive: Receive) -> None:
    try:
        if session.closing is None:
            session.begin()
            await hub.enter(session)
        while (message := await receive())["type"] != "websocket.disconnect":
            if session.closing is not None:
                continue
            text = message.get("text")
            if text is None:
                session.close(Close.PROTOCOL, "text frames only")
            else:
                await session.receive(text)
    except asyncio.CancelledError:
        if session.closing is None:  # not ended by ourselves: the server stops
            raise
    finally:
        hub.exit(session)
        session.end()


def address_of(scope: dict[str, Any]) -> str:
    client = scope.get("client")
    return str(client[0]) if client else ""


def _too_many(hub: Hub, session: Session) -> bool:
    if session.user_id:
        return len(hub.sockets_of(session.user_id)) >= protocol.SOCKETS_PER_USER
    return len(hub.strangers_at(session.address)) >= protocol.UNKNOWN_PER_ADDRESS
