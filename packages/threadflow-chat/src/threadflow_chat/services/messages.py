"""Sending, changing and taking back messages."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from math import ceil
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from threadflow_core import jobs, search, uploads
from threadflow_core.exceptions import Gone, Invalid, NotAllowed, NotFound, PreconditionFailed
from threadflow_core.limits import Limit
from threadflow_core.lookups import one

from .. import message_kinds, policies, signals
from ..abstract_models import AbstractMessage, AbstractRoom, MessageState
from ..adapter import adapter
from ..app_settings import app_settings
from ..exceptions import ConfirmMention, DuplicateText, SlowMode
from ..models import MessageRevision, Pin, RoomAction
from ..swaps import get_message_model
from . import announce, membership, previews, texts
from .locks import lock_member, lock_message, lock_room, now_of, used_elsewhere, writing_once

MESSAGE_LIMIT = Limit.parse("chat.message", "5/5s")
NEWCOMER_LIMIT = Limit.parse("chat.message_newcomer", "2/5s")
EDIT_LIMIT = Limit.parse("chat.edit", "60/10m")


def limit_of(person: Any) -> Limit:
    """The limit that a message of `person` is counted by."""
    return NEWCOMER_LIMIT if adapter().is_new(person=person) else MESSAGE_LIMIT


def send_message(
    *,
    author: Any,
    room: AbstractRoom,
    text: str,
    nonce: str | None = None,
    reply_to: AbstractMessage | None = None,
    attachments: Iterable[UUID] = (),
    confirmed: bool = False,
    kind: str = message_kinds.TEXT,
    metadata: dict[str, Any] | None = None,
    state: str = MessageState.VISIBLE,
) -> AbstractMessage:
    """Write `text` into `room`; in a public room that also joins it.

    Of `room` and `reply_to` only the keys count: both are read here, under the room's lock.
    The same `nonce` of the same author again returns the first message. `attachments` are keys
    of the author's uploads that belong to nothing yet. `confirmed` answers ConfirmMention, which
    `@here` raises in larger rooms. Raises SignInRequired, NotAllowed, Barred, PremiumRequired,
    SlowMode, DuplicateText, Invalid, TooLarge, Gone when the answered message was taken back,
    Conflict when the nonce was used for another text.
    """
    files = _files(attachments)
    content = texts.body(text, required=not files and state == MessageState.VISIBLE)
    nonce = texts.nonce(nonce)
    with writing_once(nonce):
        locked = lock_room(room.pk)
        earlier = _earlier(author, nonce, locked, content.source)
        if earlier is not None:
            policies.require(policies.may_read(author, locked))
            return earlier
        message = _drafted(locked, content, kind=kind, state=state, metadata=metadata)
        message.nonce, message.reply_to = nonce, _parent(locked, reply_to)
        joined = _write(author, locked, message, content, confirmed=confirmed)
        message.attachment_count = _attach(author, message, files)
        if joined:
            announce.member_changed(locked, author)
        announce.message_changed(locked, message, "msg.new")
        _follow_up(message, "chat.message_sent")
        signal = signals.message_sent
        transaction.on_commit(
            lambda: signal.send_robust(type(message), message=message, room=locked)
        )
    return message


def to_answer(key: UUID | None) -> Any:
    """The message with this key as `reply_to` of `send_message`, which looks for it in the room."""
    model: Any = get_message_model()
    return None if key is None else model(pk=key)


def _drafted(
    room: Any, content: texts.Text, *, kind: str, state: str, metadata: dict[str, Any] | None
) -> Any:
    """A new message, without author and number, not yet stored."""
    return get_message_model()(
        room=room,
        kind=kind,
        state=state,
        source=content.source,
        html=content.html,
        metadata=metadata or {},
    )


def _write(author: Any, room: Any, message: Any, content: texts.Text, *, confirmed: bool) -> bool:
    """Check the author and store the message with the room's next number.

    True when the author was let in by it.
    """
    if not getattr(author, "is_authenticated", False):
        policies.require(policies.may_write(author, room))
    member = lock_member(author, room)
    here = policies.Here(author, room, member)
    policies.require(policies.may_write(author, room, here))
    _pace(room, here, content.digest)
    if content.calls_everybody:
        _may_call_everybody(room, here, confirmed=confirmed)
    if adapter().is_spam(author=author, room=room, text=content.source):
        raise NotAllowed(_("This was taken for spam."), code="spam")
    room.last_mno += 1
    message.author, message.mno = author, room.last_mno
    message.save(force_insert=True)
    room.last_message_at = message.created_at
    joined = not member.is_inside
    if joined:
        membership.let_in(room, member, save=False)
    if member.last_read_mno == message.mno - 1:
        member.last_read_mno = message.mno
    member.last_sent_at, member.last_sent_hash = now_of(member), content.digest
    _store(room, "last_mno", "last_message_at", *(["member_count"] if joined else []))
    _store(member, "role", "last_read_mno", "last_sent_at", "last_sent_hash")
    return joined


def _store(row: Any, *names: str) -> None:
    """Write columns of a locked row. In every message: `save` would cost it twice as much."""
    values = {name: getattr(row, name) for name in names}
    type(row)._base_manager.filter(pk=row.pk).update(**values)


def _pace(room: Any, here: policies.Here, digest: str) -> None:
    """Slow mode and repeated texts, under the member's lock: of two tabs one wins.

    Moderators are asked for last, since that may cost a query.
    """
    member = here.member
    if member.last_sent_at is None:
        return
    passed = (now_of(member) - member.last_sent_at).total_seconds()
    if room.slow_seconds and passed < room.slow_seconds and not here.is_moderator:
        raise SlowMode(ceil(room.slow_seconds - passed))
    repeated = bool(digest) and digest == member.last_sent_hash
    if repeated and passed < app_settings.REPEAT_SECONDS and not here.is_moderator:
        raise DuplicateText()


def _may_call_everybody(room: Any, here: policies.Here, *, confirmed: bool) -> None:
    count = room.member_count
    if count > app_settings.HERE_MAX and not here.is_moderator:
        raise NotAllowed(_("Only moderators call everybody in a room this large."), code="here")
    if count > app_settings.HERE_WARN and not confirmed:
        raise ConfirmMention(
            _("That calls all %(n)s people in this room. Send it again to do so.") % {"n": count},
            count=count,
        )


def _earlier(author: Any, nonce: str | None, room: Any, source: str) -> Any:
    if not nonce or not getattr(author, "is_authenticated", False):
        return None
    rows: Any = get_message_model().objects
    rows = rows.filter(room=room, author=author, nonce=nonce)
    # Nearly always there is none: the row with all that a frame shows is read only then.
    key = next(iter(rows.values_list("pk", flat=True)[:1]), None)
    if key is None:
        return None
    messages: Any = get_message_model().objects
    found = messages.with_people().get(pk=key)
    if found.source != source and found.version == 1:
        raise used_elsewhere()
    found.room = room
    return found


def _parent(room: Any, answered: Any) -> Any:
    """The answered message as it is now; the room's lock keeps it so."""
    if answered is None:
        return None
    rows: Any = get_message_model().objects.select_related("author")
    fresh = one(rows.filter(pk=answered.pk, room=room))
    if fresh is None:
        raise NotFound(
            _("The message that you answer is not in this room."), code="unknown_message"
        )
    if not fresh.is_visible:
        raise Gone(_("The message that you answer was taken back."), code="parent_gone")
    return fresh


