"""Rows of thread lists: everything a reader sees of a thread before opening it."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from django.template import Context
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from threadflow_core import people, slots
from threadflow_core.ages import Ages
from threadflow_core.stencils import Look, Stencil
from threadflow_core.templatetags.threadflow import tf_number

ROW = Stencil(
    "threadflow_forum/partials/_row.html",
    *("id", "vote_url", "score", "login_url", "sub_href", "sub_hue", "sub_icon", "sub_slug"),
    *("sub_initial", "hue", "author", "profile", "when", "flair", "flair_hue", "href", "title"),
    *("url", "domain", "excerpt", "comments", "comments_word", "news", "save_url", "menu_url"),
    *("menu_label", "extra"),
)


def are_plain() -> bool:
    """Whether rows need no more of a thread than `listing.Row` has: nobody adds to them."""
    return not any(slots.entries("row_actions"))


def dress(threads: list[Any], *, reader: Any, login_url: str, in_sub: bool = False) -> None:
    """Give each thread its `row` (HTML). One query, whatever the number of threads."""
    cards = people.cards_of({thread.author_id for thread in threads})
    rows = _List(reader, login_url, in_sub)
    for thread in threads:
        thread.card = people.card_of(cards, thread.author_id)
        thread.row = SafeString(rows.look(thread).stamp(rows.values(thread)))


class _List:
    """What the rows of one list share: each address and each text is looked up once."""

    def __init__(self, reader: Any, login_url: str, in_sub: bool) -> None:
        self.me = reader.pk if reader.is_authenticated else None
        self.login_url = login_url
        self.in_sub = in_sub
        self.menu = reverse("threadflow_forum:thread_menu", args=["ID"])
        self.news = _("%(n)s new")
        self.label = _("More about “%(title)s”")
        self.has_extra = not are_plain()
        self.home = reverse("threadflow_forum:sub", args=["SLUG"])
        self.ages = Ages()
        self.words = lru_cache(maxsize=None)(_words)
        self.looks: dict[tuple[Any, ...], Look] = {}

    def values(self, thread: Any) -> dict[str, Any]:
        public_id, sub, card = thread.public_id, thread.sub, thread.card
        menu = self.menu.replace("/ID/", f"/{public_id}/")
        act = menu.removesuffix("menu/")
        flair = sub.flair_of(thread.flair) if thread.flair else None
        n = thread.comment_count
        return {
            "id": public_id,
            "vote_url": f"{act}vote/",
            "score": tf_number(thread.score),
            "login_url": self.login_url,
            "sub_href": self.home.replace("/SLUG/", f"/{sub.slug}/"),
            "sub_hue": sub.hue,
            "sub_icon": sub.icon,
            "sub_slug": sub.slug,
            "sub_initial": sub.slug[:1].upper(),
            "hue": card.hue,
            "author": card.name,
            "profile": card.url,
            "when": self.ages.tag(thread.created_at),
            "flair": flair["label"] if flair else "",
            "flair_hue": flair.get("hue", 8) if flair else 8,
            "href": f"{act.removesuffix('-/')}{thread.slug or '-'}/",
            "title": thread.title,
            "url": thread.url,
            "domain": thread.domain,
            "excerpt": thread.excerpt,
            "comments": tf_number(n),
            "comments_word": self.words(n),
            "news": self.news % {"n": _news(thread)},
            "save_url": f"{act}save/",
            "menu_url": menu,
            "menu_label": self.label % {"title": thread.title[:60]},
            "extra": slots.render("row_actions", Context(), thread) if self.has_extra else "",
        }

    def look(self, thread: Any) -> Look:
        flags = {
            "in_sub": self.in_sub,
            "pinned": bool(getattr(thread, "on_top", False)),
            "has_icon": bool(thread.sub.icon),
            "has_profile": bool(thread.card.url),
            "has_flair": bool(thread.flair) and thread.sub.flair_of(thread.flair) is not None,
            "locked": thread.locked_at is not None,
            "has_link": bool(thread.url),
            "has_excerpt": bool(thread.excerpt),
            "has_news": bool(_news(thread)),
            "member": self.me is not None,
            "guest": self.me is None,
            "own": self.me is not None and thread.author_id == self.me,
            "value": int(getattr(thread, "my_vote", None) or 0),
            "saved": bool(getattr(thread, "my_saved", None)),
        }
        key = tuple(flags.values())
        found = self.looks.get(key)
        if found is None:  # a few looks for a page of threads
            found = self.looks[key] = ROW.look(**flags)
        return found


def _words(n: int) -> str:
    return ngettext("comment", "comments", n)


def _news(thread: Any) -> int:
    """Comments that the reader has not seen; none in a thread that was never opened."""
    seen = getattr(thread, "my_read", None)
    return max(thread.last_number - seen, 0) if seen is not None else 0
