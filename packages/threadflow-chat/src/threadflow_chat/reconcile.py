"""Proof that every counter equals the rows it counts, and repair where it does not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import F, Max, OuterRef, Subquery
from django.db.models.functions import Coalesce

from threadflow_core.counters import Drift, counted, differences

from .models import INSIDE, Mention, Reaction, RoomMember
from .swaps import get_message_model, get_room_model


def find() -> Iterator[Drift]:
    """Every wrong counter of the chat. Reads all rows once."""
    yield from _rooms()
    yield from _members()
    yield from _messages()


def repair(drift: Drift) -> None:
    """Write what was counted."""
    models = (get_room_model(), get_message_model(), RoomMember)
    by_label: dict[str, Any] = {model._meta.label: model for model in models}
    rows = by_label[drift.model].objects.filter(pk=drift.pk)
    rows.update(**{drift.field: drift.counted})


def _rooms() -> Iterator[Drift]:
    messages = get_message_model().objects.filter(room=OuterRef("pk")).order_by().values("room")
    newest = Coalesce(Subquery(messages.annotate(n=Max("mno")).values("n")), 0)
    members = RoomMember.objects.filter(room=OuterRef("pk"), role__in=INSIDE)
    yield from differences(
        get_room_model(), {"last_mno": newest, "member_count": counted(members, "room")}
    )


def _members() -> Iterator[Drift]:
    named = Mention.objects.filter(
        room_id=OuterRef("room_id"),
        person_id=OuterRef("person_id"),
        mno__gt=OuterRef("last_read_mno"),
    )
    yield from differences(RoomMember, {"mention_count": counted(named, "room_id")})
    # Against the rows, not against the room's own counter, which may be the wrong one.
    written = get_message_model().objects.filter(room=OuterRef("room")).order_by().values("room")
    newest = Coalesce(Subquery(written.annotate(n=Max("mno")).values("n")), 0)
    ahead = RoomMember.objects.annotate(newest=newest).filter(last_read_mno__gt=F("newest"))
    for pk, read, most in ahead.values_list("pk", "last_read_mno", "newest"):
        yield Drift(RoomMember._meta.label, pk, "last_read_mno", read, most)


def _messages() -> Iterator[Drift]:
    reactions = Reaction.objects.filter(message=OuterRef("pk"))
    yield from differences(get_message_model(), {"reaction_count": counted(reactions, "message")})
