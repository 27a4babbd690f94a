"""Rows of thread lists: everything a reader sees of a thread before opening it."""

from __future__ import annotations

from typing import Any

from django.template import Context
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from threadflow_core import people, slots
from threadflow_core.stencils import Stencil
from threadflow_core.templatetags.threadflow import tf_number, tf_when

from . import blocks

ROW = Stencil(
    "threadflow_forum/partials/_row.html",
    *("id", "controls", "pills", "sub_href", "sub_hue", "sub_icon", "sub_slug", "sub_initial"),
    *("hue", "author", "profile", "when", "flair", "flair_hue", "href", "title", "url", "domain"),
    *(
        "excerpt",
        "comments",
        "comments_word",
        "news",
        "save_url",
        "menu_url",
        "menu_label",
        "extra",
    ),
)


def dress(threads: list[Any], *, reader: Any, login_url: str, in_sub: bool = False) -> None:
    """Give each thread its `row` (HTML). One query, whatever the number of threads."""
    cards = people.cards_of({thread.author_id for thread in threads})
    # One pattern for all addresses of a list: resolving each costs more than drawing the row.
    menu = reverse("threadflow_forum:thread_menu", args=["ID"])
    subs = {thread.sub_id: thread.sub for thread in threads}
    homes = {pk: sub.get_absolute_url() for pk, sub in subs.items()}
    for thread in threads:
        thread.card = people.card_of(cards, thread.author_id)
        row = _row(thread, reader, login_url, in_sub, menu, homes[thread.sub_id])
        thread.row = SafeString(row)


def _row(
    thread: Any, reader: Any, login_url: str, in_sub: bool, pattern: str, sub_home: str
) -> str:
    public_id, sub, card = thread.public_id, thread.sub, thread.card
    menu = pattern.replace("/ID/", f"/{public_id}/")
    vote = f"{menu.removesuffix('menu/')}vote/"
    flair = sub.flair_of(thread.flair) if thread.flair else None
    seen = getattr(thread, "my_read", None)
    news = max(thread.last_number - seen, 0) if seen is not None else 0
    n = thread.comment_count
    values = {
        "id": public_id,
        "controls": blocks.thread_controls(thread, reader, login_url, shape="v", url=vote),
        "pills": blocks.thread_controls(thread, reader, login_url, shape="b", url=vote),
        "sub_href": sub_home,
        "sub_hue": sub.hue,
        "sub_icon": sub.icon,
        "sub_slug": sub.slug,
        "sub_initial": sub.slug[:1].upper(),
        "hue": card.hue,
        "author": card.name,
        "profile": card.url,
        "when": tf_when(thread.created_at),
        "flair": flair["label"] if flair else "",
        "flair_hue": flair.get("hue", 8) if flair else 8,
        "href": f"{menu.removesuffix('-/menu/')}{thread.slug or '-'}/",
        "title": thread.title,
        "url": thread.url,
        "domain": thread.domain,
        "excerpt": thread.excerpt,
        "comments": tf_number(n),
        "comments_word": ngettext("comment", "comments", n),
        "news": _("%(n)s new") % {"n": news} if news else "",
        "save_url": f"{menu.removesuffix('menu/')}save/",
        "menu_url": menu,
        "menu_label": _("More about “%(title)s”") % {"title": thread.title[:60]},
        "extra": slots.render("row_actions", Context(), thread),
    }
    return ROW.stamp(
        values,
        in_sub=in_sub,
        pinned=bool(getattr(thread, "on_top", False)),
        has_icon=bool(sub.icon),
        has_profile=bool(card.url),
        has_flair=flair is not None,
        locked=thread.locked_at is not None,
        has_link=bool(thread.url),
        has_excerpt=bool(thread.excerpt),
        has_news=bool(news),
        member=not login_url,
        saved=bool(getattr(thread, "my_saved", None)),
    )
