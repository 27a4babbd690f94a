"""The thread page, its menu, and the short address that leads to it."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponsePermanentRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy

from threadflow_core import people
from threadflow_core.exceptions import NotFound
from threadflow_core.views import PageView

from .. import blocks, policies
from ..abstract_models import State
from ..app_settings import app_settings
from ..models import Membership
from ..services import threads as service
from ..swaps import get_thread_model
from ..tree import CommentSort
from .base import GuestPageMixin, find_thread, sign_in_url
from .feeds import pick

SORTS = {
    CommentSort.BEST: gettext_lazy("Best"),
    CommentSort.TOP: gettext_lazy("Top"),
    CommentSort.NEW: gettext_lazy("New"),
    CommentSort.OLD: gettext_lazy("Old"),
    CommentSort.CONTROVERSIAL: gettext_lazy("Controversial"),
}


class ThreadRedirectView(PageView):
    """`/threads/<id>/` leads to the address with the title in it."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        rows = get_thread_model().objects.visible_to(request.user)
        return HttpResponsePermanentRedirect(rows.get_public(kwargs["id"]).get_absolute_url())


class ThreadView(GuestPageMixin, PageView):
    """A thread and the first view of its comments.

    `?part=comments&after=<cursor>` answers a "load more"; without `part` the same query is a
    page that begins there, for readers without scripts.
    """

    template_name = "threadflow_forum/thread.html"
    parts = {"comments": "threadflow_forum/partials/_part_comments.html"}

    def guest_tags(self) -> list[str]:
        pk = get_thread_model().public_ids.decode(self.kwargs["id"])
        if pk is None:
            raise NotFound()
        return [f"t{pk}"]

    def respond(
        self, template: str | list[str], context: dict[str, Any], status: int = 200
    ) -> TemplateResponse:
        """A thread that its author took back is 410, also before it would enter the cache."""
        gone = status == 200 and getattr(self, "gone", False)
        return super().respond(template, context, 410 if gone else status)

    def get_context(self) -> dict[str, Any]:
        reader = self.request.user
        part = self.request.GET.get("part")
        # The position comes before the rows: an event in between is then seen twice, never missed.
        live = self.page.live_url and not part
        topic = f"thread:{self.kwargs['id']}" if live else ""
        thread = self.thread = find_thread(self.request, self.kwargs["id"], topic=topic)
        sort = pick(self.request, "sort", CommentSort, CommentSort.BEST)
        after = self.request.GET.get("after") or None
        block = blocks.discussion(thread, sort=sort, after=after)
        login = "" if reader.is_authenticated else sign_in_url(self.request)
        html = blocks.fill(
            block,
            reader=reader,
            read_number=getattr(thread, "my_read", None),
            login_url=login,
        )
        context = {"thread": thread, "comments_html": mark_safe(html), "sort": sort}  # noqa: S308
        if part:
            return context
        position = thread.position if live else None
        context |= {"after": after, "position": position, "sort_tabs": self.tabs(thread, sort)}
        context |= thread_context(self, thread, block["author"])
        self.remember(thread)
        return context

    def tabs(self, thread: Any, sort: CommentSort) -> list[tuple[str, Any, bool]]:
        here = thread.get_absolute_url()
        return [
            (here if s == CommentSort.BEST else f"{here}?sort={s}", label, s == sort)
            for s, label in SORTS.items()
        ]

    def remember(self, thread: Any) -> None:
        """Note how far the reader has read; nothing is written when nothing is new."""
        if not self.request.user.is_authenticated:
            return
        seen = getattr(thread, "my_read", None)
        if seen is None or thread.last_number > seen:
            service.mark_read(reader=self.request.user, thread=thread, number=thread.last_number)


def thread_context(view: Any, thread: Any, author: tuple[Any, Any]) -> dict[str, Any]:
    """What the head of a thread shows to this reader. At most two queries.

    `author` is a person's key and card as the block of comments has them.
    """
    reader = view.request.user
    mine = Membership.objects.in_thread(reader, thread) if reader.is_authenticated else None
    moderating = bool(policies.may_moderate(reader, thread.sub, mine))
    readable = policies.may_read_text(reader, thread, moderating=moderating)
    view.gone = thread.state == State.DELETED
    login = "" if reader.is_authenticated else sign_in_url(view.request)
    thread.id_ = thread.public_id
    # The block can be older than the thread: its author may be gone by now.
    person, thread.card = author
    if person != thread.author_id:
        thread.card = people.card_of(people.cards_of({thread.author_id}), thread.author_id)
    thread.flair_ = thread.sub.flair_of(thread.flair) if thread.flair else None
    thread.controls = blocks.thread_controls(thread, reader, login, shape="")
    may_comment = policies.may_comment(reader, thread, mine)
    return {
        "sub": thread.sub,
        "membership": mine,
        "readable": readable,
        "may_moderate": moderating,
        "may_undo": bool(policies.may_undelete(reader, thread, app_settings.UNDO_SECONDS)),
        "may_comment": may_comment,
        "ban_text": policies.ban_text(mine) if mine is not None and mine.is_banned() else "",
        "minutes": max(1, len(thread.body_html) // 1500),
        "login_url": login,
    }


class ThreadMenuView(PageView):
    """What can be done with a thread: a dialog, and a page without scripts."""

    template_name = "threadflow_forum/thread_menu.html"
    parts = {"dialog": "threadflow_forum/partials/_thread_menu.html"}

    def get_context(self) -> dict[str, Any]:
        thread = find_thread(self.request, self.kwargs["id"])
        reader = self.request.user
        thread.id_ = thread.public_id
        return {
            "thread": thread,
            "title": thread.title,
            "may_edit": bool(policies.may_edit(reader, thread, thread)),
            "may_delete": bool(policies.may_delete(reader, thread)),
            "may_moderate": bool(policies.may_moderate(reader, thread.sub)),
            "share_url": self.request.build_absolute_uri(thread.get_absolute_url()),
        }
