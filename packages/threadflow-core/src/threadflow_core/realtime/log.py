"""Reading the log of live events: positions and what a client or a process missed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import transaction

from . import publishing
from .kinds import LiveEventData
from .models import LiveEvent, Topic, new_epoch


@dataclass(frozen=True, slots=True)
class Position:
    """The latest number of a topic; a topic without events is at 0 with an empty epoch."""

    seq: int = 0
    epoch: str = ""


@dataclass(frozen=True, slots=True)
class Missed:
    """Events in order with their encoded frames, and the position they lead to."""

    position: Position
    events: list[LiveEventData]
    frames: list[str]


def positions(names: Iterable[str]) -> dict[str, Position]:
    """Positions of the topics that have had events. One query."""
    topics = Topic.objects.using(publishing.using()).filter(name__in=list(names))
    return {name: Position(seq, epoch) for name, seq, epoch in topics.values_list(*_FIELDS)}


def missed(topic: str, after: int, limit: int, known: frozenset[int] = frozenset()) -> Missed:
    """Read and render what happened in `topic` after number `after`, at most `limit` events.

    Of more than `limit` events nothing is read. Numbers in `known` are left out.
    """
    row = Topic.objects.using(publishing.using()).filter(name=topic).first()
    if row is None:
        return Missed(Position(), [], [])
    position = Position(row.seq, row.epoch)
    if row.seq <= after or row.seq - after > limit:
        return Missed(position, [], [])
    logged = LiveEvent.objects.using(publishing.using()).filter(
        topic=row, seq__gt=after, seq__lte=row.seq
    )
    events = [
        LiveEventData(seq, kind, ids, at)
        for seq, kind, ids, at in logged.order_by("seq").values_list("seq", "kind", "ids", "at")
        if seq not in known
    ]
    return Missed(position, events, publishing.render(topic, events, epoch=row.epoch))


def rotate_epochs() -> int:
    """Make every client start anew; for after a restored backup. Returns how many topics."""
    count = 0
    with transaction.atomic(using=publishing.using()):
        for topic in Topic.objects.using(publishing.using()).only("pk").iterator():
            Topic.objects.using(publishing.using()).filter(pk=topic.pk).update(epoch=new_epoch())
            count += 1
    return count


_FIELDS = ("name", "seq", "epoch")
