"""Bad input by every way into a room: the socket, REST, and forms. Nothing is half-written.

Files that lie about what they are: `test_api`, `test_pages`. Frames that are none: F15.
"""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
import pytest_asyncio

pytest.importorskip("channels", reason="live frames need Channels")

from django.conf import settings as django_settings
from django.test import Client
from django.urls import reverse

from threadflow_chat.services import messages
from threadflow_chat.swaps import get_message_model, get_room_model
from threadflow_core.realtime.threads import in_thread
from threadflow_core.testing.live import LiveClient

pytestmark = pytest.mark.django_db(transaction=True)

WITH_API = "rest_framework" in django_settings.INSTALLED_APPS
needs_api = pytest.mark.skipif(not WITH_API, reason="this site has no REST framework")
CODES = {413: "too_long", 410: "parent_gone", 409: "nonce_used", 403: "not_yours"}


class Ways:
    """What one person sends, by each way; all answer with a status."""

    def __init__(self, person: Any, socket: LiveClient) -> None:
        self.client = Client()
        self.client.force_login(person)
        self.socket = socket

    async def say(self, way: str, room: Any, **given: Any) -> int:
        if way == "socket":
            return self._status(await self.socket.ask("msg.send", room=str(room.pk), **given))
        if way == "REST":
            return await self._rest("post", f"rooms/{room.pk}/messages/", given)
        return await self._form("say", room.pk, given)

    async def edit(self, way: str, message: Any, text: str) -> int:
        if way == "socket":
            return self._status(await self.socket.ask("msg.edit", id=str(message.pk), text=text))
        if way == "REST":
            return await self._rest("patch", f"messages/{message.pk}/", {"text": text})
        return await self._form("edit", message.pk, {"text": text})

    async def join(self, way: str, key: str) -> int:
        if way == "socket":
            self.socket.send(op="sub", topic=f"room:{key}")
            answer = await self.socket.get("subd", "err")
            assert answer["op"] == "err" and answer["code"] == "unknown_topic", answer
            return 404
        if way == "REST":
            return await self._rest("put", f"rooms/{key}/membership/", {"joined": True})
        return await self._form("join", key, {"on": "1"})

    async def _rest(self, method: str, path: str, given: Any) -> int:
        send = getattr(self.client, method)
        body, as_json = json.dumps(given), "application/json"
        answer = await in_thread(lambda: send(f"/api/v1/chat/{path}", body, content_type=as_json))
        if answer.status_code >= 400:
            told = answer.json()
            assert told["code"] and told["detail"]
        return int(answer.status_code)

    async def _form(self, name: str, key: Any, given: Any) -> int:
        url = reverse(f"threadflow_chat:{name}", args=[key])
        answer = await in_thread(lambda: self.client.post(url, given))
        return int(answer.status_code)

    @staticmethod
    def _status(answer: dict[str, Any]) -> int:
        if answer["op"] != "err":
            return 200
        assert answer["msg"]
        known = {code: status for status, code in CODES.items()}
        return {**known, "empty": 422, "bad_request": 422}.get(answer["code"], 0)


@pytest_asyncio.fixture
async def ways(ada: Any, room: Any, sockets: Any) -> Ways:
    socket = await sockets(ada)
    await socket.follow(room.live_topic)
    return await in_thread(Ways, ada, socket)


every_way = pytest.mark.parametrize(
    "way", ["socket", pytest.param("REST", marks=needs_api), "form"]
)


def written() -> tuple[int, int]:
    room = get_room_model().objects.order_by("pk").first()
    return get_message_model().objects.count(), room.last_mno if room else 0


@every_way
@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("", 422),
        ("   \n\t ", 422),
        ("\x00\x07\x1f\x7f", 422),
        ("\u200b\u2060\u202e", 422),
        ("x" * 4_001, 413),
        ("🎉" * 10_000, 413),
    ],
    ids=["empty", "spaces", "control characters", "nothing to see", "too long", "emoji"],
)
async def test_texts_that_are_no_message(
    ways: Ways, room: Any, way: str, text: str, status: int
) -> None:
    if way == "socket" and len(text.encode()) > 16_000:
        ways.socket.send(op="msg.send", i=1, room=str(room.pk), text=text)
        assert await ways.socket.code() == 1009  # one frame has 16 KiB at most
    else:
        assert await ways.say(way, room, text=text) == status
    assert await in_thread(written) == (0, 0)


@every_way
async def test_an_answer_to_what_was_taken_back(
    ways: Ways, room: Any, ada: Any, say: Any, way: str
) -> None:
    parent = await in_thread(say, room)
    await in_thread(lambda: messages.delete_message(person=ada, message=parent))
    assert await ways.say(way, room, text="Yes", reply_to=str(parent.pk)) == 410
    assert await in_thread(written) == (1, 1)


@every_way
async def test_an_edit_by_somebody_else(
    ways: Ways, room: Any, bo: Any, say: Any, fresh: Any, way: str
) -> None:
    theirs = await in_thread(lambda: say(room, "Mine", author=bo))
    assert await ways.edit(way, theirs, "Yours") == 403
    assert (await in_thread(fresh, theirs)).source == "Mine"


@every_way
async def test_a_nonce_that_was_used_for_other_words(
    ways: Ways, room: Any, say: Any, fresh: Any, way: str
) -> None:
    first = await in_thread(lambda: say(room, "First", nonce="n-1"))
    assert await ways.say(way, room, text="Second", nonce="n-1") == 409
    assert await in_thread(written) == (1, 1)
    assert (await in_thread(fresh, first)).source == "First"
    again = await ways.say(way, room, text="First", nonce="n-1")
    assert again in (200, 201, 303) and await in_thread(written) == (1, 1)


@every_way
async def test_a_room_that_is_gone_is_not_joined(ways: Ways, room: Any, way: str) -> None:
    key = str(room.pk)
    await in_thread(room.delete)
    for one in (key, str(uuid.uuid4())):
        assert await ways.join(way, one) == 404
