"""The part of a text in which the words were found, with the words marked."""

from __future__ import annotations

import re

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from .grammar import Query

_TOKEN = re.compile(r"\w+")


def highlight(text: str, query: Query, length: int = 240) -> SafeString:
    """About `length` characters of the plain `text` around the first hit, hits in `<mark>`."""
    stems = {_stem(word) for term in query.wanted for word in _TOKEN.findall(term)}
    hits = [m for m in _TOKEN.finditer(text[:100_000]) if stems and _stem(m[0]) in stems]
    start = max(0, hits[0].start() - length // 3) if hits else 0
    if start:
        start = text.rfind(" ", 0, start) + 1 or start
    end = min(len(text), start + length)
    parts: list[str] = ["…" if start else ""]
    done = start
    for hit in hits:
        if hit.start() < start:
            continue
        if hit.end() > end:
            break
        parts += [escape(text[done : hit.start()]), f"<mark>{escape(hit[0])}</mark>"]
        done = hit.end()
    parts += [escape(text[done:end]), "…" if end < len(text) else ""]
    return mark_safe("".join(parts))  # noqa: S308 - every part is escaped


def _stem(word: str) -> str:
    """Close enough to both engines' stemmers to mark what they found."""
    word = word.casefold()
    for ending in ("ing", "ed", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)].rstrip("e")
    return word.rstrip("e") if len(word) > 3 else word
