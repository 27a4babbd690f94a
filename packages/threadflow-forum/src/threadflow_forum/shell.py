"""What the forum puts into the shell: navigation, «New post», the tab bar, the rail of the home page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from django.db.models import F
from django.template.loader import render_to_string
from django.urls import get_script_prefix, get_urlconf, reverse
from django.utils.safestring import SafeString
from django.utils.translation import get_language, ngettext

from threadflow_core import slots
from threadflow_core.lookups import ColumnList
from threadflow_core.stencils import Stencil
from threadflow_core.templatetags.threadflow import tf_number

from .models import ThreadMark
from .swaps import get_sub_model, get_thread_model

NAV_SUBS = 12
RAIL = 5

SUB_LINE = Stencil(
    "threadflow_forum/partials/_sub_line.html",
    *("slug", "initial", "icon", "hue", "href", "join_url", "members"),
)


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
    path = page.path.split("?")[0]
    return render_to_string(
        "threadflow_forum/partials/_nav.html",
        {
            "tf": page,
            "subs": subs[:NAV_SUBS],
            "more": len(subs) > NAV_SUBS,
            "path": path,
            "here": _feeds(get_urlconf(), get_script_prefix(), get_language()).get(path, ""),
        },
    )


@lru_cache(maxsize=32)
def _feeds(urlconf: str | None, prefix: str, language: str | None) -> dict[str, str]:
    """Names of the lists that the navigation leads to, by their paths."""
    return {reverse(f"threadflow_forum:{name}"): name for name in ("home", "all", "saved", "subs")}


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
    roles = []
    if reader.is_authenticated:
        busy = busy.with_membership_of(reader)
        roles.append("my_role")
    found = busy.order_by("-active_at", "-id").values_list(*roles, BUSY)[:RAIL]
    lines = [_Busy(*row[len(roles) :], *(row[: len(roles)] or (None,))) for row in found]
    return {"fresh": fresh, "busy": sub_lines(lines, reader)}


class _Busy(NamedTuple):
    slug: str
    icon: str
    hue: int
    member_count: int
    my_role: str | None


BUSY = ColumnList(_Busy._fields[:-1])


def sub_lines(subs: Iterable[Any], reader: Any) -> list[SafeString]:
    """Subs in one line each; with `my_role` set, those that the reader isn't in can be joined."""
    home, join = (reverse(f"threadflow_forum:{name}", args=["SLUG"]) for name in ("sub", "join"))
    lines = []
    for sub in subs:
        values = {
            "slug": sub.slug,
            "initial": sub.slug[:1].upper(),
            "icon": sub.icon,
            "hue": sub.hue,
            "href": home.replace("/SLUG/", f"/{sub.slug}/"),
            "join_url": join.replace("/SLUG/", f"/{sub.slug}/"),
            "members": ngettext("%(n)s member", "%(n)s members", sub.member_count)
            % {"n": tf_number(sub.member_count)},
        }
        may_join = reader.is_authenticated and not sub.my_role
        lines.append(SafeString(SUB_LINE.stamp(values, has_icon=bool(sub.icon), may_join=may_join)))
    return lines
