"""Cards of linked pages. They arrive late, by a job and one more event."""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit

from django.db import transaction

from threadflow_core import safehttp

from ..app_settings import app_settings
from ..swaps import get_message_model
from . import announce
from .locks import lock_message, lock_room

_LINK = re.compile(r'<a (?![^>]*tf-mention)[^>]*?href="(https?://[^"]+)"')
MAX_BYTES = 256 * 1024
_CONTROL = re.compile("[\x00-\x1f\x7f\u200e\u200f\u202a-\u202e\u2066-\u2069]+")


def links(message: Any) -> list[str]:
    """The first links of a message, as its HTML has them; names that were called are none."""
    found = [html.unescape(url) for url in _LINK.findall(message.html)]
    return list(dict.fromkeys(found))[: app_settings.PREVIEWS_MAX]


def fetch(url: str, **options: Any) -> dict[str, str] | None:
    """The card of a page, None when there is none to show. Blocks: for jobs alone."""
    try:
        page = safehttp.fetch(url, max_bytes=MAX_BYTES, headers={"Accept": "text/html"}, **options)
    except (safehttp.Refused, safehttp.FetchFailed):
        return None
    if page.status != 200 or page.content_type not in {"text/html", "application/xhtml+xml"}:
        return None
    head = _Head()
    head.feed(page.body.decode("utf-8", "replace"))
    title = head.meta.get("og:title") or head.title
    if not title.strip():
        return None
    site = head.meta.get("og:site_name") or (urlsplit(page.url).hostname or "")
    about = head.meta.get("og:description") or head.meta.get("description", "")
    return {
        "url": url[:2000],
        "title": _line(title, 200),
        "description": _line(about, 300),
        "site": _line(site, 100),
    }


def enrich(message_id: str, **options: Any) -> int:
    """Give a message the cards of its links; returns how many. Fetches outside of transactions."""
    message = get_message_model().objects.filter(pk=message_id).first()
    if message is None or not message.is_visible or not app_settings.PREVIEWS:
        return 0
    cards = [card for url in links(message) if (card := fetch(url, **options))]
    if cards == message.previews:
        return 0
    with transaction.atomic():
        room = lock_room(message.room_id)
        locked = lock_message(message.pk)
        if locked.version != message.version or not locked.is_visible:
            return 0  # its text changed meanwhile: that edit has a job of its own
        locked.previews = cards
        locked.save(update_fields=["previews"])
        announce.forget_frames(room, locked)
        announce.message_changed(room, locked, "msg.enrich")
    return len(cards)


def _line(text: str, most: int) -> str:
    clean = " ".join(_CONTROL.sub(" ", text).split())
    return clean if len(clean) <= most else clean[: most - 1].rstrip() + "…"


class _Head(HTMLParser):
    """Reads the title and the descriptions of a page."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.meta: dict[str, str] = {}
        self.title = ""
        self._in_title = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "title":
            self._in_title = not self.title
        elif tag == "meta":
            name = (given.get("property") or given.get("name", "")).lower()
            self.meta.setdefault(name, given.get("content", ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "title":
            self._in_title = False

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self.title += data
