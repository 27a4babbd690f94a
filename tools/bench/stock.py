"""The peer of the fan-out: a consumer as the documentation of Channels teaches it.

`uvicorn bench.stock:application` with REDIS_URL and BENCH_GROUP in the environment. It answers
the hello like the real server, so that the same clients measure both. Sign-in and routing are
left out, which costs it nothing.
"""

from __future__ import annotations

import json
import os
from typing import Any

from django.conf import settings

# redis-py 8 would end every idle connection after five seconds.
HOST = {"address": os.environ["REDIS_URL"], "socket_timeout": None}
LAYERS = {
    "default": {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": {"hosts": [HOST]}}
}
if not settings.configured:
    settings.configure(CHANNEL_LAYERS=LAYERS)

from channels.generic.websocket import AsyncWebsocketConsumer  # noqa: E402 - needs the settings
from channels.routing import ProtocolTypeRouter  # noqa: E402


class RoomConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]
    async def connect(self) -> None:
        self.group = os.environ["BENCH_GROUP"]
        await self.channel_layer.group_add(self.group, self.channel_name)
        await self.accept("threadflow.v1.json")

    async def disconnect(self, code: int) -> None:
        await self.channel_layer.group_discard(self.group, self.channel_name)

    async def receive(self, text_data: str = "", bytes_data: bytes | None = None) -> None:
        await self.send(text_data='{"op":"subd","seq":0}')

    async def chat_message(self, event: dict[str, Any]) -> None:
        await self.send(text_data=json.dumps(event["frame"], separators=(",", ":")))


application = ProtocolTypeRouter({"websocket": RoomConsumer.as_asgi()})
