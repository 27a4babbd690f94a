"""Writing: threads, comments, edits, taking back. Each form is a page, too."""

from __future__ import annotations

from typing import Any

from django import forms
from django.urls import reverse
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from threadflow_core.exceptions import SignInRequired
from threadflow_core.idempotency import FIELD, new_form_key
from threadflow_core.policies import Verdict
from threadflow_core.views import FormPage, PageView

from .. import blocks, policies
from ..app_settings import app_settings
from ..forms import CommentForm, EditForm, EditThreadForm, ThreadForm
from ..services import comments as comment_service
from ..services import threads as thread_service
from ..swaps import get_sub_model
from .base import find_comment, find_sub, find_thread


class PickSubView(PageView):
    """Where a new thread goes: the reader's subs first."""

    template_name = "threadflow_forum/pick_sub.html"

    def check_access(self) -> None:
        if not self.request.user.is_authenticated:
            raise SignInRequired()

    def get_context(self) -> dict[str, Any]:
        subs = get_sub_model().objects
        mine = subs.followed_by(self.request.user).order_by("slug")[:200]
        busy = subs.visible_to(self.request.user).order_by("-member_count", "-id")[:12]
        return {"mine": mine, "busy": busy, "title": _("Where does it belong?")}


class SubmitView(FormPage):
    form_class = ThreadForm
    limit = thread_service.POST_LIMIT
    page_template_name = "threadflow_forum/submit.html"
    title = gettext_lazy("New thread")
    submit_label = gettext_lazy("Post thread")

    def check_access(self) -> None:
        if not self.request.user.is_authenticated and self.request.method != "POST":
            raise SignInRequired()
        self.sub = find_sub(self.request, self.kwargs["slug"])
        if self.request.method != "POST":
            policies.require(policies.may_post(self.request.user, self.sub))

    def get_initial(self) -> dict[str, Any]:
        asked = {name: self.request.GET.get(name, "") for name in ("title", "url", "body")}
        return {**asked, FIELD: new_form_key()}

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "sub": self.sub}

    def get_form_context(self, form: forms.BaseForm) -> dict[str, Any]:
        context = super().get_form_context(form)
        return context | {"sub": self.sub, "cancel_url": self.sub.get_absolute_url()}

    def act(self, form: Any) -> dict[str, Any]:
        given = dict(form.cleaned_data)
        nonce = given.pop(FIELD) or None
        thread = thread_service.post_thread(
            author=self.request.user, sub=self.sub, nonce=nonce, **given
        )
        return {"thread": thread}

    def get_success_url(self, context: dict[str, Any]) -> str:
        url: str = context["thread"].get_absolute_url()
        return url

    def get_success_message(self, context: dict[str, Any]) -> str:
        if context["thread"].is_visible:
            return ""
        return _("Thank you. A moderator looks at it before it appears.")


class CommentOnView(FormPage):
    """A comment at the top of a thread. `?part=form` is the bare form."""

    form_class = CommentForm
    limit = comment_service.COMMENT_LIMIT
    parts = {"form": "threadflow_forum/partials/_comment_form.html"}
    template_name = "threadflow_forum/partials/_answer_reply.html"
    form_template_name = "threadflow_forum/partials/_comment_form.html"
    page_template_name = "threadflow_forum/reply.html"
    title = gettext_lazy("Add a comment")
    submit_label = gettext_lazy("Comment")
    success_status = 201
    parent: Any = None

    def check_access(self) -> None:
        self.find()
        if self.request.method != "POST":
            policies.require(policies.may_comment(self.request.user, self.thread))
        self.form_id = f"form-{self.parent.public_id if self.parent else self.thread.public_id}"

    def find(self) -> None:
        self.thread = find_thread(self.request, self.kwargs["id"], dressed=False)

    def get_initial(self) -> dict[str, Any]:
        return {FIELD: new_form_key(), "body": self.quoted()}

    def quoted(self) -> str:
        """Selected text comes along as a quote."""
        text = self.request.GET.get("quote", "").strip()[:2000]
        return "".join(f"> {line}\n" for line in text.splitlines()) + "\n" if text else ""

    def get_form_context(self, form: forms.BaseForm) -> dict[str, Any]:
        context = super().get_form_context(form)
        if self.parent is not None:
            blocks.give_cards([self.parent])
        return (
            context
            | composer(form)
            | {
                "action": self.request.path,
                "thread": self.thread,
                "parent": self.parent,
                "cancel_url": self.thread.get_absolute_url(),
            }
        )

    def refused_context(self, error: Any, form: forms.BaseForm) -> dict[str, Any]:
        context = super().refused_context(error, form)
        return context | composer(form, context["error"])

    def act(self, form: Any) -> dict[str, Any]:
        comment = comment_service.add_comment(
            author=self.request.user,
            thread=self.thread,
            parent=self.parent,
            body=form.cleaned_data["body"],
            nonce=form.cleaned_data[FIELD] or None,
        )
        return self.shown(comment)

    def shown(self, comment: Any) -> dict[str, Any]:
        """The comment in its place, and the line that opens the form again."""
        html = ""
        if self.is_htmx:  # a browser without scripts is sent to the page of the comment
            html = blocks.render_one(self.thread, comment, reader=self.request.user, fresh=True)
        return {
            "comment": comment,
            "comment_html": mark_safe(html),  # noqa: S308
            "parent": self.parent,
            "thread": self.thread,
            "action": self.request.path,
        }

    def get_success_url(self, context: dict[str, Any]) -> str:
        comment = context["comment"]
        url = reverse("threadflow_forum:comment", args=[self.thread.public_id, comment.public_id])
        return f"{url}#c-{comment.public_id}"

    def get_success_message(self, context: dict[str, Any]) -> str:
        if context["comment"].is_visible:
            return ""
        return _("Thank you. A moderator looks at it before it appears.")


