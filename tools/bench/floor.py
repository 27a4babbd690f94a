"""The floor of the fan-out: `websockets.broadcast` of what one Redis channel brings.

`python -m bench.floor PORT REDIS_URL CHANNEL`. It answers the hello like the real server, so
that the same clients measure both.
"""

from __future__ import annotations

import sys
from typing import Any

import redis.asyncio
import uvloop
from websockets.asyncio.server import ServerConnection, broadcast, serve

members: set[Any] = set()


async def member(ws: ServerConnection) -> None:
    await ws.recv()
    members.add(ws)
    try:
        await ws.send('{"op":"subd","seq":0}')
        await ws.wait_closed()
    finally:
        members.discard(ws)


async def main(port: int, url: str, channel: str) -> None:
    pubsub = redis.asyncio.Redis.from_url(url, socket_timeout=None, protocol=2).pubsub()
    await pubsub.subscribe(channel)
    protocol: Any = "threadflow.v1.json"
    async with serve(member, "127.0.0.1", port, compression=None, subprotocols=[protocol]):
        async for message in pubsub.listen():
            if message["type"] == "message":
                broadcast(members, message["data"].decode())


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), sys.argv[2], sys.argv[3]))
