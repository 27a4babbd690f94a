"""Votes, saves, hides: one button each, the same URL for a form, htmx and a retry."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from threadflow_core.exceptions import SignInRequired
from threadflow_core.views import ServiceView

from .. import blocks
from ..forms import OnForm, VoteForm
from ..services import threads as thread_service
from ..services import votes as service
from .base import find_comment, find_thread


class MarkView(ServiceView):
    """An act on a thing that answers with the thing's controls as they are after it."""

    def check_access(self) -> None:
        if not self.request.user.is_authenticated:
            raise SignInRequired()


class ThreadMarkView(MarkView):
    template_name = "threadflow_forum/partials/_answer_controls.html"

    def state(self, thread: Any) -> dict[str, Any]:
        shape = self.request.GET.get("shape", "")
        shape = shape if shape in ("v", "b") else ""
        return {
            "thread": thread,
            "html": blocks.thread_controls(thread, self.request.user, "", shape=shape),
        }

    def current_state(self, error: Any) -> dict[str, Any] | None:
        return self.state(find_thread(self.request, self.kwargs["id"]))

    def get_success_url(self, context: dict[str, Any]) -> str:
        return self.back_url()

    def get_anchor(self, context: dict[str, Any]) -> str:
        return f"t-{context['thread'].public_id}"


class ThreadVoteView(ThreadMarkView):
    form_class = VoteForm
    limit = service.VOTE_LIMIT

    def act(self, form: Any) -> dict[str, Any]:
        thread = find_thread(self.request, self.kwargs["id"])
        voted = service.cast_vote(
            voter=self.request.user, thread=thread, value=form.cleaned_data["value"]
        )
        voted.my_saved = thread.my_saved  # type: ignore[attr-defined]
        return self.state(voted)


class ThreadSaveView(MarkView):
    form_class = OnForm
    limit = thread_service.MARK_LIMIT
    template_name = "threadflow_forum/partials/_save.html"

    def act(self, form: Any) -> dict[str, Any]:
        thread = find_thread(self.request, self.kwargs["id"])
        mark = thread_service.save_thread(
            reader=self.request.user, thread=thread, saved=form.cleaned_data["on"]
        )
        return {
            "id": thread.public_id,
            "saved": mark.saved_at is not None,
            "url": self.request.path,
        }


class ThreadHideView(MarkView):
    form_class = OnForm
    limit = thread_service.MARK_LIMIT
    template_name = "threadflow_forum/partials/_hidden_row.html"

    def act(self, form: Any) -> dict[str, Any]:
        thread = find_thread(self.request, self.kwargs["id"])
        hidden = form.cleaned_data["on"]
        thread_service.hide_thread(reader=self.request.user, thread=thread, hidden=hidden)
        return {
            "thread": thread,
            "id": thread.public_id,
            "hidden": hidden,
            "url": self.request.path,
        }

    def get_success_message(self, context: dict[str, Any]) -> str:
        return _("Hidden from your feeds.") if context["hidden"] else _("Back in your feeds.")


class CommentMarkView(MarkView):
    template_name = "threadflow_forum/partials/_answer_controls.html"

    def state(self, comment: Any) -> dict[str, Any]:
        return {"comment": comment, "html": blocks.comment_controls(comment, self.request.user)}

    def current_state(self, error: Any) -> dict[str, Any] | None:
        comment = find_comment(self.request, self.kwargs["id"])
        mine = blocks.marks_of(self.request.user, [comment.pk])
        comment.my_vote, comment.my_saved, _score = mine.get(comment.pk, (0, False, 0))
        return self.state(comment)

    def get_success_url(self, context: dict[str, Any]) -> str:
        return f"{context['comment'].thread.get_absolute_url()}#c-{context['comment'].public_id}"


class CommentVoteView(CommentMarkView):
    form_class = VoteForm
    limit = service.VOTE_LIMIT

    def act(self, form: Any) -> dict[str, Any]:
        comment = find_comment(self.request, self.kwargs["id"])
        return self.state(
            service.cast_comment_vote(
                voter=self.request.user, comment=comment, value=form.cleaned_data["value"]
            )
        )


class CommentSaveView(CommentMarkView):
    form_class = OnForm
    limit = thread_service.MARK_LIMIT

    def act(self, form: Any) -> dict[str, Any]:
        comment = find_comment(self.request, self.kwargs["id"])
        return self.state(
            service.save_comment(
                reader=self.request.user, comment=comment, saved=form.cleaned_data["on"]
            )
        )
