"""Sockets of one process: the protocol, rights, limits, resuming, and clients that misbehave."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio
from django.conf import settings as django_settings
from django.contrib.auth import logout
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.test import Client

from threadflow_core import realtime
from threadflow_core.exceptions import LimitExceeded, NotAllowed
from threadflow_core.policies import Verdict
from threadflow_core.realtime import kinds, log, protocol, tickets, wire
from threadflow_core.realtime.consumers import LiveConsumer
from threadflow_core.realtime.hub import Hub, current_hub
from threadflow_core.realtime.models import LiveEvent, Topic
from threadflow_core.realtime.routing import own_topic
from threadflow_core.realtime.sockets import Socket
from threadflow_core.realtime.threads import in_thread

from .drill import topics
from .drill.models import Ban
from .live_client import LiveClient

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def asked_often(settings: Any) -> None:
    """To be named before `clients`: a hub that runs already keeps its first, longer pause."""
    settings.THREADFLOW_CORE = {"JOBS_DRIVER": "inline", "REALTIME_RECHECK_SECONDS": 0.2}


@pytest_asyncio.fixture
async def hub() -> AsyncIterator[Hub]:
    yield current_hub()
    await current_hub().stop()


@pytest_asyncio.fixture
async def clients(hub: Hub) -> AsyncIterator[Callable[..., LiveClient]]:
    made: list[LiveClient] = []

    def make(**options: Any) -> LiveClient:
        made.append(LiveClient(**options))
        return made[-1]

    yield make
    for client in made:
        await client.leave()


async def resume(client: LiveClient, topic: str, since: int, epoch: str) -> dict[str, Any]:
    await client.send(op="sub", topic=topic, since=since, epoch=epoch)
    return await client.get("subd")


# ---------------------------------------------------------------------- hello and following


async def test_a_stranger_follows_a_public_topic_and_sees_what_happens(clients: Any) -> None:
    client = clients()
    welcome = await client.hello("drill:a")
    assert client.accepted["subprotocol"] == "threadflow.v1.json"
    assert welcome["user"] is None
    assert welcome["limits"]["topics"] == 50
    subscribed = await client.get("subd")
    assert (subscribed["seq"], subscribed["mode"], subscribed["ev"]) == (0, "resume", [])
    note, _ = await in_thread(topics.write, "a", "hello")
    assert await client.get() == {
        "op": "note.new",
        "id": note.pk,
        "text": "hello",
        "topic": "drill:a",
        "seq": 1,
        "epoch": (await in_thread(realtime.position, "drill:a"))[1],
    }


async def test_every_follower_gets_every_frame_once_and_in_order(clients: Any) -> None:
    everybody = [clients(address=f"10.0.0.{n}") for n in range(20)]
    for client in everybody:
        await client.hello("drill:a")
        await client.get("subd")
    for n in range(30):
        await in_thread(topics.write, "a", str(n))
    for client in everybody:
        assert [(await client.get())["seq"] for _ in range(30)] == list(range(1, 31))


async def test_hints_reach_followers_without_a_number(clients: Any) -> None:
    client = clients()
    await client.hello("drillhint:x")
    subscribed = await client.get("subd")
    assert subscribed["seq"] is None
    await in_thread(lambda: realtime.hint("drillhint:x", "scored", id="t1"))
    assert await client.get() == {"op": "scored", "topic": "drillhint:x", "id": "t1"}


async def test_after_unsub_nothing_more_comes(clients: Any) -> None:
    client = clients()
    await client.hello("drill:a")
    await client.get("subd")
    await client.send(op="unsub", topic="drill:a", i=1)
    assert await client.get("ok") == {"op": "ok", "i": 1}
    await in_thread(topics.write, "a", "x")
    assert await client.nothing()


async def test_ping_is_answered_with_the_number_of_the_request(clients: Any) -> None:
    client = clients()
    await client.hello()
    await client.send(op="ping", t=5, i="n1")
    pong = await client.get("pong")
    assert (pong["t"], pong["i"]) == (5, "n1")
    assert abs(pong["now"] / 1000 - time.time()) < 5


async def test_a_url_may_join_topics_by_itself(clients: Any, ada: Any, session_of: Any) -> None:
    session = await in_thread(session_of, ada)
    consumer = LiveConsumer.as_asgi(topics=own_topic)
    client = clients(user=ada, session=session, consumer=consumer)
    await client.hello()
    assert (await client.get("subd"))["topic"] == realtime.user_topic(ada)
    await in_thread(lambda: realtime.publish(realtime.user_topic(ada), "notif", ids={"n": 1}))
    assert (await client.get("notif"))["n"] == 1


async def test_siblings_answer_ops_of_their_own(clients: Any) -> None:
    async def echo(socket: Any, frame: dict[str, Any]) -> dict[str, Any]:
        return {"op": "ack", "nonce": frame["nonce"]}

    def refuse(socket: Any, frame: dict[str, Any]) -> None:
        raise NotAllowed("no", code="muted")

    def limit(socket: Any, frame: dict[str, Any]) -> None:
        raise LimitExceeded(3)

    def explode(socket: Any, frame: dict[str, Any]) -> None:
        raise RuntimeError("secret detail")

    ops = {"drill.echo": echo, "drill.no": refuse, "drill.limit": limit, "drill.bad": explode}
    for op, handler in ops.items():
        realtime.register_op(op, handler)
    try:
        client = clients()
        await client.hello()
        for i, op in enumerate(ops):
            await client.send(op=op, i=i, nonce="n")
        assert await client.get() == {"op": "ack", "nonce": "n", "i": 0}
        assert await client.get() == {"op": "err", "code": "muted", "msg": "no", "i": 1}
        assert (await client.get())["retry_ms"] == 3000
        broken = await client.get()
        assert (broken["code"], broken["i"]) == ("server_error", 3)
        assert "secret" not in broken["msg"]
    finally:
        for op in ops:
            kinds._ops.pop(op)


# ---------------------------------------------------------------------- resuming


async def test_a_client_that_was_away_gets_what_it_missed(clients: Any) -> None:
    for n in range(3):
        await in_thread(topics.write, "a", str(n))
    _seq, epoch = await in_thread(realtime.position, "drill:a")
    client = clients()
    await client.hello({"topic": "drill:a", "since": 1, "epoch": epoch})
    subscribed = await client.get("subd")
    assert subscribed["mode"] == "resume"
    assert [(frame["seq"], frame["text"]) for frame in subscribed["ev"]] == [(2, "1"), (3, "2")]
    await in_thread(topics.write, "a", "3")
    assert (await client.get())["seq"] == 4


async def test_a_page_of_a_topic_that_had_no_event_yet_resumes_from_its_start(
    clients: Any,
) -> None:
    seq, epoch = await in_thread(realtime.position, "drill:new")
    await in_thread(topics.write, "new", "first")
    client = clients()
    await client.hello({"topic": "drill:new", "since": seq, "epoch": epoch})
    subscribed = await client.get("subd")
    assert [frame["text"] for frame in subscribed["ev"]] == ["first"]


async def test_who_followed_before_the_first_event_need_not_start_anew(clients: Any) -> None:
    early = clients()
    await early.hello("drill:fresh")
    assert (await early.get("subd"))["epoch"] == ""
    for text in ("one", "two", "three"):
        await in_thread(topics.write, "fresh", text)
    first, second = await early.get(), await early.get()
    assert "epoch" not in second
    back = clients()
    await back.hello({"topic": "drill:fresh", "since": second["seq"], "epoch": first["epoch"]})
    answer = await back.get("subd")
    assert (answer["mode"], [one["text"] for one in answer["ev"]]) == ("resume", ["three"])


async def test_what_was_hidden_meanwhile_comes_back_as_a_tombstone(clients: Any) -> None:
    watcher = clients()
    await watcher.hello("drill:a")
    await watcher.get("subd")
    note, _ = await in_thread(topics.write, "a", "secret")  # cached in the ring now
    kept, _ = await in_thread(topics.write, "a", "fine")
    await in_thread(topics.hide, note)
    for _ in range(3):
        await watcher.get()
    epoch = (await in_thread(realtime.position, "drill:a"))[1]
    late = clients()
    await late.hello({"topic": "drill:a", "since": 0, "epoch": epoch})
    subscribed = await late.get("subd")
    assert "secret" not in json.dumps(subscribed)
    assert subscribed["ev"][0] == {
        "op": "note.new",
        "id": note.pk,
        "gone": True,
        "topic": "drill:a",
        "seq": 1,
        "epoch": epoch,
    }
    assert [frame["seq"] for frame in subscribed["ev"]] == [1, 2, 3]


async def test_a_row_that_vanished_shows_nothing_after_drop_cached(clients: Any) -> None:
    watcher = clients()
    await watcher.hello("drill:a")
    await watcher.get("subd")
    note, _ = await in_thread(topics.write, "a", "secret")
    await watcher.get("note.new")

    def erase() -> None:
        note.delete()
        realtime.drop_cached(None, ids={"note": note_id})

    note_id = note.pk
    await in_thread(erase)
    epoch = (await in_thread(realtime.position, "drill:a"))[1]
    late = clients()
    await late.hello({"topic": "drill:a", "since": 0, "epoch": epoch})
    assert (await late.get("subd"))["ev"][0]["gone"] is True


async def test_many_who_return_at_once_cost_one_read_of_the_log(hub: Hub, clients: Any) -> None:
    for n in range(40):
        await in_thread(topics.write, "a", str(n))
    epoch = (await in_thread(realtime.position, "drill:a"))[1]
    crowd = [clients(address=f"10.1.{n}.1") for n in range(60)]
    await asyncio.gather(
        *(
            client.hello({"topic": "drill:a", "since": n % 40, "epoch": epoch})
            for n, client in enumerate(crowd)
        )
    )
    for n, client in enumerate(crowd):
        frames = (await client.get("subd"))["ev"]
        assert [frame["seq"] for frame in frames] == list(range(n % 40 + 1, 41))
    assert hub.stats["log_reads"] == 1


async def test_who_is_too_far_behind_starts_anew(clients: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(protocol, "RESUME", 5)
    for n in range(8):
        await in_thread(topics.write, "a", str(n))
    epoch = (await in_thread(realtime.position, "drill:a"))[1]
    client = clients()
    await client.hello({"topic": "drill:a", "since": 2, "epoch": epoch})
    subscribed = await client.get("subd")
    assert (subscribed["mode"], subscribed["seq"]) == ("reset", 8)
    assert "ev" not in subscribed
    await in_thread(topics.write, "a", "8")
    assert (await client.get())["seq"] == 9
    assert (await resume(client, "drill:a", 5, epoch))["mode"] == "resume"


async def test_a_reset_brings_the_page_that_the_kind_offers(clients: Any, monkeypatch: Any) -> None:
    await in_thread(topics.write, "a", "x")
    monkeypatch.setattr(
        topics.RoomTopic, "page", lambda self, key, person: {"key": key}, raising=False
    )
    client = clients()
    await client.hello({"topic": "drill:a", "since": 9, "epoch": "older"})
    subscribed = await client.get("subd")
    assert (subscribed["mode"], subscribed["page"]) == ("reset", {"key": "a"})


async def test_a_pruned_log_or_another_epoch_means_starting_anew(clients: Any) -> None:
    for n in range(4):
        await in_thread(topics.write, "a", str(n))
    epoch = (await in_thread(realtime.position, "drill:a"))[1]
    await in_thread(LiveEvent.objects.filter(seq__lte=2).delete)
    client = clients()
    await client.hello()
    assert (await resume(client, "drill:a", 1, epoch))["mode"] == "reset"
    assert (await resume(client, "drill:a", 2, epoch))["mode"] == "resume"
    assert (await resume(client, "drill:a", 3, "other"))["mode"] == "reset"
    assert (await resume(client, "drill:a", 99, epoch))["mode"] == "reset"


# ---------------------------------------------------------------------- repair


def publish_silently(room: str, count: int = 1) -> None:
    """Write as a process does that dies between its commit and the sending."""
    from unittest.mock import patch

    with patch("threadflow_core.realtime.publishing.enabled", lambda: False):
        for n in range(count):
            topics.write(room, f"silent {n}")


async def test_a_hole_is_filled_from_the_log(hub: Hub, clients: Any) -> None:
    client = clients()
    await client.hello("drill:a")
    await client.get("subd")
    await in_thread(topics.write, "a", "one")
    await in_thread(publish_silently, "a", 2)
    await in_thread(topics.write, "a", "four")
    frames = [await client.get() for _ in range(4)]
    assert [frame["seq"] for frame in frames] == [1, 2, 3, 4]
    assert frames[1]["text"] == "silent 0"
    assert hub.stats["gap_filled"] >= 2


async def test_frames_that_overtake_each_other_are_put_in_order(hub: Hub, clients: Any) -> None:
    client = clients()
    await client.hello("drill:a")
    await client.get("subd")
    epoch = "e" * 12
    for seq in (2, 3, 1):
        text = wire.encode({"op": "x", "topic": "drill:a", "seq": seq})
        hub._deliver("drill:a", wire.pack_frame(seq, epoch, {}, text))
    assert [(await client.get())["seq"] for _ in range(3)] == [1, 2, 3]
    hub._deliver("drill:a", wire.pack_frame(2, epoch, {}, "{}"))
    hub._deliver("drill:a", b"not ours")
    assert await client.nothing()


async def test_what_was_never_sent_is_found_by_comparing_positions(
    hub: Hub, clients: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr(protocol, "LATE", 0.0)
    client = clients()
    await client.hello("drill:a")
    await client.get("subd")
    await in_thread(publish_silently, "a", 3)
    assert await client.nothing()
    await hub.check_positions()
    assert [(await client.get())["seq"] for _ in range(3)] == [1, 2, 3]


async def test_a_restored_backup_tells_clients_to_ask_again(hub: Hub, clients: Any) -> None:
    for n in range(3):
        await in_thread(topics.write, "a", str(n))
    client = clients()
    await client.hello("drill:a")
    old = await client.get("subd")
    await in_thread(lambda: Topic.objects.update(seq=1))
    await hub.check_positions()
    assert await client.get() == {"op": "gap", "topic": "drill:a"}
    assert (await resume(client, "drill:a", old["seq"], old["epoch"]))["mode"] == "reset"
    await in_thread(log.rotate_epochs)
    await hub.check_positions()
    assert (await client.get())["op"] == "gap"


async def test_too_large_a_hole_makes_clients_ask_again(
    hub: Hub, clients: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr(protocol, "RESUME", 3)
    monkeypatch.setattr(protocol, "LATE", 0.0)
    client = clients()
    await client.hello("drill:a")
    await client.get("subd")
    await in_thread(publish_silently, "a", 10)
    await hub.check_positions()
    assert (await client.get())["op"] == "gap"
    await in_thread(topics.write, "a", "on we go")
    assert (await client.get())["seq"] == 11


async def test_a_write_between_subscribing_and_reading_the_position_shows_once(
    clients: Any, monkeypatch: Any
) -> None:
    real = log.positions
    for when in ("before", "after"):
        room = f"between-{when}"

        def positions(names: Any, room: str = room, when: str = when) -> Any:
            if when == "before":
                topics.write(room, "x")
                return real(names)
            found = real(names)
            topics.write(room, "x")
            return found

        monkeypatch.setattr(log, "positions", positions)
        client = clients()
        await client.hello({"topic": f"drill:{room}", "since": 0, "epoch": ""})
        subscribed = await client.get("subd")
        monkeypatch.setattr(log, "positions", real)
        seen = [frame["seq"] for frame in subscribed["ev"]]
        if not seen:
            seen.append((await client.get())["seq"])
        assert seen == [1]
        assert await client.nothing()


async def test_a_topic_that_nobody_follows_is_given_up_after_a_while(
    hub: Hub, clients: Any, monkeypatch: Any
) -> None:
    client = clients()
    await client.hello("drill:a")
    await client.get("subd")
    await client.leave()
    hub._tidy()
    assert "drill:a" in hub._topics
    monkeypatch.setattr(protocol, "LINGER", 0.0)
    hub._tidy()
    assert hub._topics == {}


# ---------------------------------------------------------------------- rights


async def test_private_topics_are_refused_like_ones_that_do_not_exist(clients: Any) -> None:
    client = clients()
    await client.hello("drill:private-x", "nothing:here", "odd name")
    answers = [await client.get() for _ in range(3)]
    assert {(answer["op"], answer["code"]) for answer in answers} == {("err", "unknown_topic")}
    await in_thread(topics.write, "private-x", "secret")
    assert await client.nothing()


async def test_losing_a_right_ends_only_that_topic(clients: Any, ada: Any, session_of: Any) -> None:
    client = clients(user=ada, session=await in_thread(session_of, ada))
    await client.hello("drill:private-x", "drill:open")
    await client.get("subd")
    await client.get("subd")

    def ban() -> None:
        Ban.objects.create(room="private-x", user_id=ada.pk)
        realtime.control(ada.pk, "recheck")

    await in_thread(ban)
    kicked = await client.get("kicked")
    assert (kicked["topic"], kicked["code"]) == ("drill:private-x", "banned")
    await in_thread(topics.write, "private-x", "secret")
    await in_thread(topics.write, "open", "fine")
    assert (await client.get())["topic"] == "drill:open"
    await client.send(op="sub", topic="drill:private-x", i=3)
    assert (await client.get())["code"] == "banned"


async def test_everybody_can_be_asked_again_when_a_room_changes(
    clients: Any, ada: Any, session_of: Any, monkeypatch: Any
) -> None:
    stranger = clients()
    member = clients(user=ada, session=await in_thread(session_of, ada))
    for client in (stranger, member):
        await client.hello("drill:a")
        await client.get("subd")

    def close_to_strangers() -> None:
        monkeypatch.setattr(
            topics.RoomTopic,
            "may_subscribe",
            lambda self, person, key: Verdict(person.is_authenticated, "members_only", "no"),
        )
        realtime.control(None, "recheck")

    await in_thread(close_to_strangers)
    assert (await stranger.get("kicked"))["code"] == "members_only"
    await in_thread(topics.write, "a", "x")
    assert (await member.get())["op"] == "note.new"
    assert stranger.frames.empty()


async def test_rights_are_asked_again_without_any_message(
    asked_often: None, clients: Any, ada: Any, session_of: Any
) -> None:
    client = clients(user=ada, session=await in_thread(session_of, ada))
    await client.hello("drill:private-x")
    await client.get("subd")
    await in_thread(lambda: Ban.objects.create(room="private-x", user_id=ada.pk))
    assert (await client.get("kicked"))["code"] == "banned"


async def test_signing_out_closes_the_sockets_of_that_session_only(
    clients: Any, ada: Any, session_of: Any
) -> None:
    here, there = await in_thread(session_of, ada), await in_thread(session_of, ada)
    laptop, phone = clients(user=ada, session=here), clients(user=ada, session=there)
    await laptop.hello()
    await phone.hello()

    def sign_out() -> None:
        request = HttpRequest()
        request.session, request.user = here, ada  # type: ignore[assignment]
        logout(request)

    await in_thread(sign_out)
    assert await laptop.code() == 4505
    await phone.send(op="ping")
    assert await phone.get("pong")


async def test_a_changed_password_and_a_closed_account_reach_open_sockets(
    clients: Any, ada: Any, bo: Any, session_of: Any
) -> None:
    first = clients(user=ada, session=await in_thread(session_of, ada))
    second = clients(user=bo, session=await in_thread(session_of, bo))
    await first.hello()
    await second.hello()

    def change() -> None:
        ada.set_password("new")
        ada.save()
        bo.is_active = False
        bo.save()

    await in_thread(change)
    assert await first.code() == 4505
    assert await second.code() == 4503


async def test_a_deleted_account_and_a_lost_session_end_the_socket(
    clients: Any, ada: Any, bo: Any, session_of: Any
) -> None:
    session = await in_thread(session_of, bo)
    first = clients(user=ada, session=await in_thread(session_of, ada))
    second = clients(user=bo, session=session)
    await first.hello()
    await second.hello()
    await in_thread(ada.delete)
    assert await first.code() == 4505

    def lose() -> None:
        session.delete()
        realtime.control(bo.pk, "recheck")

    await in_thread(lose)
    assert await second.code() == 4505


async def test_an_expired_identity_is_closed_and_nothing_comes_after(
    clients: Any, ada: Any
) -> None:
    client = clients(origin=None)
    ticket = tickets.issue(ada, expires_at=time.time() + 3)
    await client.hello("drill:a", ticket=ticket)
    await client.get("subd")
    assert await client.code() == 4401
    await in_thread(topics.write, "a", "late")
    assert await client.nothing()


async def test_another_ticket_renews_the_socket(clients: Any, ada: Any, bo: Any) -> None:
    client = clients(origin=None)
    soon = tickets.issue(ada, expires_at=time.time() + 3)
    await client.hello(ticket=soon)
    later = int(time.time()) + 600
    await client.send(op="auth", ticket=tickets.issue(ada, expires_at=later), i=1)
    assert await client.get("ok") == {"op": "ok", "exp": later, "i": 1}
    await asyncio.sleep(3.2)
    await client.send(op="ping")
    assert await client.get("pong")
    await client.send(op="auth", ticket=tickets.issue(bo, expires_at=later))
    assert await client.code() == 4500


# ---------------------------------------------------------------------- who may connect


@pytest.mark.parametrize(
    ("origin", "good"),
    [
        ("http://testserver", True),
        ("http://TestServer", True),
        ("https://testserver", True),
        ("http://testserver:81", False),
        ("http://evil.example", False),
        ("http://testserver.evil.example", False),
        ("http://evil.example/http://testserver", False),
        ("https://app.friend.example", True),
        ("http://app.friend.example", False),
        ("https://friend.example", True),
        ("null", False),
        ("", False),
        ("file://", False),
    ],
)
async def test_pages_of_other_sites_are_refused_before_the_socket_opens(
    clients: Any, settings: Any, origin: str, good: bool
) -> None:
    settings.THREADFLOW_CORE = {"REALTIME_ORIGINS": ("https://*.friend.example",)}
    client = await clients(origin=origin).open()
    assert (client.accepted is not None) is good
    assert client.closed.done() is not good


async def test_without_an_origin_cookies_count_for_nothing(
    clients: Any, ada: Any, session_of: Any
) -> None:
    session = await in_thread(session_of, ada)
    client = clients(user=ada, session=session, origin=None)
    assert (await client.hello("drill:private-x"))["user"] is None
    assert (await client.get())["code"] == "unknown_topic"


async def test_the_cookie_is_read_without_a_middleware_and_checked(
    clients: Any, ada: Any, session_of: Any
) -> None:
    key = (await in_thread(session_of, ada)).session_key

    def with_cookie(cookie: str) -> LiveClient:
        client = clients()
        del client.scope["user"], client.scope["session"]
        client.scope["headers"].append((b"cookie", cookie.encode()))
        return client

    name = django_settings.SESSION_COOKIE_NAME
    assert (await with_cookie(f"a=b; {name}={key}").hello())["user"] == kinds.user_key(ada.pk)
    for cookie in ("", f"{name}=", f"{name}=nonsense", "a=b"):
        assert (await with_cookie(cookie).hello())["user"] is None

    def change() -> None:
        ada.set_password("new")
        ada.save()

    await in_thread(change)
    assert (await with_cookie(f"{name}={key}").hello())["user"] is None


async def test_a_ticket_admits_once(clients: Any, ada: Any) -> None:
    ticket = await in_thread(lambda: tickets.issue(ada, expires_at=time.time() + 60))
    first = clients(origin=None)
    welcome = await first.hello("drill:private-x", ticket=ticket)
    assert welcome["user"] == kinds.user_key(ada.pk)
    assert (await first.get("subd"))["topic"] == "drill:private-x"
    second = await clients(origin=None).open()
    await second.send(op="hello", ticket=ticket)
    assert await second.code() == 4500


async def test_bad_tickets_are_refused(clients: Any, ada: Any, monkeypatch: Any) -> None:
    good = tickets.issue(ada, expires_at=time.time() + 60)
    old_password = tickets.issue(ada, expires_at=time.time() + 60)
    for ticket in ("", "nonsense", good[:-2] + "xx", 5, None, ["x"], "x" * 5000):
        client = await clients(origin=None).open()
        await client.send(op="hello", ticket=ticket)
        assert await client.code() == 4500

    def change() -> None:
        ada.set_password("new")
        ada.save()

    await in_thread(change)
    client = await clients(origin=None).open()
    await client.send(op="hello", ticket=old_password)
    assert await client.code() == 4500
    fresh = tickets.issue(ada, expires_at=time.time() + 60)
    monkeypatch.setattr(tickets, "GOOD_FOR", -1)
    client = await clients(origin=None).open()
    await client.send(op="hello", ticket=fresh)
    assert await client.code() == 4500


async def test_a_crowd_of_sockets_is_cut_off(clients: Any, ada: Any, session_of: Any) -> None:
    session = await in_thread(session_of, ada)
    mine = [clients(user=ada, session=session) for _ in range(11)]
    for client in mine[:10]:
        await client.hello()
    await mine[10].open()
    assert await mine[10].code() == 4504
    strangers = [clients(address="10.9.9.9") for _ in range(21)]
    for client in strangers[:20]:
        await client.hello()
    await (await strangers[20].open()).send(op="hello", v=1)
    assert await strangers[20].code() == 4504
    await clients(address="10.9.9.8").hello()


async def test_many_who_bring_tickets_connect_from_one_address(
    clients: Any, ada: Any, monkeypatch: Any
) -> None:
    """Behind one address may be a whole office: who proves themselves is no stranger."""
    monkeypatch.setattr(protocol, "SOCKETS_PER_ADDRESS", 2)
    monkeypatch.setattr(protocol, "UNKNOWN_PER_ADDRESS", 6)
    office = [await clients(origin=None, address="10.9.9.7").open() for _ in range(6)]
    late = await clients(origin=None, address="10.9.9.7").open()
    assert await late.code() == 4504  # so many may be unknown at a time
    until = time.time() + 600
    for client in office[:4]:
        await client.send(op="hello", v=1, ticket=tickets.issue(ada, expires_at=until))
        assert (await client.get("welcome"))["user"]
    for client in office[4:]:
        await client.send(op="hello", v=1)
        assert await client.get("welcome")
    third = await clients(origin=None, address="10.9.9.7").open()
    await third.send(op="hello", v=1)
    assert await third.code() == 4504


# ---------------------------------------------------------------------- bad clients


async def test_a_silent_client_is_closed(clients: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(protocol, "HELLO_SECONDS", 0.05)
    client = await clients().open()
    assert await client.code() == 4404


async def test_versions_that_are_not_served_are_told_so(clients: Any) -> None:
    client = await clients(subprotocols=("threadflow.v9.json",)).open()
    assert await client.code() == 4502
    client = await clients(subprotocols=()).open()
    await client.send(op="hello", v=2)
    assert await client.code() == 4502


async def test_hello_comes_first(clients: Any) -> None:
    client = await clients().open()
    await client.send(op="sub", topic="drill:a")
    assert await client.code() == 4501


@pytest.mark.parametrize(
    "text",
    ["{", "[]", "null", "5", '{"op": 5}', '{"no": "op"}', "[" * 3000, '"' + "x" * 99 + '"', ""],
)
async def test_frames_that_make_no_sense_are_refused_then_end_the_socket(
    clients: Any, text: str
) -> None:
    client = clients()
    await client.hello()
    for _ in range(2):
        await client.send_raw(text=text)
        assert (await client.get("err"))["code"] == "bad_request"
    await client.send_raw(text=text)
    assert await client.code() == 4501


async def test_odd_values_are_answered_and_harm_nothing(clients: Any) -> None:
    client = clients()
    await client.hello(5, None, {"topic": 5}, {"topic": "drill:a", "since": "x", "epoch": 5})
    assert (await client.get())["code"] == "unknown_topic"
    assert (await client.get("subd"))["mode"] == "resume"
    for since in (-1, 10**30):
        await client.send(op="sub", topic="drill:a", since=since)
        assert (await client.get())["mode"] == "reset"
    for frame in ({"since": True}, {"since": 1.5}, {"i": {"x": 1}}, {"epoch": None}):
        await client.send(op="sub", topic="drill:a", **frame)
        assert (await client.get())["mode"] == "resume"
    await client.send(op="unsub", topic=["drill:a"], i=[1])
    assert await client.get() == {"op": "ok"}
    await client.send(op="nonsense", i=7)
    assert await client.get() == {
        "op": "err",
        "code": "bad_request",
        "msg": "This is not understood.",
        "i": 7,
    }
    await client.send(op="hello", v=1)
    assert (await client.get())["code"] == "bad_request"


async def test_binary_and_oversized_frames_end_the_socket(clients: Any) -> None:
    first, second, third = clients(), clients(), clients()
    for client in (first, second, third):
        await client.hello()
    await first.send_raw(bytes=b"\x00\xff")
    assert await first.code() == 4501
    await second.send_raw(text="x" * (16 * 1024 + 1))
    assert await second.code() == 1009
    await third.send_raw(text="é" * (9 * 1024))
    assert await third.code() == 1009


async def test_a_flood_is_refused_then_ended(clients: Any) -> None:
    client = clients()
    await client.hello()
    for _ in range(19):
        await client.send(op="ping")
        await client.get("pong")
    for _ in range(3):
        await client.send(op="ping")
    assert await client.code() == 4429
    refusals = []
    while not client.frames.empty():
        refusals.append(await client.get())
    errors = [frame for frame in refusals if frame["op"] == "err"]
    assert errors
    assert all(frame["code"] == "rate" and frame["retry_ms"] > 0 for frame in errors)


async def test_there_is_a_most_of_topics_per_socket(clients: Any) -> None:
    client = clients()
    await client.hello(*(f"drill:r{n}" for n in range(51)))
    answers = [await client.get() for _ in range(51)]
    assert [answer["op"] for answer in answers] == ["subd"] * 50 + ["err"]
    assert answers[50]["code"] == "too_many_topics"
    await client.send(op="sub", topic="drill:r1")
    assert (await client.get())["op"] == "subd"


async def test_a_client_that_does_not_read_is_cut_off_and_slows_nobody(
    hub: Hub, clients: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr("threadflow_core.realtime.sockets.CLOSE_PATIENCE", 0.2)
    slow, quick = clients(), clients(address="10.0.0.2")
    for client in (slow, quick):
        await client.hello("drill:a")
        await client.get("subd")
    slow.reading.clear()
    (session,) = [one for one in hub.sockets if one.address == "10.0.0.1"]
    for n in range(protocol.QUEUE_FRAMES + 5):
        text = wire.encode({"op": "x", "topic": "drill:a", "seq": n + 1})
        hub._deliver("drill:a", wire.pack_frame(n + 1, "e" * 12, {}, text))
    await asyncio.sleep(0)
    assert session.closing == (4408, "too slow")
    assert session._queue == session._queue.__class__()
    for n in range(protocol.QUEUE_FRAMES + 5):
        assert (await quick.get())["seq"] == n + 1
    await asyncio.wait([slow.task], timeout=5)
    assert slow.task.done()
    assert hub.stats["slow_closed"] == 1
    slow.reading.set()


async def test_a_short_stall_loses_nothing(hub: Hub, clients: Any) -> None:
    client = clients()
    await client.hello("drill:a")
    await client.get("subd")
    client.reading.clear()
    for _ in range(20):
        await in_thread(topics.write, "a", "x")
    client.reading.set()
    assert [(await client.get())["seq"] for _ in range(20)] == list(range(1, 21))


async def test_a_stalled_client_that_reads_again_learns_why_it_was_closed(
    hub: Hub, clients: Any
) -> None:
    client = clients()
    await client.hello("drill:a")
    await client.get("subd")
    client.reading.clear()
    text = wire.encode({"op": "x", "topic": "drill:a", "fill": "x" * 600_000})
    for _ in range(4):
        hub._deliver("drill:a", wire.pack_hint(text))
    await asyncio.sleep(0)
    client.reading.set()
    assert await client.code() == 4408


# ---------------------------------------------------------------------- tickets by HTTP


def test_a_ticket_is_for_people_who_are_signed_in(client: Any, ada: Any) -> None:
    answer = client.post("/drill/ws-ticket/")
    assert (answer.status_code, answer.json()["code"]) == (401, "sign_in_required")
    client.force_login(ada)
    answer = client.post("/drill/ws-ticket/")
    assert answer.status_code == 200
    assert tickets.redeem(answer.json()["ticket"]).person == ada
    assert "no-store" in answer["Cache-Control"]
    assert client.get("/drill/ws-ticket/").status_code == 405


def test_a_cookie_needs_a_csrf_token_and_a_token_does_not(ada: Any, settings: Any) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(ada)
    assert browser.post("/drill/ws-ticket/").status_code == 401
    settings.THREADFLOW_CORE = {
        "REALTIME_AUTHENTICATE": "tests.test_realtime_sockets.by_token",
    }
    answer = browser.post("/drill/ws-ticket/", headers={"authorization": "Bearer good"})
    assert answer.status_code == 200
    admission = tickets.redeem(answer.json()["ticket"])
    assert admission.expires_at - time.time() < 100
    ada.is_active = False
    ada.save()
    answer = browser.post("/drill/ws-ticket/", headers={"authorization": "Bearer good"})
    assert (answer.status_code, answer.json()["code"]) == (403, "suspended")


def by_token(request: HttpRequest) -> Any:
    from django.contrib.auth import get_user_model

    if request.headers.get("Authorization") != "Bearer good":
        return None
    return get_user_model().objects.get(username="ada"), time.time() + 90


def test_a_ticket_raced_by_many_admits_one(ada: Any) -> None:
    import threading

    from django.db import connections

    ticket = tickets.issue(ada, expires_at=time.time() + 60)
    start, admitted = threading.Barrier(6), []

    def use() -> None:
        start.wait()
        try:
            admitted.append(tickets.redeem(ticket))
        except tickets.BadTicket:
            pass
        finally:
            connections.close_all()

    threads = [threading.Thread(target=use) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(admitted) == 1


class Sending:
    """What the `send` of a server written in another language may return: to be awaited, and
    neither a coroutine nor a generator."""

    def __init__(self, waits: int) -> None:
        self.waits = waits

    def __await__(self) -> Sending:
        return self

    def __iter__(self) -> Sending:
        return self

    def __next__(self) -> None:
        if not self.waits:
            raise StopIteration
        self.waits -= 1


@pytest.mark.parametrize("waits", [0, 2])
async def test_a_server_whose_send_is_no_coroutine_is_served_too(waits: int) -> None:
    sent: list[str] = []

    def send(message: Any) -> Sending:
        sent.append(message["text"])
        return Sending(waits)

    socket = Socket(send, person=AnonymousUser())  # type: ignore[arg-type]
    for number in range(3):
        socket.push(str(number))
    async with asyncio.timeout(5):
        while len(sent) < 3:
            await asyncio.sleep(0)
    assert sent == ["0", "1", "2"] and socket.closing is None
