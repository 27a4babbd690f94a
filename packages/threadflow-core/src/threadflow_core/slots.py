"""Places in our templates where siblings and hosts put pieces of their own.

A package registers a piece from its `AppConfig.ready`; the template that owns the place
renders all pieces with `{% tf_slot "name" obj %}`, without knowing who filled it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.template import Context, Engine
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString, mark_safe

#: A callable piece gets the template context and the object of the slot. It returns HTML
#: (a SafeString), plain text (which is escaped), or None for nothing.
Piece = str | Callable[[Any, Any], "str | None"]


@dataclass(frozen=True, order=True)
class Entry:
    order: int
    key: str
    piece: Piece = field(compare=False)


_slots: dict[str, dict[str, Entry]] = {}
#: The same in their order; made anew when somebody registers.
_ordered: dict[str, list[Entry]] = {}


def register(slot: str, piece: Piece, *, order: int = 100, key: str = "") -> None:
    """Put `piece` (a template name or a callable) into `slot`; lower `order` comes first.

    `key` names the entry and defaults to the template name or the callable's dotted path.
    Registering a key again replaces its entry, which is how a host swaps out our piece.
    """
    name = key or (piece if isinstance(piece, str) else f"{piece.__module__}.{piece.__qualname__}")
    _slots.setdefault(slot, {})[name] = Entry(order, name, piece)
    _ordered.pop(slot, None)


def unregister(slot: str, key: str) -> None:
    """Take the entry `key` out of `slot`; unknown names are ignored."""
    _slots.get(slot, {}).pop(key, None)
    _ordered.pop(slot, None)


def entries(slot: str) -> Iterator[Entry]:
    """The entries of a slot in their order (ties: by key)."""
    found = _ordered.get(slot)
    if found is None:
        found = _ordered[slot] = sorted(_slots.get(slot, {}).values())
    yield from found


def render(slot: str, context: Context, obj: Any = None) -> SafeString:
    """Render all pieces of `slot`. Templates get `context` and, as `object`, the slot's object."""
    parts: list[str] = []
    for entry in entries(slot):
        if isinstance(entry.piece, str):
            parts.append(include(entry.piece, context, object=obj))
        else:
            html = entry.piece(context, obj)
            if html is not None:
                parts.append(conditional_escape(html))
    return mark_safe("".join(parts))  # noqa: S308 (each part is rendered by a template or escaped)


def include(name: str, context: Context, **more: Any) -> SafeString:
    """Render a template in the running context, as `{% include %}` does.

    Cheaper than `render_to_string`: context processors are not run once more for each piece.
    """
    engine = context.template.engine if context.template else Engine.get_default()
    with context.push(**more):
        return engine.get_template(name).render(context)
