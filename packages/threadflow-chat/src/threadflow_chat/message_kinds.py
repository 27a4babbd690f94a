"""Kinds of messages: what stands in a room's log besides what people say. Packages add theirs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

TEXT, SYSTEM, BOT = "text", "system", "bot"


@dataclass(frozen=True, slots=True)
class MessageKind:
    """`by_person`: an author may send, edit and delete it. `template` draws the body in place of
    the rendered text; its context holds `message` and `card`."""

    code: str
    label: Any
    by_person: bool = True
    template: str = ""


_kinds: dict[str, MessageKind] = {}


def register(kind: MessageKind) -> MessageKind:
    """Add a kind of message; call it in `AppConfig.ready`."""
    _kinds[kind.code] = kind
    return kind


def kind_named(code: str) -> MessageKind:
    """The kind; of a package that is no longer installed, one like a text."""
    return _kinds.get(code) or MessageKind(code, code, by_person=False)


def is_known(code: str) -> bool:
    return code in _kinds


register(MessageKind(TEXT, _("message")))
register(MessageKind(SYSTEM, _("note"), by_person=False))
register(MessageKind(BOT, _("answer of a bot")))
