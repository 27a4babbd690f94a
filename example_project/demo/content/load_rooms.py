"""Brings the rooms into the database: the services open them, the talk is written as it was."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import Max
from django.utils import timezone

from threadflow_chat.models import Pin, Reaction, RoomMember
from threadflow_chat.services import membership, rooms, texts
from threadflow_chat.services.mentions import follow_text
from threadflow_chat.swaps import get_message_model
from threadflow_core import search
from threadflow_forum.swaps import get_sub_model, get_thread_model

from .rooms import OF_THREAD, ROOMS, R


def load_rooms(users: dict[str, Any]) -> None:
    """Open all rooms and write their logs. `users` by name."""
    for number, given in enumerate(ROOMS):
        room = open_room(given, users, of_thread=number == OF_THREAD)
        write_log(room, given, users)
    search.rebuild("chat_message")  # written in bulk, so nothing was told to the index


def open_room(given: R, users: dict[str, Any], *, of_thread: bool) -> Any:
    if given.people and not given.title:
        one, other = (users[name] for name in given.people)
        return rooms.direct(person=one, other=other)
    if given.people:
        first, *others = (users[name] for name in given.people)
        return rooms.open_group(person=first, title=given.title, people=others)
    sub = get_sub_model().objects.get(slug=given.sub)
    target: Any = sub
    if of_thread:
        busy = get_thread_model().objects.filter(sub=sub, state="visible", locked_at=None)
        target = busy.order_by("-hot").first()
    room = rooms.open_for(person=users["mod"], target=target)
    type(room)._default_manager.filter(pk=room.pk).update(
        topic=given.topic, slow_seconds=given.slow
    )
    for name in dict.fromkeys(["ada", *(said.name for said in given.said())]):
        membership.join(person=users[name], room=room)
    return room


def write_log(room: Any, given: R, users: dict[str, Any]) -> None:
    now, model = timezone.now(), get_message_model()
    before = None
    for number, said in enumerate(given.said(), start=1):
        text = texts.body(said.text)
        message = model._default_manager.create(
            room=room,
            mno=number,
            author=users[said.name],
            source=text.source,
            html=text.html,
            reply_to=before if said.answers else None,
            created_at=now - timedelta(minutes=said.minutes),
            reaction_count=sum(len(names) for _emoji, names in said.reactions),
        )
        for emoji, names in said.reactions:
            Reaction.objects.bulk_create(
                Reaction(message=message, person=users[name], emoji=emoji) for name in names
            )
        if said.pinned:
            Pin.objects.create(message=message, room=room, person=users[said.name])
        before = message
    last = model._default_manager.filter(room=room).aggregate(n=Max("mno"), at=Max("created_at"))
    type(room)._default_manager.filter(pk=room.pk).update(
        last_mno=last["n"], last_message_at=last["at"]
    )
    members = RoomMember.objects.filter(room_id=room.pk)
    members.update(last_read_mno=last["n"])
    for name, unread in given.unread.items():
        members.filter(person=users[name]).update(last_read_mno=last["n"] - unread)
    for message in model._default_manager.filter(room=room, source__contains="@"):
        follow_text(str(message.pk))
