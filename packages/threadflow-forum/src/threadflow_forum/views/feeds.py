"""Lists of threads: home, everything, a sub, saved things."""

from __future__ import annotations

from functools import partial
from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from threadflow_core import cursors, people
from threadflow_core.exceptions import SignInRequired
from threadflow_core.views import PageView

from .. import feeds, listing, policies, rows, shell
from ..feeds import Feed, Sort, Window
from ..models import Membership, ThreadMark
from ..swaps import get_sub_model, get_thread_model
from .base import GuestPageMixin, find_sub, sign_in_url

SORTS = {
    Sort.HOT: gettext_lazy("Hot"),
    Sort.NEW: gettext_lazy("New"),
    Sort.TOP: gettext_lazy("Top"),
    Sort.ACTIVE: gettext_lazy("Active"),
    Sort.CONTROVERSIAL: gettext_lazy("Controversial"),
}
WINDOWS = {
    Window.DAY: gettext_lazy("Today"),
    Window.WEEK: gettext_lazy("This week"),
    Window.MONTH: gettext_lazy("This month"),
    Window.YEAR: gettext_lazy("This year"),
    Window.ALL: gettext_lazy("All time"),
}


#: Pinned threads that stand above the first page of a sub.
PINNED = 2


def pick(request: HttpRequest, name: str, kind: Any, default: Any) -> Any:
    """A value of the query that must be one of `kind`; an unknown one is the default."""
    try:
        return kind(request.GET.get(name, default))
    except ValueError:
        return default


class FeedView(GuestPageMixin, PageView):
    """A list of threads with its sorts. `?part=rows` is the next page as a fragment."""

    parts = {"rows": "threadflow_forum/partials/_rows.html"}
    guest_seconds = 10
    name = ""
    mixed = True

    def feed(self) -> Feed:
        sort = pick(self.request, "sort", Sort, Sort.HOT)
        window = pick(self.request, "window", Window, Window.ALL)
        return Feed(self.name, sort, window, self.mixed)

    def rows(self) -> QuerySet[Any]:
        raise NotImplementedError

    def get_context(self) -> dict[str, Any]:
        feed = self.feed()
        cursor = self.request.GET.get("cursor") or None
        page = feeds.read(self.rows(), feed, cursor, plain=rows.are_plain())
        dress(page.items, self.request, in_sub=not self.mixed)
        return {
            "feed": feed,
            "threads": page.items,
            "next_url": self.address(feed, cursor=page.next) if page.next else "",
            "next_part": self.address(feed, cursor=page.next, part="rows") if page.next else "",
            "is_first_page": not self.request.GET.get("cursor"),
            # Asked for by a part of the page that is kept from the last reader, mostly.
            "sort_tabs": partial(self.tabs, feed),
            "window_tabs": partial(self.windows, feed),
            "member": self.request.user.is_authenticated,
        }

    def address(self, feed: Feed, **query: str | None) -> str:
        given = {"sort": feed.sort.value, "window": feed.window.value, **query}
        if given["sort"] == Sort.HOT:
            del given["sort"]
        if given["window"] == Window.ALL or feed.sort not in feeds.WINDOWED:
            del given["window"]
        return f"{self.request.path}?{urlencode(given)}" if given else self.request.path

    def tabs(self, feed: Feed) -> list[tuple[str, Any, bool]]:
        """(address, label, chosen) of each sort."""
        return [
            (self.address(Feed(feed.name, sort)), label, sort == feed.sort)
            for sort, label in SORTS.items()
        ]

    def windows(self, feed: Feed) -> list[tuple[str, Any, bool]]:
        if feed.sort not in feeds.WINDOWED:
            return []
        return [
            (self.address(Feed(feed.name, feed.sort, window)), label, window == feed.window)
            for window, label in WINDOWS.items()
        ]


def dress(threads: list[Any], request: HttpRequest, *, in_sub: bool = False) -> None:
    """Give threads their rows as this reader sees them. One query."""
    reader = request.user
    login = "" if reader.is_authenticated else sign_in_url(request)
    rows.dress(threads, reader=reader, login_url=login, in_sub=in_sub)


