"""The numbers of `threadflow.v1`: close codes and limits, with the reasons beside them."""

from __future__ import annotations

from enum import IntEnum

SUBPROTOCOL = "threadflow.v1.json"
VERSION = 1


class Close(IntEnum):
    """Why a socket was closed: 4400 to 4499 means come back, 4500 to 4599 means do not."""

    TOO_BIG = 1009
    GOING_AWAY = 4400
    EXPIRED = 4401
    NO_HELLO = 4404
    SLOW = 4408
    SERVER_ERROR = 4411
    RATE = 4429
    BAD_TICKET = 4500
    PROTOCOL = 4501
    VERSION = 4502
    SUSPENDED = 4503
    TOO_MANY = 4504
    REVOKED = 4505


#: Longest frame from a client, in bytes.
FRAME_BYTES = 16 * 1024
#: Frames from a client per second, and how many it may save up.
OPS_PER_SECOND, OPS_BURST = 10.0, 20.0
#: Refusals for speed within a minute that end the socket.
RATE_STRIKES = 3
#: Frames that make no sense, after which the socket is closed.
PROTOCOL_STRIKES = 3
TOPICS_PER_SOCKET = 50
#: Per process: the cap is against a runaway client, not an exact quota.
SOCKETS_PER_USER, SOCKETS_PER_ADDRESS = 10, 20
#: Who has not said hello may still turn out to be somebody, by a ticket.
UNKNOWN_PER_ADDRESS = 200
HELLO_SECONDS = 10.0
#: What may wait for a client that reads slowly; past either the socket is closed with SLOW.
QUEUE_FRAMES, QUEUE_BYTES = 256, 1024 * 1024
#: Frames kept per topic and process for clients that come back.
RING = 256
#: A client that is further behind starts anew.
RESUME = 500
#: Seconds that a topic outlives its last follower in a process.
LINGER = 30.0
#: Seconds to wait for an earlier frame before the log is read; frames of two processes may
#: overtake each other.
GRACE = 0.05
#: Seconds that a position in the database may be ahead before the log is read.
LATE = 0.2
#: A client with nothing to say pings this often, in seconds.
PING_SECONDS = 25
