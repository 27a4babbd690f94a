"""A short way to the clients of uvicorn, for frames that go to a crowd.

An ASGI server puts the same frame together anew for each socket, which is a third of what a
delivery costs. Frames of a server that compresses nothing are the same bytes for everybody
(RFC 6455, 5.3: only clients mask), so they are made once and handed to each transport. This
knows uvicorn from the inside; whatever looks different, another server, a middleware that wraps
`send`, compression, a client that does not keep up, goes the way of ASGI.
"""

from __future__ import annotations

import struct
from typing import Any

try:
    from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
    from websockets.protocol import State
except ImportError:
    WebSocketsSansIOProtocol = None  # type: ignore[assignment,misc]


class Way:
    """The way to one client."""

    __slots__ = ("_conn", "_protocol", "_transport", "_writable")

    def __init__(self, protocol: Any) -> None:
        self._protocol = protocol
        self._conn, self._transport = protocol.conn, protocol.transport
        self._writable = protocol.writable

    def write(self, frame: bytes) -> bool:
        """Write a whole frame if that can be done at once; False: nothing was written."""
        protocol = self._protocol
        if (
            not self._writable.is_set()
            or self._conn.state is not State.OPEN
            or protocol.close_sent
            or protocol.disconnected
        ):
            return False
        self._transport.write(frame)
        return True


def way_of(send: Any) -> Way | None:
    """The way behind the `send` of an accepted socket, None where there is only `send`."""
    protocol = getattr(send, "__self__", None)
    if WebSocketsSansIOProtocol is None or type(protocol) is not WebSocketsSansIOProtocol:
        return None
    if getattr(send, "__func__", None) is not WebSocketsSansIOProtocol.send:
        return None
    try:
        # Each extension turns a frame into other bytes, and may remember what it sent.
        return None if protocol.conn.extensions else Way(protocol)
    except AttributeError:  # another uvicorn than those that are known
        return None


def text_frame(text: str) -> bytes:
    """A final, unmasked text frame (RFC 6455, 5.2)."""
    body = text.encode()
    size = len(body)
    if size < 126:
        return struct.pack("!BB", 0x81, size) + body
    if size < 65536:
        return struct.pack("!BBH", 0x81, 126, size) + body
    return struct.pack("!BBQ", 0x81, 127, size) + body