def composer(form: Any, error: Any = None) -> dict[str, Any]:
    """What the composer shows of a form: text, one-time key, and what is wrong with them."""
    texts = [text for found in form.errors.values() for text in found] if form.is_bound else []
    if error is not None:
        texts.insert(0, error.message)
    once = form[FIELD].value() if FIELD in form.fields else ""
    return {"initial": form["body"].value(), "once": once, "texts": texts}


class ReplyView(CommentOnView):
    """A reply to a comment."""

    title = gettext_lazy("Reply")
    submit_label = gettext_lazy("Reply")

    def find(self) -> None:
        self.parent = find_comment(self.request, self.kwargs["id"])
        self.thread = self.parent.thread


class EditView(FormPage):
    """Changing a text. Somebody else's change in between is shown beside one's own (412)."""

    limit = comment_service.EDIT_LIMIT
    page_template_name = "threadflow_forum/edit.html"
    title = gettext_lazy("Edit")
    submit_label = gettext_lazy("Save")

    def get_merge_context(self, error: Any, form: Any) -> dict[str, Any]:
        # Saving again from here is a decision: it replaces the version that is shown beside.
        form.data = form.data.copy()
        form.data["version"] = error.current.version
        return {"theirs": error.current}


class EditThreadView(EditView):
    form_class = EditThreadForm

    def check_access(self) -> None:
        self.thread = find_thread(self.request, self.kwargs["id"])
        if self.request.method != "POST":
            policies.require(policies.may_edit(self.request.user, self.thread, self.thread))

    def get_initial(self) -> dict[str, Any]:
        thread = self.thread
        return {"title": thread.title, "body": thread.body, "version": thread.version}

    def get_form_context(self, form: forms.BaseForm) -> dict[str, Any]:
        context = super().get_form_context(form)
        return context | {"thread": self.thread, "cancel_url": self.thread.get_absolute_url()}

    def act(self, form: Any) -> dict[str, Any]:
        edited = thread_service.edit_thread(
            editor=self.request.user, thread=self.thread, **form.cleaned_data
        )
        return {"thread": edited}

    def get_success_url(self, context: dict[str, Any]) -> str:
        url: str = context["thread"].get_absolute_url()
        return url


class EditCommentView(EditView):
    """`?part=form` puts the form in the comment's place; the answer is the comment again."""

    form_class = EditForm
    parts = {"form": "threadflow_forum/partials/_edit_form.html"}
    template_name = "threadflow_forum/partials/_answer_comment.html"
    form_template_name = "threadflow_forum/partials/_edit_form.html"

    def check_access(self) -> None:
        self.comment = find_comment(self.request, self.kwargs["id"])
        self.form_id = f"form-{self.comment.public_id}"
        if self.request.method != "POST":
            policies.require(
                policies.may_edit(self.request.user, self.comment, self.comment.thread)
            )

    def get_initial(self) -> dict[str, Any]:
        return {"body": self.comment.body, "version": self.comment.version}

    def get_form_context(self, form: forms.BaseForm) -> dict[str, Any]:
        self.comment.id_ = self.comment.public_id
        return {
            **super().get_form_context(form),
            **composer(form),
            "action": self.request.path,
            "comment": self.comment,
            "thread": self.comment.thread,
            "cancel_url": permalink(self.comment),
        }

    def refused_context(self, error: Any, form: forms.BaseForm) -> dict[str, Any]:
        context = super().refused_context(error, form)
        return context | composer(form, context["error"])

    def act(self, form: Any) -> dict[str, Any]:
        edited = comment_service.edit_comment(
            editor=self.request.user, comment=self.comment, **form.cleaned_data
        )
        return answer_comment(self, edited)

    def get_success_url(self, context: dict[str, Any]) -> str:
        return permalink(context["comment"])