class HomeView(FeedView):
    """Followed subs for members who follow any, everything for everybody else."""

    template_name = "threadflow_forum/home.html"
    name = "home"

    def follows(self) -> bool:
        if not self.request.user.is_authenticated:
            return False
        return bool(get_sub_model().objects.followed_by(self.request.user).exists())

    def rows(self) -> QuerySet[Any]:
        self.following = self.follows()
        if self.following:
            return feeds.home_threads(self.request.user)
        return feeds.all_threads(self.request.user)

    def get_context(self) -> dict[str, Any]:
        context = super().get_context()
        if self.request.GET.get("part"):
            return context
        return (
            context
            | {"following": self.following, "topic": "feed:all"}
            | shell.rail(self.request.user)
        )


class AllView(FeedView):
    template_name = "threadflow_forum/all.html"
    name = "all"

    def rows(self) -> QuerySet[Any]:
        return feeds.all_threads(self.request.user)

    def get_context(self) -> dict[str, Any]:
        context = super().get_context()
        if self.request.GET.get("part"):
            return context
        return context | {"topic": "feed:all"} | shell.rail(self.request.user)


class SubView(FeedView):
    template_name = "threadflow_forum/sub.html"
    mixed = False

    def feed(self) -> Feed:
        feed = super().feed()
        return Feed(f"sub:{self.sub.slug}", feed.sort, feed.window, mixed=False)

    def rows(self) -> QuerySet[Any]:
        shown_above = [thread.pk for thread in self.pinned]
        return feeds.sub_threads(self.sub, self.request.user).exclude(pk__in=shown_above)

    def get_context(self) -> dict[str, Any]:
        self.sub = find_sub(self.request, self.kwargs["slug"])
        everything = feeds.sub_threads(self.sub, self.request.user)
        on_top = everything.exclude(pinned_at=None).select_related("sub").order_by("-pinned_at")
        self.pinned = list(on_top.defer(*listing.UNUSED)[:PINNED])
        context = super().get_context()
        if self.request.GET.get("part"):
            return context
        pinned = self.pinned if context["is_first_page"] else []
        for thread in pinned:
            thread.on_top = True
        dress(pinned, self.request, in_sub=True)
        return context | {"pinned": pinned, "topic": f"sub:{self.sub.slug}"} | about(self)


def about(view: Any) -> dict[str, Any]:
    """What the rail of a sub shows: the reader's place in it and who moderates."""
    sub, reader = view.sub, view.request.user
    staff = list(
        Membership.objects.filter(sub=sub, role__in=("owner", "moderator")).order_by("id")[:8]
    )
    cards = people.cards_of({row.person_id for row in staff})
    mine = Membership.objects.of(reader, sub) if reader.is_authenticated else None
    return {
        "sub": sub,
        "membership": mine,
        "moderators": [people.card_of(cards, row.person_id) for row in staff],
        "may_moderate": bool(policies.may_moderate(reader, sub, mine)),
        "may_post": policies.may_post(reader, sub, mine),
        "ban_text": policies.ban_text(mine) if mine is not None and mine.is_banned() else "",
    }


class SavedView(PageView):
    """The reader's saved threads, newest first."""

    template_name = "threadflow_forum/saved.html"

    def check_access(self) -> None:
        if not self.request.user.is_authenticated:
            raise SignInRequired()

    def get_context(self) -> dict[str, Any]:
        reader: Any = self.request.user
        marks = ThreadMark.objects.filter(person=reader, saved_at__isnull=False)
        page = cursors.paginate(
            marks,
            order=("-saved_at", "-id"),
            cursor=self.request.GET.get("cursor") or None,
            size=25,
            scope="saved",
        )
        ids = [mark.thread_id for mark in page.items]
        found = get_thread_model().objects.visible_to(reader).filter(pk__in=ids)
        found = found.select_related("sub").with_marks_of(reader)
        by_id = {thread.pk: thread for thread in found}
        threads = [by_id[pk] for pk in ids if pk in by_id]
        dress(threads, self.request)
        return {
            "threads": threads,
            "member": True,
            "next_url": f"?cursor={page.next}" if page.next else "",
            "title": _("Saved"),
        }
