"""A comment by itself: its permalink with context, and its menu."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.safestring import mark_safe

from threadflow_core.exceptions import NotFound
from threadflow_core.views import PageView

from .. import blocks, paths, policies, tree
from ..app_settings import app_settings
from ..swaps import get_comment_model
from ..tree import CommentSort, Tree
from .base import find_comment, find_thread, sign_in_url
from .feeds import pick
from .threads import thread_context

#: Ancestors shown above a comment.
CONTEXT = 3


class CommentView(PageView):
    """The permalink: up to three ancestors, the comment, and what hangs below it."""

    template_name = "threadflow_forum/comment.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = super().get(request, *args, **kwargs)
        if not self.comment.is_shown:
            response.status_code = 410
        return response

    def get_context(self) -> dict[str, Any]:
        thread = find_thread(self.request, self.kwargs["id"])
        comment = self.comment = find_comment(self.request, self.kwargs["comment"])
        if comment.thread_id != thread.pk:
            raise NotFound()
        sort = pick(self.request, "sort", CommentSort, CommentSort.BEST)
        page = tree.read_below(thread, comment, sort=sort)
        above = self.ancestors(thread, comment)
        comment.is_hit = True
        chain = _chain([*above, comment], page)
        block = blocks.render_tree(thread, chain, sort)
        reader = self.request.user
        login = "" if reader.is_authenticated else sign_in_url(self.request)
        html = blocks.fill(block, reader=reader, read_number=None, login_url=login)
        return {
            "thread": thread,
            "comment": comment,
            "comments_html": mark_safe(html),  # noqa: S308
            "sort": sort,
            "has_more_above": comment.depth > len(above),
            **thread_context(self, thread, block["author"]),
            "may_undo": bool(policies.may_undelete(reader, comment, app_settings.UNDO_SECONDS)),
        }

    def ancestors(self, thread: Any, comment: Any) -> list[Any]:
        """At most CONTEXT comments above, the nearest last."""
        numbers = paths.numbers(comment.path)[:-1][-CONTEXT:]
        if not numbers:
            return []
        rows = get_comment_model().objects.filter(thread=thread, number__in=numbers)
        return list(rows.order_by("depth"))


def _chain(comments: list[Any], below: Tree) -> Tree:
    """A tree of one branch: each comment under the one before, the page of the last at its end."""
    node = below.nodes[0]
    node.level = len(comments) - 1
    for level in range(len(comments) - 2, -1, -1):
        node = tree.Node(comments[level], level, 0, replies=[node])
    return Tree([node])


class CommentMenuView(PageView):
    """What can be done with a comment: a dialog, and a page without scripts."""

    template_name = "threadflow_forum/comment_menu.html"
    parts = {"dialog": "threadflow_forum/partials/_comment_menu.html"}

    def get_context(self) -> dict[str, Any]:
        comment = find_comment(self.request, self.kwargs["id"])
        reader = self.request.user
        comment.id_ = comment.public_id
        moderating = bool(policies.may_moderate(reader, comment.thread.sub))
        return {
            "comment": comment,
            "thread": comment.thread,
            "may_edit": bool(policies.may_edit(reader, comment, comment.thread)),
            "may_delete": bool(policies.may_delete(reader, comment)),
            "may_moderate": moderating,
            "may_read": policies.may_read_text(reader, comment, moderating=moderating),
            "share_url": self.request.build_absolute_uri(comment.get_absolute_url()),
        }