def permalink(comment: Any) -> str:
    return f"{comment.get_absolute_url()}#c-{comment.public_id}"


def answer_comment(view: Any, comment: Any) -> dict[str, Any]:
    """Context of an answer that shows a comment as it is now, with what hangs below it."""
    html = ""
    if view.is_htmx:
        html = blocks.render_below(comment.thread, comment, reader=view.request.user)
    return {"comment": comment, "thread": comment.thread, "comment_html": mark_safe(html)}  # noqa: S308


class DeleteThreadView(FormPage):
    page_template_name = "threadflow_forum/delete.html"
    title = gettext_lazy("Delete this thread?")
    submit_label = gettext_lazy("Delete")
    limit = comment_service.EDIT_LIMIT

    def check_access(self) -> None:
        self.thread = find_thread(self.request, self.kwargs["id"])
        if self.request.method != "POST":
            policies.require(self.may(self.thread))

    def may(self, thread: Any) -> Verdict:
        return policies.may_delete(self.request.user, thread)

    def get_form_context(self, form: forms.BaseForm) -> dict[str, Any]:
        context = super().get_form_context(form)
        return context | {
            "thing": self.thread,
            "danger": True,
            "cancel_url": self.thread.get_absolute_url(),
        }

    def act(self, form: Any) -> dict[str, Any]:
        return {
            "thread": thread_service.delete_thread(author=self.request.user, thread=self.thread)
        }

    def get_success_url(self, context: dict[str, Any]) -> str:
        url: str = context["thread"].get_absolute_url()
        return url


class UndeleteThreadView(DeleteThreadView):
    title = gettext_lazy("Bring this thread back?")
    submit_label = gettext_lazy("Undo")

    def may(self, thread: Any) -> Verdict:
        return policies.may_undelete(self.request.user, thread, app_settings.UNDO_SECONDS)

    def act(self, form: Any) -> dict[str, Any]:
        return {
            "thread": thread_service.undelete_thread(author=self.request.user, thread=self.thread)
        }


class DeleteCommentView(FormPage):
    page_template_name = "threadflow_forum/delete.html"
    template_name = "threadflow_forum/partials/_answer_deleted.html"
    title = gettext_lazy("Delete this comment?")
    submit_label = gettext_lazy("Delete")
    limit = comment_service.EDIT_LIMIT

    def check_access(self) -> None:
        self.comment = find_comment(self.request, self.kwargs["id"])
        if self.request.method != "POST":
            policies.require(self.may(self.comment))

    def may(self, comment: Any) -> Verdict:
        return policies.may_delete(self.request.user, comment)

    def get_form_context(self, form: forms.BaseForm) -> dict[str, Any]:
        context = super().get_form_context(form)
        return context | {
            "thing": self.comment,
            "danger": True,
            "cancel_url": permalink(self.comment),
        }

    def act(self, form: Any) -> dict[str, Any]:
        return answer_comment(
            self, comment_service.delete_comment(author=self.request.user, comment=self.comment)
        )

    def get_success_url(self, context: dict[str, Any]) -> str:
        return permalink(context["comment"])


class UndeleteCommentView(DeleteCommentView):
    template_name = "threadflow_forum/partials/_answer_comment.html"
    title = gettext_lazy("Bring this comment back?")
    submit_label = gettext_lazy("Undo")

    def may(self, comment: Any) -> Verdict:
        return policies.may_undelete(self.request.user, comment, app_settings.UNDO_SECONDS)

    def act(self, form: Any) -> dict[str, Any]:
        comment: Any = comment_service.undelete_comment(
            author=self.request.user, comment=self.comment
        )
        comment.is_fresh = True  # the toast with the pressed button is gone: focus goes here
        return answer_comment(self, comment)