def _files(attachments: Iterable[UUID]) -> list[UUID]:
    files = list(dict.fromkeys(attachments))
    if len(files) > app_settings.ATTACHMENTS_MAX:
        most = app_settings.ATTACHMENTS_MAX
        raise Invalid(
            fields={"attachments": [_("At most %(most)s files, please.") % {"most": most}]}
        )
    return files


def _attach(author: Any, message: Any, files: list[UUID]) -> int:
    """Tie the uploads to the message: from now on whoever reads it may fetch them."""
    if not files:
        return 0
    tied = uploads.attach(files, message, owner=author)
    if tied != len(files):
        raise Invalid(fields={"attachments": [_("A file is missing. Add it again.")]})
    type(message).objects.filter(pk=message.pk).update(attachment_count=tied)
    return tied


def _follow_up(message: Any, event: str) -> None:
    """What is done about a new or changed text by jobs: mentions, badges, previews, the index."""
    message_id, room_id = str(message.pk), str(message.room_id)
    jobs.emit(event, message_id=message_id, room_id=room_id)
    if previews.links(message):
        jobs.emit("chat.message_linked", message_id=message_id, room_id=room_id)
    if message.kind != message_kinds.SYSTEM:
        search.index("chat_message", message.pk)


def edit_message(
    *, editor: Any, message: AbstractMessage, text: str, version: int | None = None
) -> AbstractMessage:
    """Replace the text. The earlier one is kept, but within EDIT_GRACE_SECONDS.

    Raises PreconditionFailed when `version` is no longer the current one, NotAllowed, Invalid.
    """
    content = texts.body(text, required=not message.attachment_count)
    with transaction.atomic():
        room = lock_room(message.room_id)
        locked = lock_message(message.pk)
        policies.require(policies.may_edit(editor, locked, room))
        if version is not None and version != locked.version:
            raise PreconditionFailed(current=locked)
        if locked.source != content.source:
            _replace(room, locked, content)
    return locked


