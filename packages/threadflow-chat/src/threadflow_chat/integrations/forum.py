"""Rooms on threads and subs of the forum, and messages quoted into threads."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from threadflow_core import people, realtime
from threadflow_core.exceptions import Conflict, NotFound
from threadflow_core.policies import Verdict
from threadflow_forum import policies as forum_policies
from threadflow_forum import signals as forum_signals
from threadflow_forum.models import MODERATING, Membership, ModAction, ModLogEntry
from threadflow_forum.services import comments
from threadflow_forum.swaps import get_sub_model, get_thread_model

from .. import bindings, rosters
from ..abstract_models import AbstractMessage, AbstractRoom
from ..services import rooms
from ..swaps import get_room_model

#: What rooms and the forum's policies read of a thread and of a sub.
_OF_THREAD = ("title", "slug", "state", "locked_at")
_OF_SUB = ("title", "slug", "visibility", "archived_at")


class ThreadBinding(bindings.Binding):
    """The room of a thread: who reads the thread reads it, the sub's moderators moderate it."""

    code = "thread"

    def model(self) -> type[Any]:
        return get_thread_model()

    def visible_to(self, person: Any) -> QuerySet[Any]:
        return _threads().visible_to(person).listed()

    def moderated_by(self, person: Any) -> QuerySet[Any]:
        return _threads().filter(sub_id__in=_moderated(person))

    def title(self, target: Any) -> str:
        return str(target.title)

    def state(self, target: Any) -> str:
        if target.sub.archived_at is not None or not target.is_visible:
            return bindings.ARCHIVED
        return bindings.READ_ONLY if target.is_locked else bindings.OPEN

    def may_write(self, person: Any, target: Any) -> Verdict:
        return forum_policies.standing(person, target.sub)

    def find_public(self, public_key: str, person: Any) -> Any:
        try:
            rows: Any = self.visible_to(person).select_related("sub")
            return rows.get_public(public_key)
        except NotFound:
            return None

    def related(self) -> tuple[str, ...]:
        return ("sub",)

    def columns(self) -> tuple[str, ...]:
        return (*_OF_THREAD, *(f"sub__{name}" for name in _OF_SUB))


class SubBinding(bindings.Binding):
    """The room of a sub."""

    code = "sub"

    def model(self) -> type[Any]:
        return get_sub_model()

    def visible_to(self, person: Any) -> QuerySet[Any]:
        return _subs().visible_to(person)

    def moderated_by(self, person: Any) -> QuerySet[Any]:
        return _subs().filter(pk__in=_moderated(person))

    def title(self, target: Any) -> str:
        return str(target.title)

    def state(self, target: Any) -> str:
        return bindings.OPEN if target.archived_at is None else bindings.ARCHIVED

    def may_write(self, person: Any, target: Any) -> Verdict:
        return forum_policies.standing(person, target)

    def find_public(self, public_key: str, person: Any) -> Any:
        try:
            rows: Any = self.visible_to(person)
            return rows.get_named(public_key)
        except NotFound:
            return None

    def columns(self) -> tuple[str, ...]:
        return _OF_SUB


def _threads() -> Any:
    return get_thread_model().objects


def _subs() -> Any:
    return get_sub_model().objects


def _moderated(person: Any) -> Any:
    """Keys of the subs that `person` moderates without being banned there."""
    rows = Membership.objects.filter(person_id=person.pk, role__in=MODERATING)
    return rows.filter(banned_at__isnull=True).values("sub_id")


def connect() -> None:
    """Bind rooms to threads and subs, and follow what happens to them."""
    bindings.register(ThreadBinding())
    bindings.register(SubBinding())
    uid = "threadflow.chat.forum"
    forum_signals.content_hidden.connect(_hidden, dispatch_uid=f"{uid}.hidden")
    forum_signals.audience_narrowed.connect(_narrowed, dispatch_uid=f"{uid}.narrowed")
    forum_signals.moderated.connect(_moderated_act, dispatch_uid=f"{uid}.moderated")
    forum_signals.thread_edited.connect(_edited, dispatch_uid=f"{uid}.edited")


def _hidden(*, thing: Any, **kwargs: Any) -> None:
    """A thread was taken down: its followers are sent away, in the same step."""
    if isinstance(thing, get_thread_model()):
        room = get_room_model().objects.bound_to(thing).first()
        if room is not None:
            rosters.expire_all()
            realtime.recheck(room.live_topic)


def _narrowed(**kwargs: Any) -> None:
    """Fewer people read a sub. The forum has every right asked again; lists go, too."""
    rosters.expire_all()


_CLOSING = {ModAction.LOCK_THREAD, ModAction.UNLOCK_THREAD, ModAction.APPROVE_THREAD}


def _moderated_act(*, entry: ModLogEntry, **kwargs: Any) -> None:
    """A thread was locked or opened again: its room shows it at once."""
    if entry.action in _CLOSING and entry.thread_id is not None:
        rooms.target_changed(entry.thread)


def _edited(*, thread: Any, **kwargs: Any) -> None:
    """A thread has another title: so has its room."""
    rooms.target_changed(thread)


def thread_of(room: AbstractRoom) -> Any:
    """The thread that a room hangs on, None for other rooms."""
    return room.target if room.target_kind == ThreadBinding.code else None


def quote(message: AbstractMessage) -> str:
    """Markdown that quotes a message, with the name of who wrote it: text only."""
    if not message.is_visible:
        raise Conflict(_("This message is gone."), code="gone")
    author: Any = message.author
    name = str(people.card(author).name)
    head = _("%(name)s wrote in the chat:") % {"name": name}
    lines = [f"> {line}".rstrip() for line in message.source.splitlines()]
    return "\n".join([f"> **{head}**", ">", *lines])


def reply_in_thread(
    *, person: Any, message: AbstractMessage, text: str = "", nonce: str | None = None
) -> Any:
    """Comment on the room's thread with a quote of `message` above `text`.

    Only messages of public rooms are quoted. Raises Conflict for another room, and what the
    forum raises.
    """
    room: Any = message.room
    thread = thread_of(room)
    if thread is None or room.is_private:
        raise Conflict(_("Only the chat of a thread is quoted there."), code="no_thread")
    body = f"{quote(message)}\n\n{text}".strip()
    return comments.add_comment(author=person, thread=thread, body=body, nonce=nonce)
