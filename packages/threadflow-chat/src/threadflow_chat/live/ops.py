"""What API clients and bots send over the socket. Each op spends its limit, then calls a service."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from threadflow_core.exceptions import (
    Invalid,
    LimitExceeded,
    NotFound,
    PreconditionFailed,
    SignInRequired,
    ThreadflowError,
)
from threadflow_core.limits import spend
from threadflow_core.realtime.threads import in_thread

from .. import frames, policies
from ..exceptions import Barred, ConfirmMention, PremiumRequired
from ..services import bots, history, messages, pins, reactions, reads
from ..swaps import get_message_model, get_room_model
from . import presence, reading, typing

Frame = dict[str, Any]
Op = Callable[[Any, Frame], Frame]

#: Codes of the services in the words of the protocol.
CODES = {
    "rate_limited": "rate",
    "too_large": "too_long",
    "not_found": "unknown_room",
    "stale_version": "conflict",
    "invalid": "bad_request",
    "sign_in_required": "forbidden",
    "not_allowed": "forbidden",
}
#: Seconds for which it is not asked again whether somebody who types may write.
TRUST = 30.0


def op(function: Op) -> Op:
    """Answer errors with what the protocol says about them, and with what was asked."""

    @functools.wraps(function)
    def answer(socket: Any, frame: Frame) -> Frame:
        try:
            return function(socket, frame)
        except ThreadflowError as error:
            return refusal(error, frame)

    return answer


def refusal(error: ThreadflowError, frame: Frame) -> Frame:
    found: Frame = {"op": "err", "code": CODES.get(error.code, error.code), "msg": error.message}
    for name in ("nonce", "room"):
        if isinstance(frame.get(name), str):
            found[name] = frame[name][:100]
    if isinstance(error, LimitExceeded):
        found["retry_ms"] = error.retry_after * 1000
    if isinstance(error, Barred) and error.until is not None:
        found["until"] = error.until.isoformat()
    if isinstance(error, PremiumRequired):
        found |= {"feature": error.feature, "upgrade_url": error.upgrade_url}
    if isinstance(error, PreconditionFailed) and error.current is not None:
        found["ver"] = error.current.version
    if isinstance(error, ConfirmMention):
        found["count"] = error.count
    return found


# ---------------------------------------------------------------------- messages


@op
def send(socket: Any, frame: Frame) -> Frame:
    person = _person(socket)
    spend(messages.limit_of(person), person)
    room = _room_to_write(socket, frame)
    nonce = frame.get("nonce")
    message = messages.send_message(
        author=person,
        room=room,
        text=_text(frame, "text"),
        nonce=nonce,
        reply_to=_answered(frame),
        attachments=_keys(frame.get("att")),
        confirmed=frame.get("confirm") is True,
    )
    return {
        "op": "ack",
        "room": str(room.pk),
        "nonce": nonce,
        "id": str(message.pk),
        "mno": message.mno,
        "at": message.created_at.isoformat(),
    }


@op
def edit(socket: Any, frame: Frame) -> Frame:
    person = _person(socket)
    spend(messages.EDIT_LIMIT, person)
    message = messages.edit_message(
        editor=person,
        message=_message(person, frame),
        text=_text(frame, "text"),
        version=_number(frame.get("ver")),
    )
    return {"op": "ok", "id": str(message.pk), "ver": message.version}


@op
def delete(socket: Any, frame: Frame) -> Frame:
    person = _person(socket)
    spend(messages.EDIT_LIMIT, person)
    message = messages.delete_message(person=person, message=_message(person, frame))
    return {"op": "ok", "id": str(message.pk)}


@op
def restore(socket: Any, frame: Frame) -> Frame:
    person = _person(socket)
    spend(messages.EDIT_LIMIT, person)
    message = messages.restore_message(person=person, message=_message(person, frame))
    return {"op": "ok", "id": str(message.pk)}


@op
def react(socket: Any, frame: Frame) -> Frame:
    person = _person(socket)
    spend(reactions.REACT_LIMIT, person)
    reactions.react(
        person=person,
        message=_message(person, frame),
        emoji=_text(frame, "emoji"),
        on=frame.get("on") is not False,
    )
    return {"op": "ok"}


@op
def pin(socket: Any, frame: Frame) -> Frame:
    person = _person(socket)
    spend(pins.PIN_LIMIT, person)
    on = frame.get("on") is not False
    pins.set_pinned(person=person, message=_message(person, frame), on=on)
    return {"op": "ok"}


@op
def bot_stop(socket: Any, frame: Frame) -> Frame:
    person = _person(socket)
    bots.stop(person=person, message=_message(person, frame))
    return {"op": "ok"}


# ---------------------------------------------------------------------- reading


async def read(socket: Any, frame: Frame) -> Frame | None:
    """Moves of the pointer that ask for no answer are gathered, once it is known where it was."""
    room, mno = _followed(socket, frame), _number(frame.get("mno"))
    keeper, person = reading.keeper(), socket.person
    backwards = frame.get("unread") is True
    gathered = "i" not in frame and not backwards and person.is_authenticated
    if room is not None and mno is not None and gathered and keeper.knows(room, person):
        keeper.move(room, person, mno)
        return None
    answer: Frame = await in_thread(_read, socket, frame)
    if answer["op"] != "ok":
        return answer
    if room is not None:
        keeper.written(room, person, answer["mno"])
    return answer if "i" in frame else None


@op
def _read(socket: Any, frame: Frame) -> Frame:
    person = _person(socket)
    spend(reads.READ_LIMIT, person)
    mno = _number(frame.get("mno"))
    if mno is None:
        raise Invalid(_("Which message? Give its number as mno."), code="bad_request")
    room = _room(person, frame)
    if frame.get("unread") is True:
        state = reads.mark_unread(person=person, room=room, mno=mno)
    else:
        state = reads.mark_read(person=person, room=room, mno=mno)
    return {"op": "ok", "mno": state.last_read_mno, "n": state.unread, "mentions": state.mentions}


@op
def hist(socket: Any, frame: Frame) -> Frame:
    person = socket.person
    spend(reads.READ_LIMIT, person if person.is_authenticated else socket.address)
    room = _room(person, frame)
    found = history.stretch(
        room,
        before=_number(frame.get("before")),
        after=_number(frame.get("after")),
        around=_number(frame.get("around")),
        limit=_number(frame.get("n")) or 0,
    )
    return {
        "op": "hist",
        "room": str(room.pk),
        "messages": frames.messages(found.messages, person),
        "before": found.more_before,
        "after": found.more_after,
    }


async def who(socket: Any, frame: Frame) -> Frame:
    """A page of the people present: `after` is the name that the last page ended with."""
    room = _followed(socket, frame)
    if room is None:
        return refusal(NotFound(), frame)
    present = await presence.keeper().here(room)
    shown = await in_thread(presence.people_shown, present)
    after = frame.get("after")
    if isinstance(after, str):
        shown = [one for one in shown if str(one["name"]).casefold() > after.casefold()]
    page = shown[:100]
    return {
        "op": "who",
        "room": room,
        "n": len(present),
        "users": page,
        "more": len(shown) > len(page),
    }


# ---------------------------------------------------------------------- signs of life


async def type_(socket: Any, frame: Frame) -> Frame | None:
    room = _followed(socket, frame)
    if room is None or not socket.person.is_authenticated:
        return None
    if await _may_type(socket, room) and not await typing.keeper().is_crowded(room):
        typing.keeper().set(room, socket.person, frame.get("on") is not False)
    return None


async def here(socket: Any, frame: Frame) -> Frame | None:
    """`state` active or idle: whether the person looks at this tab."""
    presence.keeper().set_idle(socket, frame.get("state") == "idle")
    return None


async def _may_type(socket: Any, room: str) -> bool:
    known: dict[str, tuple[float, bool]] = socket.__dict__.setdefault("chat_may_type", {})
    asked, allowed = known.get(room, (-TRUST, False))
    if time.monotonic() - asked > TRUST:
        allowed = await in_thread(_may_write, socket.person, room)
        known[room] = (time.monotonic(), allowed)
    return allowed


def _may_write(person: Any, room: str) -> bool:
    try:
        found = get_room_model().objects.find_visible(room, person)
    except NotFound:
        return False
    return bool(policies.may_write(person, found))


HANDLERS: dict[str, Callable[..., Any]] = {
    "msg.send": send,
    "msg.edit": edit,
    "msg.del": delete,
    "msg.restore": restore,
    "react": react,
    "pin": pin,
    "read": read,
    "hist": hist,
    "who": who,
    "typing": type_,
    "here": here,
    "bot.stop": bot_stop,
}


# ---------------------------------------------------------------------- what frames hold


def _person(socket: Any) -> Any:
    if not socket.person.is_authenticated:
        raise SignInRequired()
    return socket.person


def _room_key(frame: Frame) -> str:
    given = frame.get("room") or frame.get("topic")
    return given.removeprefix("room:")[:64] if isinstance(given, str) else ""


def _followed(socket: Any, frame: Frame) -> str | None:
    """The room's key if this socket follows it: rights were asked then, and are asked again."""
    key = _room_key(frame)
    return key if f"room:{key}" in socket.topics else None