def _replace(room: Any, message: Any, content: texts.Text) -> None:
    now = timezone.now()
    grace = timedelta(seconds=app_settings.EDIT_GRACE_SECONDS)
    if now - message.created_at > grace:
        MessageRevision.objects.create(
            message=message, version=message.version, source=message.source, html=message.html
        )
        message.edited_at = now
    message.source, message.html, message.previews = content.source, content.html, []
    message.version += 1
    message.save(update_fields=["source", "html", "previews", "version", "edited_at"])
    announce_edit(room, message)


def announce_edit(room: Any, message: Any) -> None:
    """Tell of a changed text: frames, jobs, index and signal. Call it last in a transaction."""
    announce.forget_frames(room, message)
    announce.message_changed(room, message, "msg.edit")
    _follow_up(message, "chat.message_edited")
    transaction.on_commit(
        lambda: signals.message_edited.send_robust(type(message), message=message, room=room)
    )


@transaction.atomic
def delete_message(*, person: Any, message: AbstractMessage, reason: str = "") -> AbstractMessage:
    """Take a message back: one's own, or as a moderator somebody else's. Its place stays."""
    room = lock_room(message.room_id)
    locked = lock_message(message.pk)
    policies.require(policies.may_delete(person, locked, room))
    if not locked.is_visible:
        return locked
    own = locked.author_id == person.pk
    locked.state = MessageState.DELETED if own else MessageState.REMOVED
    locked.deleted_at = timezone.now()
    locked.save(update_fields=["state", "deleted_at"])
    was_pinned = Pin.objects.filter(message=locked).delete()[0] > 0
    if not own:
        announce.write_log(
            room,
            actor=person,
            action=RoomAction.REMOVE_MESSAGE,
            reason=reason,
            message=locked,
            person=locked.author,
        )
    _hide(room, locked)
    if was_pinned:  # told apart: whoever was away may find the message back, and it has no pin
        announce.pin_changed(room, locked)
    return locked


def _hide(room: Any, message: Any) -> None:
    signals.content_hidden.send(type(message), thing=message)
    search.remove("chat_message", message.pk)
    jobs.emit("chat.message_hidden", message_id=str(message.pk), room_id=str(room.pk))
    announce.forget_frames(room, message)
    announce.message_changed(room, message, "msg.del")
    transaction.on_commit(
        lambda: signals.message_deleted.send_robust(type(message), message=message, room=room)
    )


@transaction.atomic
def restore_message(*, person: Any, message: AbstractMessage) -> AbstractMessage:
    """Bring a message back: one's own within UNDO_SECONDS, as a moderator a removed one."""
    room = lock_room(message.room_id)
    locked = lock_message(message.pk)
    if locked.is_visible:
        policies.require(policies.may_delete(person, locked, room))
        return locked
    policies.require(policies.may_restore(person, locked, room))
    was_removed = locked.state == MessageState.REMOVED
    locked.state, locked.deleted_at = MessageState.VISIBLE, None
    locked.save(update_fields=["state", "deleted_at"])
    if was_removed:
        announce.write_log(
            room,
            actor=person,
            action=RoomAction.RESTORE_MESSAGE,
            message=locked,
            person=locked.author,
        )
    announce.forget_frames(room, locked)
    announce.message_changed(room, locked, "msg.restore")
    _follow_up(locked, "chat.message_edited")
    transaction.on_commit(
        lambda: signals.message_restored.send_robust(type(locked), message=locked, room=room)
    )
    return locked


@transaction.atomic
def write_system_line(
    *, room: AbstractRoom, text: str, metadata: dict[str, Any] | None = None
) -> AbstractMessage:
    """Write a line that nobody said: a room was archived, a call began. Asks no policy."""
    content = texts.body(text)
    locked = lock_room(room.pk)
    locked.last_mno += 1
    kind, state = message_kinds.SYSTEM, MessageState.VISIBLE
    message = _drafted(locked, content, kind=kind, state=state, metadata=metadata)
    message.mno = locked.last_mno
    message.save(force_insert=True)
    locked.last_message_at = message.created_at
    locked.save(update_fields=["last_mno", "last_message_at"])
    announce.message_changed(locked, message, "msg.new")
    return message


__all__ = [
    "announce_edit",
    "delete_message",
    "edit_message",
    "limit_of",
    "restore_message",
    "send_message",
    "to_answer",
    "write_system_line",
]
