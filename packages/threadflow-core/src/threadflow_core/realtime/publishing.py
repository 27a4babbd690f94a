"""The writing side: take the next number, log ids, and hand the frame over after the commit."""

from __future__ import annotations

import json
import logging
from importlib.util import find_spec
from typing import Any

from django.db import connections, router, transaction

from ..app_settings import app_settings
from . import wire
from .kinds import LiveEventData, kind_of

logger = logging.getLogger("threadflow.realtime")


def using() -> str:
    """Alias of the database that holds the log."""
    from .models import Topic

    return router.db_for_write(Topic)


def enabled() -> bool:
    """Whether frames are sent; the log is written in any case."""
    wanted = app_settings.REALTIME_ENABLED
    return find_spec("channels") is not None if wanted is None else bool(wanted)


def publish(
    topic: str, kind: str, *, ids: dict[str, str | int], instance: object | None = None
) -> int:
    """Log a live event in the caller's transaction and return its number in the topic.

    Call it last: it locks the topic's row until the commit, which makes the order of numbers
    the order of commits. `ids` are of the objects that changed, the same names in every event
    about one object, so that a later event makes cached frames of earlier ones stale. The
    frame is rendered and sent after the commit; failing to send it is repaired from the log.
    """
    alias = using()
    with transaction.atomic(using=alias, savepoint=False):
        topic_id, seq, epoch = _advance(alias, topic)
        _log(alias, topic_id, seq, kind, ids)
        if enabled():
            event = LiveEventData(seq, kind, ids)
            transaction.on_commit(
                lambda: _send(topic, event, epoch, instance), using=alias, robust=True
            )
    return seq


def position(topic: str) -> tuple[int, str]:
    """The topic's latest number and its epoch, for `data-tf-seq` and `data-tf-epoch`.

    Read it before the rows that the page shows: then an event in between is seen twice, never
    missed. A topic that nothing was published to is at 0 with an empty epoch.
    """
    from .models import Topic

    connection = connections[router.db_for_read(Topic)]
    table = connection.ops.quote_name(Topic._meta.db_table)
    with connection.cursor() as cursor:  # every live page asks: by the ORM it would cost thrice
        cursor.execute(f"SELECT seq, epoch FROM {table} WHERE name = %s", [topic])  # noqa: S608
        row = cursor.fetchone()
    return row or (0, "")


def position_sql(using: str) -> str | None:
    """Columns `seq` and `epoch` for a statement that asks more than the position.

    Each takes the topic's name as its parameter and is NULL where `position` says 0 and "". None
    where the log lies in another database than `using`.
    """
    from .models import Topic

    if router.db_for_read(Topic) != using:
        return None
    table = connections[using].ops.quote_name(Topic._meta.db_table)
    return ", ".join(f"(SELECT {name} FROM {table} WHERE name = %s)" for name in ("seq", "epoch"))  # noqa: S608


def hint(topic: str, kind: str, **fields: Any) -> None:
    """Send a frame without number after the commit; it may be lost and is never repeated."""
    if not enabled():
        return
    frame = wire.encode({"op": kind, "topic": topic, **fields})
    _after_commit(topic, wire.pack_hint(frame))


def drop_cached(topic: str | None, *, ids: dict[str, str | int]) -> None:
    """After the commit, forget cached frames about the object with `ids` in every process.

    For what hides, deletes or erases. They are rendered anew from the rows when a client that
    was away needs them. `topic` None means every topic.
    """
    if not enabled():
        return
    if topic is None:
        _after_commit(wire.CONTROL, wire.pack_control({"do": "drop", "ids": ids}))
    else:
        _after_commit(topic, wire.pack_drop(ids))


def control(user_id: Any, order: str, *, session: str = "") -> None:
    """After the commit, tell every process about a person's sockets.

    `recheck` asks again whether the account and each subscription still stand; with `user_id`
    None those of everybody, spread over a second and a half. `revoked` closes the sockets, those
    of one session if `session` (a session key) is given.
    """
    if order not in ("recheck", "revoked") or (user_id is None and order != "recheck"):
        raise ValueError(f"Cannot order {order!r} for {user_id!r}.")
    if not enabled():
        return
    message = {"do": order, "user": "" if user_id is None else str(user_id)}
    if session:
        message["session"] = wire.session_mark(session)
    _after_commit(wire.CONTROL, wire.pack_control(message))


