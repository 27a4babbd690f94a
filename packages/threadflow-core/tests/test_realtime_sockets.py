"""Sockets of one process: following, resuming, and repair of what was lost on the way."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import pytest

from threadflow_core import realtime
from threadflow_core.exceptions import LimitExceeded, NotAllowed
from threadflow_core.realtime import kinds, log, protocol, wire
from threadflow_core.realtime.consumers import LiveConsumer
from threadflow_core.realtime.hub import Hub
from threadflow_core.realtime.models import LiveEvent, Topic
from threadflow_core.realtime.routing import own_topic
from threadflow_core.realtime.threads import in_thread
from threadflow_core.testing.live import LiveClient

from .drill import topics

pytestmark = pytest.mark.django_db(transaction=True)


async def resume(client: LiveClient, topic: str, since: int, epoch: str) -> dict[str, Any]:
    client.send(op="sub", topic=topic, since=since, epoch=epoch)
    return await client.get("subd")


# ---------------------------------------------------------------------- hello and following


async def test_a_stranger_follows_a_public_topic_and_sees_what_happens(live_clients: Any) -> None:
    client = live_clients()
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


async def test_every_follower_gets_every_frame_once_and_in_order(live_clients: Any) -> None:
    everybody = [live_clients(address=f"10.0.0.{n}") for n in range(20)]
    for client in everybody:
        await client.hello("drill:a")
        await client.get("subd")
    for n in range(30):
        await in_thread(topics.write, "a", str(n))
    for client in everybody:
        assert [(await client.get())["seq"] for _ in range(30)] == list(range(1, 31))


async def test_hints_reach_followers_without_a_number(live_clients: Any) -> None:
    client = live_clients()
    await client.hello("drillhint:x")
    subscribed = await client.get("subd")
    assert subscribed["seq"] is None
    await in_thread(lambda: realtime.hint("drillhint:x", "scored", id="t1"))
    assert await client.get() == {"op": "scored", "topic": "drillhint:x", "id": "t1"}


async def test_after_unsub_nothing_more_comes(live_clients: Any) -> None:
    client = live_clients()
    await client.hello("drill:a")
    await client.get("subd")
    client.send(op="unsub", topic="drill:a", i=1)
    assert await client.get("ok") == {"op": "ok", "i": 1}
    await in_thread(topics.write, "a", "x")
    assert await client.nothing()


async def test_ping_is_answered_with_the_number_of_the_request(live_clients: Any) -> None:
    client = live_clients()
    await client.hello()
    client.send(op="ping", t=5, i="n1")
    pong = await client.get("pong")
    assert (pong["t"], pong["i"]) == (5, "n1")
    assert abs(pong["now"] / 1000 - time.time()) < 5


async def test_a_url_may_join_topics_by_itself(
    live_clients: Any, ada: Any, session_of: Any
) -> None:
    session = await in_thread(session_of, ada)
    consumer = LiveConsumer.as_asgi(topics=own_topic)
    client = live_clients(user=ada, session=session, consumer=consumer)
    await client.hello()
    assert (await client.get("subd"))["topic"] == realtime.user_topic(ada)
    await in_thread(lambda: realtime.publish(realtime.user_topic(ada), "notif", ids={"n": 1}))
    assert (await client.get("notif"))["n"] == 1


async def test_siblings_answer_ops_of_their_own(live_clients: Any) -> None:
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
        client = live_clients()
        await client.hello()
        for i, op in enumerate(ops):
            client.send(op=op, i=i, nonce="n")
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


async def test_a_client_that_was_away_gets_what_it_missed(live_clients: Any) -> None:
    for n in range(3):
        await in_thread(topics.write, "a", str(n))
    _seq, epoch = await in_thread(realtime.position, "drill:a")
    client = live_clients()
    await client.hello({"topic": "drill:a", "since": 1, "epoch": epoch})
    subscribed = await client.get("subd")
    assert subscribed["mode"] == "resume"
    assert [(frame["seq"], frame["text"]) for frame in subscribed["ev"]] == [(2, "1"), (3, "2")]
    await in_thread(topics.write, "a", "3")
    assert (await client.get())["seq"] == 4


async def test_a_page_of_a_topic_that_had_no_event_yet_resumes_from_its_start(
    live_clients: Any,
) -> None:
    seq, epoch = await in_thread(realtime.position, "drill:new")
    await in_thread(topics.write, "new", "first")
    client = live_clients()
    await client.hello({"topic": "drill:new", "since": seq, "epoch": epoch})
    subscribed = await client.get("subd")
    assert [frame["text"] for frame in subscribed["ev"]] == ["first"]


async def test_who_followed_before_the_first_event_need_not_start_anew(live_clients: Any) -> None:
    early = live_clients()
    await early.hello("drill:fresh")
    assert (await early.get("subd"))["epoch"] == ""
    for text in ("one", "two", "three"):
        await in_thread(topics.write, "fresh", text)
    first, second = await early.get(), await early.get()
    assert "epoch" not in second
    back = live_clients()
    await back.hello({"topic": "drill:fresh", "since": second["seq"], "epoch": first["epoch"]})
    answer = await back.get("subd")
    assert (answer["mode"], [one["text"] for one in answer["ev"]]) == ("resume", ["three"])


async def test_what_was_hidden_meanwhile_comes_back_as_a_tombstone(live_clients: Any) -> None:
    watcher = live_clients()
    await watcher.hello("drill:a")
    await watcher.get("subd")
    note, _ = await in_thread(topics.write, "a", "secret")  # cached in the ring now
    kept, _ = await in_thread(topics.write, "a", "fine")
    await in_thread(topics.hide, note)
    for _ in range(3):
        await watcher.get()
    epoch = (await in_thread(realtime.position, "drill:a"))[1]
    late = live_clients()
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


async def test_a_row_that_vanished_shows_nothing_after_drop_cached(live_clients: Any) -> None:
    watcher = live_clients()
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
    late = live_clients()
    await late.hello({"topic": "drill:a", "since": 0, "epoch": epoch})
    assert (await late.get("subd"))["ev"][0]["gone"] is True


async def test_many_who_return_at_once_cost_one_read_of_the_log(
    hub: Hub, live_clients: Any
) -> None:
    for n in range(40):
        await in_thread(topics.write, "a", str(n))
    epoch = (await in_thread(realtime.position, "drill:a"))[1]
    crowd = [live_clients(address=f"10.1.{n}.1") for n in range(60)]
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


async def test_who_is_too_far_behind_starts_anew(live_clients: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(protocol, "RESUME", 5)
    for n in range(8):
        await in_thread(topics.write, "a", str(n))
    epoch = (await in_thread(realtime.position, "drill:a"))[1]
    client = live_clients()
    await client.hello({"topic": "drill:a", "since": 2, "epoch": epoch})
    subscribed = await client.get("subd")
    assert (subscribed["mode"], subscribed["seq"]) == ("reset", 8)
    assert "ev" not in subscribed
    await in_thread(topics.write, "a", "8")
    assert (await client.get())["seq"] == 9
    assert (await resume(client, "drill:a", 5, epoch))["mode"] == "resume"


async def test_a_reset_brings_the_page_that_the_kind_offers(
    live_clients: Any, monkeypatch: Any
) -> None:
    await in_thread(topics.write, "a", "x")
    monkeypatch.setattr(
        topics.RoomTopic, "page", lambda self, key, person: {"key": key}, raising=False
    )
    client = live_clients()
    await client.hello({"topic": "drill:a", "since": 9, "epoch": "older"})
    subscribed = await client.get("subd")
    assert (subscribed["mode"], subscribed["page"]) == ("reset", {"key": "a"})


async def test_a_pruned_log_or_another_epoch_means_starting_anew(live_clients: Any) -> None:
    for n in range(4):
        await in_thread(topics.write, "a", str(n))
    epoch = (await in_thread(realtime.position, "drill:a"))[1]
    await in_thread(LiveEvent.objects.filter(seq__lte=2).delete)
    client = live_clients()
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


async def test_a_hole_is_filled_from_the_log(hub: Hub, live_clients: Any) -> None:
    client = live_clients()
    await client.hello("drill:a")
    await client.get("subd")
    await in_thread(topics.write, "a", "one")
    await in_thread(publish_silently, "a", 2)
    await in_thread(topics.write, "a", "four")
    frames = [await client.get() for _ in range(4)]
    assert [frame["seq"] for frame in frames] == [1, 2, 3, 4]
    assert frames[1]["text"] == "silent 0"
    assert hub.stats["gap_filled"] >= 2


async def test_frames_that_overtake_each_other_are_put_in_order(
    hub: Hub, live_clients: Any
) -> None:
    client = live_clients()
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
    hub: Hub, live_clients: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr(protocol, "LATE", 0.0)
    client = live_clients()
    await client.hello("drill:a")
    await client.get("subd")
    await in_thread(publish_silently, "a", 3)
    assert await client.nothing()
    await hub.check_positions()
    assert [(await client.get())["seq"] for _ in range(3)] == [1, 2, 3]


async def test_a_restored_backup_tells_clients_to_ask_again(hub: Hub, live_clients: Any) -> None:
    for n in range(3):
        await in_thread(topics.write, "a", str(n))
    client = live_clients()
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
    hub: Hub, live_clients: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr(protocol, "RESUME", 3)
    monkeypatch.setattr(protocol, "LATE", 0.0)
    client = live_clients()
    await client.hello("drill:a")
    await client.get("subd")
    await in_thread(publish_silently, "a", 10)
    await hub.check_positions()
    assert (await client.get())["op"] == "gap"
    await in_thread(topics.write, "a", "on we go")
    assert (await client.get())["seq"] == 11


async def test_a_write_between_subscribing_and_reading_the_position_shows_once(
    live_clients: Any, monkeypatch: Any
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
        client = live_clients()
        await client.hello({"topic": f"drill:{room}", "since": 0, "epoch": ""})
        subscribed = await client.get("subd")
        monkeypatch.setattr(log, "positions", real)
        seen = [frame["seq"] for frame in subscribed["ev"]]
        if not seen:
            seen.append((await client.get())["seq"])
        assert seen == [1]
        assert await client.nothing()


async def test_a_topic_that_nobody_follows_is_given_up_after_a_while(
    hub: Hub, live_clients: Any, monkeypatch: Any
) -> None:
    client = live_clients()
    await client.hello("drill:a")
    await client.get("subd")
    await client.leave()
    hub._tidy()
    assert "drill:a" in hub._topics
    monkeypatch.setattr(protocol, "LINGER", 0.0)
    hub._tidy()
    assert hub._topics == {}