def _room(person: Any, frame: Frame) -> Any:
    """A room that may be read; what may not even be known is `unknown_room`."""
    found = get_room_model().objects.find_visible(_room_key(frame), person)
    policies.require(policies.may_read(person, found))
    return found


def _room_to_write(socket: Any, frame: Frame) -> Any:
    """A room for `send_message`, which reads and locks the row and asks whether one may write.

    Who follows the room may know of it, so nothing is read twice.
    """
    followed = _followed(socket, frame)
    model: Any = get_room_model()
    if followed is not None:
        return model(pk=UUID(followed))
    return model.objects.find_visible(_room_key(frame), socket.person)


def _message(person: Any, frame: Frame) -> Any:
    try:
        return get_message_model().objects.find_readable(frame.get("id"), person)
    except NotFound:
        raise NotFound(code="unknown_message") from None


def _answered(frame: Frame) -> Any:
    try:
        key = get_message_model()._meta.pk.to_python(frame.get("reply_to"))
    except ValidationError:
        raise NotFound(code="unknown_message") from None
    return messages.to_answer(key)


def _text(frame: Frame, name: str) -> str:
    given = frame.get(name)
    if not isinstance(given, str):
        raise Invalid(_("%(name)s must be a text.") % {"name": name}, code="bad_request")
    return given


def _number(given: Any) -> int | None:
    if isinstance(given, bool) or not isinstance(given, int) or not 0 <= given < 2**53:
        return None
    return given


def _keys(given: Any) -> list[UUID]:
    if given is None:
        return []
    try:
        return [UUID(one) for one in given]
    except (TypeError, ValueError, AttributeError):
        raise Invalid(_("att must be a list of keys of uploads."), code="bad_request") from None
