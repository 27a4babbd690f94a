"""What people type, checked and rendered once, before any transaction begins."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from threadflow_core import markup, people
from threadflow_core.exceptions import Invalid, TooLarge

from ..app_settings import app_settings

# Characters that turn or hide text: bidirectional overrides, zero-width ones but for the joiners.
_UNSEEN = re.compile("[\u200b\u2060\ufeff\u202a-\u202e\u2066-\u2069]")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_BLANK = re.compile("[\\s\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180e\u200c\u200d\u2800\u3164\uffa0]")
#: What is written to call everybody in a room.
EVERYBODY = ("here", "all")
NONCE = re.compile(r"[\x21-\x7e]{1,64}")


@dataclass(frozen=True, slots=True)
class Text:
    """A message's text, its safe HTML, and whom it names; `digest` tells equal texts."""

    source: str
    html: str
    excerpt: str
    names: list[str] = field(default_factory=list)

    @property
    def calls_everybody(self) -> bool:
        return any(name.lower() in EVERYBODY for name in self.names)

    @property
    def digest(self) -> str:
        folded = " ".join(self.source.casefold().split())
        return hashlib.sha256(folded.encode()).hexdigest()[:32] if folded else ""


def body(source: str, *, required: bool = True, most: int = 0) -> Text:
    """Check and render the Markdown `source`.

    Raises TooLarge over TEXT_MAX_LENGTH (or `most`) characters, and Invalid when `required` and
    nothing of it can be seen.
    """
    most = most or app_settings.TEXT_MAX_LENGTH
    if len(source) > most:
        raise TooLarge(
            _("That is %(n)s characters; at most %(most)s fit.") % {"n": len(source), "most": most},
            code="too_long",
        )
    clean = source.encode("utf-8", "replace").decode()  # a lone surrogate is no text
    clean = unicodedata.normalize("NFC", _CONTROL.sub("", _UNSEEN.sub("", clean)))
    clean = clean.replace("\r\n", "\n").replace("\r", "\n").strip()
    if required and not _BLANK.sub("", clean):
        raise Invalid(fields={"text": [_("Write something first.")]}, code="empty")
    return _rendered(clean)


def _rendered(clean: str) -> Text:
    names: list[str] = []

    def link(found: list[str]) -> dict[str, str]:
        names.extend(found)
        return people.mention_urls(found)

    rendered = markup.render(clean, mentions=link)
    return Text(clean, rendered.html, rendered.excerpt, names)


def line(source: str, *, most: int, field: str) -> str:
    """One line of text, possibly empty; raises Invalid when too long."""
    clean = source.encode("utf-8", "replace").decode()
    clean = " ".join(_CONTROL.sub("", _UNSEEN.sub("", unicodedata.normalize("NFC", clean))).split())
    if len(clean) > most:
        raise Invalid(fields={field: [_("At most %(most)s characters, please.") % {"most": most}]})
    return clean


def nonce(given: Any) -> str | None:
    """A client's key of a message, None when there is none; raises Invalid."""
    if given is None or given == "":
        return None
    if not isinstance(given, str) or not NONCE.fullmatch(given):
        raise Invalid(fields={"nonce": [_("1 to 64 visible ASCII characters.")]})
    return given


def emoji(given: Any) -> str:
    """One emoji; raises Invalid. Letters, digits by themselves and spaces are none."""
    clean = unicodedata.normalize("NFC", given) if isinstance(given, str) else ""
    good = 1 <= len(clean) <= 16 and len(clean.encode("utf-8", "replace")) <= 64
    kinds = {unicodedata.category(char) for char in clean}
    drawn = "So" in kinds or "\u20e3" in clean or "\ufe0f" in clean
    if not good or not drawn or not kinds <= _OF_EMOJI or any(c.isalpha() for c in clean):
        raise Invalid(fields={"emoji": [_("That is not an emoji.")]})
    return clean


#: Symbols, joiners, skin tones, selectors, digits and signs of keycaps.
_OF_EMOJI = {"So", "Sk", "Sm", "Cf", "Mn", "Me", "Nd", "Po", "Cn", "Pd"}
