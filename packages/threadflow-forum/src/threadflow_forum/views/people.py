"""A person's page: what they wrote, as far as the reader may see it."""

from __future__ import annotations

from typing import Any

from threadflow_core import cursors, people
from threadflow_core.views import PageView

from ..models import Membership
from ..people import find_person
from ..swaps import get_comment_model, get_thread_model
from .feeds import dress


class ProfileView(PageView):
    """Threads or comments of a person, newest first."""

    template_name = "threadflow_forum/profile.html"

    def get_context(self) -> dict[str, Any]:
        person = find_person(self.kwargs["username"])
        tab = "comments" if self.request.GET.get("tab") == "comments" else "threads"
        page = self.comments(person) if tab == "comments" else self.threads(person)
        karma = Membership.objects.karma_of(person, self.request.user)
        return {
            "card": people.card(person),
            "joined": getattr(person, "date_joined", None),
            "karma": karma,
            "tab": tab,
            "rows": page.items,
            "next_url": f"?tab={tab}&cursor={page.next}" if page.next else "",
            "member": self.request.user.is_authenticated,
            "title": people.card(person).name,
        }

    def threads(self, person: Any) -> Any:
        reader = self.request.user
        rows = get_thread_model().objects.visible_to(reader).listed().filter(author=person)
        rows = rows.select_related("sub")
        if reader.is_authenticated:
            rows = rows.with_marks_of(reader)
        page = self.page_of(rows, f"profile:{person.pk}:threads")
        dress(page.items, self.request)
        return page

    def comments(self, person: Any) -> Any:
        rows = get_comment_model().objects.visible_to(self.request.user).listed()
        rows = rows.filter(author=person).select_related("thread__sub")
        page = self.page_of(rows, f"profile:{person.pk}:comments")
        for comment in page.items:
            comment.href = comment.get_absolute_url()
        return page

    def page_of(self, rows: Any, scope: str) -> Any:
        cursor = self.request.GET.get("cursor") or None
        return cursors.paginate(
            rows, order=("-created_at", "-id"), cursor=cursor, size=25, scope=scope
        )