def recheck(topic: str) -> None:
    """After the commit, ask again in every process whether each follower of `topic` still may."""
    if enabled():
        order = {"do": "recheck", "user": "", "topic": topic}
        _after_commit(wire.CONTROL, wire.pack_control(order))


def render(
    topic: str, events: list[LiveEventData], instance: object | None = None, *, epoch: str = ""
) -> list[str]:
    """The encoded frames of `events`, one each, from current rows. Never raises.

    When the kind of topic fails to render, clients are told that something changed (`stale`)
    and look at the page; their positions stay right. The first frame of a topic carries its
    `epoch`: whoever followed before there was one would otherwise have to start anew later.
    """
    frames: list[Any] = [None] * len(events)
    stale = False
    found = kind_of(topic)
    if found is not None:
        kind, key = found
        try:
            frames = kind.render(key, events, instance)
            if len(frames) != len(events):
                raise ValueError(f"{len(frames)} frames for {len(events)} events")
        except Exception:
            logger.exception("Frames of %s could not be rendered", topic)
            frames, stale = [None] * len(events), True
    return [
        wire.encode(_dressed(topic, event, frame, stale) | _birth(event, epoch))
        for event, frame in zip(events, frames, strict=True)
    ]


def _dressed(
    topic: str, event: LiveEventData, frame: dict[str, Any] | None, stale: bool
) -> dict[str, Any]:
    if frame is None:
        bare = {"op": "nop", "topic": topic, "seq": event.seq}
        return {**bare, "stale": True} if stale else bare
    return {"op": event.kind, **frame, "topic": topic, "seq": event.seq}


def _birth(event: LiveEventData, epoch: str) -> dict[str, str]:
    return {"epoch": epoch} if event.seq == 1 and epoch else {}


def _advance(alias: str, topic: str) -> tuple[int, int, str]:
    from .models import Topic, new_epoch

    connection = transaction.get_connection(alias)
    table = connection.ops.quote_name(Topic._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} SET seq = seq + 1 WHERE name = %s RETURNING id, seq, epoch",  # noqa: S608
            [topic],
        )
        row = cursor.fetchone()
        if row is None:  # the first event; somebody else's first event may be a moment ahead
            cursor.execute(
                f"INSERT INTO {table} (name, seq, epoch) VALUES (%s, 1, %s) "  # noqa: S608
                f"ON CONFLICT (name) DO UPDATE SET seq = {table}.seq + 1 RETURNING id, seq, epoch",
                [topic, new_epoch()],
            )
            row = cursor.fetchone()
    return row[0], row[1], row[2]


def _log(alias: str, topic_id: int, seq: int, kind: str, ids: dict[str, Any]) -> None:
    from .models import LiveEvent

    connection = transaction.get_connection(alias)
    table = connection.ops.quote_name(LiveEvent._meta.db_table)
    with connection.cursor() as cursor:
        # Written by hand: this is in every write of every package, and the model's own save
        # costs several times the statement.
        cursor.execute(
            f"INSERT INTO {table} (topic_id, seq, kind, ids) VALUES (%s, %s, %s, %s)",  # noqa: S608
            [topic_id, seq, kind, json.dumps(ids, separators=(",", ":"))],
        )


def _send(topic: str, event: LiveEventData, epoch: str, instance: object | None) -> None:
    from .backends import get_backend

    backend = get_backend()
    if not backend.wanted(topic):
        return
    (frame,) = render(topic, [event], instance, epoch=epoch)
    backend.publish(topic, wire.pack_frame(event.seq, epoch, event.ids, frame))


def _after_commit(channel: str, envelope: bytes) -> None:
    def send() -> None:
        from .backends import get_backend

        get_backend().publish(channel, envelope)

    transaction.on_commit(send, using=using(), robust=True)
