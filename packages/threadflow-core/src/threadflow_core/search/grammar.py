"""What people type: words, "phrases", -not, author:name sub:slug tag:code before: after: dates."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

#: Longer queries are cut: nobody means the 21st word, and each costs.
MOST_TERMS = 20
MOST_CHARACTERS = 400

_PART = re.compile(
    r'(?P<minus>-?)(?:(?P<name>author|sub|tag|before|after):(?P<value>"[^"]*"|\S+)'
    r'|"(?P<phrase>[^"]*)"?|(?P<word>[^\s"]+))',
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W_]")


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed query. `wanted` and `unwanted` are words and phrases without quotes."""

    wanted: tuple[str, ...] = ()
    unwanted: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    subs: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    not_authors: tuple[str, ...] = ()
    not_subs: tuple[str, ...] = ()
    not_tags: tuple[str, ...] = ()
    before: datetime | None = None
    after: datetime | None = None

    @property
    def is_empty(self) -> bool:
        """Whether it asks for nothing in particular: such a query finds nothing."""
        return not (self.wanted or self.authors or self.subs or self.tags)


def parse(text: str) -> Query:
    """Read a query. Any text is one: what makes no sense is looked for as words."""
    lists: dict[str, list[str]] = {}
    dates: dict[str, datetime] = {}
    clean = text[:MOST_CHARACTERS].encode("utf-8", "replace").decode().replace("\x00", " ")
    for match in list(_PART.finditer(clean))[:MOST_TERMS]:
        name = (match["name"] or "").lower()
        value = (match["value"] or "").strip('"')
        if name in {"before", "after"} and (found := _date(value)):
            dates[name] = found
            continue
        if name in {"author", "sub", "tag"} and value:
            word, listed = value.lstrip("@").lower(), f"{name}s"
        else:
            word = match["phrase"] or match["word"] or value
            listed = "wanted"
        if not _WORD.search(word):
            continue
        if match["minus"]:
            listed = "unwanted" if listed == "wanted" else f"not_{listed}"
        lists.setdefault(listed, []).append(word)
    return Query(**{name: tuple(words) for name, words in lists.items()}, **dates)  # type: ignore[arg-type]


def _date(value: str) -> datetime | None:
    try:
        return datetime.combine(date.fromisoformat(value), time(), tzinfo=UTC)
    except ValueError:
        return None
