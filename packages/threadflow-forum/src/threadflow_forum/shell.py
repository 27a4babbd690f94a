"""What the forum puts into the shell: navigation, «New post», the tab bar, the rail of the home page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import F
from django.template.loader import render_to_string

from threadflow_core import slots

from .models import ThreadMark
from .swaps import get_sub_model, get_thread_model

NAV_SUBS = 12
RAIL = 5


def register() -> None:
    slots.register("nav_left", nav_left, order=10)
    slots.register("topbar_actions", "threadflow_forum/partials/_new_post.html", order=50)
    slots.register("tabbar", "threadflow_forum/partials/_tabbar.html", order=10)
    slots.register("user_menu", "threadflow_forum/partials/_user_menu.html", order=10)


def nav_left(context: Mapping[str, Any], obj: Any) -> str:
    """Feeds, and the reader's own subs. One query for members, none for guests."""
    page = context["tf"]
    subs: list[Any] = []
    if page.signed_in:
        rows = get_sub_model().objects.followed_by(page.person).only("slug", "hue", "icon")
        subs = list(rows.order_by("slug")[: NAV_SUBS + 1])
    return render_to_string(
        "threadflow_forum/partials/_nav.html",
        {
            "tf": page,
            "subs": subs[:NAV_SUBS],
            "more": len(subs) > NAV_SUBS,
            "path": page.path.split("?")[0],
        },
    )


def rail(reader: Any) -> dict[str, Any]:
    """The rail of the home page: read threads with news, and the busiest subs. Two queries."""
    fresh: list[ThreadMark] = []
    if reader.is_authenticated:
        fresh = list(
            ThreadMark.objects.filter(
                person=reader,
                read_number__lt=F("thread__last_number"),
                # A mark outlives the right to read: who left a private sub keeps the row.
                thread__in=get_thread_model().objects.visible_to(reader).listed(),
            )
            .select_related("thread")
            .order_by("-thread__active_at")[:RAIL]
        )
        for mark in fresh:
            mark.new_count = mark.thread.last_number - (mark.read_number or 0)  # type: ignore[attr-defined]
    busy = get_sub_model().objects.visible_to(reader).filter(archived_at=None)
    if reader.is_authenticated:
        busy = busy.with_membership_of(reader)
    return {"fresh": fresh, "busy": list(busy.order_by("-active_at", "-id")[:RAIL])}
