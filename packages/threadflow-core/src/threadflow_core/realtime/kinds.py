"""What topics there are, who may follow them and what a frame shows. Packages register theirs."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from ..policies import Verdict

TOPIC = re.compile(r"[a-z]{1,20}:[A-Za-z0-9_.\-]{1,90}")
HIDDEN = Verdict.no("unknown_topic", _("There is nothing to follow here."))


@dataclass(frozen=True, slots=True)
class LiveEventData:
    """One row of the log: its position, what happened, and the ids of the objects."""

    seq: int
    kind: str
    ids: dict[str, Any]
    at: dt.datetime | None = None


Frame = dict[str, Any]
FrameRenderer = Callable[[str, list[LiveEventData]], list["Frame | None"]]


class TopicKind:
    """One kind of topic, `<prefix>:<key>`. Subclass it, then `realtime.register` the class."""

    prefix: ClassVar[str] = ""
    #: Sequenced topics have a log and lose nothing; others carry hints that may be lost.
    sequenced: ClassVar[bool] = True

    def may_subscribe(self, person: Any, key: str) -> Verdict:
        """May `person` (a user or AnonymousUser) follow the topic `key` now?

        Asked at subscription, every minute after it and after each `realtime.control`. Answer
        with code `unknown_topic` where not even the existence may be known.
        """
        return HIDDEN

    def may_subscribe_each(self, people: list[Any], key: str) -> list[Verdict]:
        """`may_subscribe` of several different people, all signed in, in their order.

        The regular question about a topic's followers. Answer it with few queries where many
        may follow; the answers must be those of `may_subscribe`.
        """
        return [self.may_subscribe(person, key) for person in people]

    def render(
        self, key: str, events: list[LiveEventData], instance: object | None = None
    ) -> list[Frame | None]:
        """Return one frame per event, in order, made from the rows as they are now.

        Of a thing that is deleted, hidden or erased a frame says so and shows nothing (a
        tombstone); None sends only the position. Frames are the same for everybody who may
        subscribe. `instance` is the object just written, when the event is live. The caller
        adds `op` (the event's kind), `topic` and `seq`.
        """
        frames: list[Frame | None] = [dict(event.ids) for event in events]
        by_kind: dict[str, list[int]] = {}
        for index, event in enumerate(events):
            by_kind.setdefault(event.kind, []).append(index)
        for kind, indexes in by_kind.items():
            renderer = _frames.get((self.prefix, kind))
            if renderer is not None:
                rendered = renderer(key, [events[index] for index in indexes])
                for index, frame in zip(indexes, rendered, strict=True):
                    frames[index] = frame
        return frames

    def page(self, key: str, person: Any) -> Frame | None:
        """What a client that was away too long gets with `reset`; None: it reads the page anew."""
        return None

    def mine(self, key: str, person: Any) -> Frame | None:
        """What only `person` is told as `me` when they begin to follow; may use the database."""
        return None

    def entered(self, key: str, socket: Any) -> None:
        """`socket` follows the topic from now on. Called in the event loop: do not wait."""

    def left(self, key: str, socket: Any) -> None:
        """`socket` follows the topic no longer. Called in the event loop: do not wait."""


_kinds: dict[str, TopicKind] = {}
_frames: dict[tuple[str, str], FrameRenderer] = {}
_ops: dict[str, Callable[..., Any]] = {}
_summaries: dict[str, Callable[[Any], Frame]] = {}


def register(kind: type[TopicKind]) -> type[TopicKind]:
    """Register a kind of topic, replacing an earlier one with the same prefix. A decorator too."""
    if not re.fullmatch(r"[a-z]{1,20}", kind.prefix):
        raise ValueError(f"{kind.__name__}.prefix must be 1 to 20 letters a-z.")
    _kinds[kind.prefix] = kind()
    return kind


def register_frame(prefix: str, kind: str, render: FrameRenderer) -> None:
    """Let `render(key, events)` make the frames of one event kind on topics of another package."""
    _frames[prefix, kind] = render


def register_op(op: str, handler: Callable[..., Any]) -> None:
    """Answer client frames `{"op": op}` with `handler(socket, frame) -> dict | None`.

    A coroutine function is awaited; a plain function may use the database and runs in a
    thread. What it returns is sent with the request number; a ThreadflowError becomes `err`.
    """
    _ops[op] = handler


def register_summary(name: str, make: Callable[[Any], Frame]) -> None:
    """Tell people who begin to follow their own topic `make(person)` as `me[name]`.

    Badges of pages are filled from it, so that no page has to count. `make` may use the database.
    """
    _summaries[name] = make


def op_handler(op: str) -> Callable[..., Any] | None:
    return _ops.get(op)


def kind_of(topic: str) -> tuple[TopicKind, str] | None:
    """The kind and key of a topic's name; None when there is no such kind or the name is odd."""
    if not TOPIC.fullmatch(topic):
        return None
    prefix, _colon, key = topic.partition(":")
    kind = _kinds.get(prefix)
    return (kind, key) if kind is not None else None


def user_key(user_id: Any) -> str:
    digest = salted_hmac("threadflow.realtime.user", str(user_id), algorithm="sha256")
    return digest.hexdigest()[:24]


def user_topic(user: Any) -> str:
    """The topic of one person's own events; its name gives nothing away."""
    return f"user:{user_key(user.pk)}"


@register
class UserTopic(TopicKind):
    """A person's own topic. Siblings give their event kinds a look by `register_frame`."""

    prefix = "user"

    def may_subscribe(self, person: Any, key: str) -> Verdict:
        if getattr(person, "is_authenticated", False) and key == user_key(person.pk):
            return Verdict.yes()
        return HIDDEN

    def mine(self, key: str, person: Any) -> Frame | None:
        """What siblings sum up for their badges."""
        return {name: make(person) for name, make in _summaries.items()} or None
