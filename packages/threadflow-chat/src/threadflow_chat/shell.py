"""What the chat puts into the shell: its icon with a badge, the tab, and the way to an object's room."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.template.loader import render_to_string
from django.urls import NoReverseMatch, reverse

from threadflow_core import slots
from threadflow_core.realtime import user_topic

from . import bindings, rosters


def register() -> None:
    slots.register("topbar_actions", topbar, order=20)
    slots.register("tabbar", tab, order=30)
    slots.register("thread_aside", thread_aside, order=10)
    slots.register("sub_aside", sub_aside, order=10)


def _index() -> str:
    try:
        return reverse("threadflow_chat:index")
    except NoReverseMatch:  # a site that mounts no pages
        return ""


def topbar(context: Mapping[str, Any], obj: Any) -> str | None:
    """The icon of the chat. Its badge comes with the socket, so no page counts anything."""
    url = _index()
    if not url:
        return None
    page = context["tf"]
    topic = user_topic(page.person) if page.live_url else ""
    return render_to_string(
        "threadflow_chat/partials/_topbar.html", {"url": url, "topic": topic, "path": page.path}
    )


def summary(person: Any) -> dict[str, Any]:
    """What waits in a person's rooms, for the badge."""
    totals = rosters.totals(person)
    return {"n": totals["unread"], "mentions": totals["mentions"]}


def tab(context: Mapping[str, Any], obj: Any) -> str | None:
    url = _index()
    page = context["tf"]
    if not url or not page.signed_in:
        return None
    return render_to_string("threadflow_chat/partials/_tab.html", {"url": url, "path": page.path})


def thread_aside(context: Mapping[str, Any], obj: Any) -> str | None:
    return _aside(context, "thread", getattr(obj, "public_id", ""))


def sub_aside(context: Mapping[str, Any], obj: Any) -> str | None:
    return _aside(context, "sub", getattr(obj, "slug", ""))


def _aside(context: Mapping[str, Any], code: str, key: str) -> str | None:
    """The way to the room of an object. No query: what is behind the link decides."""
    if bindings.binding_named(code) is None or not key:
        return None
    try:
        url = reverse("threadflow_chat:of", args=[code, key])
    except NoReverseMatch:
        return None
    page = context["tf"]
    return render_to_string(
        "threadflow_chat/partials/_live.html",
        {"url": url, "signed_in": page.signed_in, "login_url": page.login_url, "code": code},
    )
