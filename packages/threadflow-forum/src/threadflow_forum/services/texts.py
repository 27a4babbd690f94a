"""What people type, checked and rendered once, before any transaction begins."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.utils.text import slugify
from django.utils.translation import gettext as _

from threadflow_core import markup, people
from threadflow_core.exceptions import Invalid, TooLarge

from ..app_settings import app_settings

# Characters that turn or hide text: bidirectional overrides, zero-width ones but for the joiners.
_UNSEEN = re.compile("[\u200b\u2060\ufeff\u202a-\u202e\u2066-\u2069]")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Text:
    source: str
    html: str
    excerpt: str
    mentions: list[str]


def body(source: str, *, required: bool = True) -> Text:
    """Check and render the Markdown `source`.

    Raises TooLarge over BODY_MAX_LENGTH, and Invalid when `required` and empty.
    """
    if len(source) > app_settings.BODY_MAX_LENGTH:
        most = app_settings.BODY_MAX_LENGTH
        raise TooLarge(
            _("That is %(n)s characters; at most %(most)s fit.") % {"n": len(source), "most": most}
        )
    clean = unicodedata.normalize("NFC", _UNSEEN.sub("", source)).strip()
    clean = clean.replace("\r\n", "\n")
    if required and not _CONTROL.sub("", clean).strip():
        raise Invalid(fields={"body": [_("Write something first.")]})
    rendered = markup.render(clean, mentions=people.mention_urls)
    return Text(clean, rendered.html, rendered.excerpt, rendered.mentions)


def title(source: str) -> str:
    """One line of text; raises Invalid when empty or too long."""
    clean = _CONTROL.sub("", _UNSEEN.sub("", unicodedata.normalize("NFC", source)))
    clean = " ".join(clean.split())
    if not clean:
        raise Invalid(fields={"title": [_("A thread needs a title.")]})
    if len(clean) > app_settings.TITLE_MAX_LENGTH:
        most = app_settings.TITLE_MAX_LENGTH
        raise Invalid(
            fields={"title": [_("At most %(most)s characters, please.") % {"most": most}]}
        )
    return clean


def slug(text: str) -> str:
    """The readable part of a thread's address: at most 80 characters, possibly empty."""
    return slugify(text)[:80].strip("-")


def link(source: str) -> tuple[str, str]:
    """A web address and its domain; raises Invalid."""
    clean = source.strip()
    try:
        URLValidator(schemes=["http", "https"])(clean)
        domain = (urlsplit(clean).hostname or "").removeprefix("www.")
    except (ValidationError, ValueError) as error:
        raise Invalid(fields={"url": [_("That is not a web address.")]}) from error
    if len(clean) > 2000:
        raise Invalid(fields={"url": [_("This address is too long.")]})
    return clean, domain


def same_version(thing: Any, version: int | None) -> bool:
    """Whether an edit that began at `version` may still be saved; None asks for no check."""
    return version is None or version == thing.version
