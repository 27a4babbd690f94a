from __future__ import annotations

from typing import Any

from django.db import transaction

from threadflow_core import realtime
from threadflow_core.policies import Verdict

from .models import Ban, Note


@realtime.register
class RoomTopic(realtime.TopicKind):
    """`drill:<room>`: rooms whose name begins with `private` need a sign-in and no ban."""

    prefix = "drill"

    def may_subscribe(self, person: Any, key: str) -> Verdict:
        if not key.startswith("private"):
            return Verdict.yes()
        if not person.is_authenticated:
            return Verdict.no("unknown_topic", "There is nothing to follow here.")
        if Ban.objects.filter(room=key, user_id=person.pk).exists():
            return Verdict.no("banned", "You may not read this room.")
        return Verdict.yes()

    def render(self, key: str, events: list[Any], instance: Any = None) -> list[Any]:
        notes = Note.objects.in_bulk([event.ids["note"] for event in events])
        frames = []
        for event in events:
            note = notes.get(event.ids["note"])
            if note is None or note.hidden:
                frames.append({"id": event.ids["note"], "gone": True})
            else:
                frames.append({"id": note.pk, "text": note.text})
        return frames


@realtime.register
class HintTopic(realtime.TopicKind):
    prefix = "drillhint"
    sequenced = False

    def may_subscribe(self, person: Any, key: str) -> Verdict:
        return Verdict.yes()


@transaction.atomic
def write(room: str, text: str) -> tuple[Note, int]:
    note = Note.objects.create(room=room, text=text)
    return note, realtime.publish(f"drill:{room}", "note.new", ids={"note": note.pk}, instance=note)


@transaction.atomic
def edit(note: Note, text: str) -> int:
    Note.objects.filter(pk=note.pk).update(text=text)
    return realtime.publish(f"drill:{note.room}", "note.edit", ids={"note": note.pk})


@transaction.atomic
def hide(note: Note) -> int:
    Note.objects.filter(pk=note.pk).update(hidden=True)
    realtime.drop_cached(f"drill:{note.room}", ids={"note": note.pk})
    return realtime.publish(f"drill:{note.room}", "note.gone", ids={"note": note.pk})
