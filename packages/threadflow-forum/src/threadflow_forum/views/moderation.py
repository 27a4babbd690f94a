"""Moderating: remove, approve, lock, pin, ban; the log that everybody may read."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib.auth import get_user_model
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from threadflow_core import cursors, people
from threadflow_core.exceptions import Invalid
from threadflow_core.views import FormPage, PageView

from .. import policies
from ..forms import AnswerForm, BanForm, LockForm, OnForm, PersonForm, ReasonForm
from ..models import Membership, ModLogEntry, Role
from ..services import moderation as service
from .base import find_comment, find_sub, find_thread
from .posting import answer_comment, permalink


class ModerationView(FormPage):
    """An act of a moderator: refused with 403 to everybody else, also the form itself."""

    limit = service.MODERATION_LIMIT
    page_template_name = "threadflow_forum/moderate.html"
    danger = False
    sub: Any

    def check_access(self) -> None:
        self.find()
        policies.require(policies.may_moderate(self.request.user, self.sub))

    def find(self) -> None:
        raise NotImplementedError

    def get_form_context(self, form: forms.BaseForm) -> dict[str, Any]:
        context = super().get_form_context(form)
        return context | {"sub": self.sub, "danger": self.danger, "cancel_url": self.back_url()}


class ThreadActView(ModerationView):
    def find(self) -> None:
        self.thread = find_thread(self.request, self.kwargs["id"])
        self.sub = self.thread.sub

    def get_form_context(self, form: forms.BaseForm) -> dict[str, Any]:
        context = super().get_form_context(form)
        return context | {"thing": self.thread, "cancel_url": self.thread.get_absolute_url()}

    def get_success_url(self, context: dict[str, Any]) -> str:
        url: str = self.thread.get_absolute_url()
        return url


class RemoveThreadView(ThreadActView):
    form_class = ReasonForm
    title = gettext_lazy("Remove this thread")
    submit_label = gettext_lazy("Remove")
    success_message = gettext_lazy("Removed. The log has it.")
    danger = True

    def act(self, form: Any) -> dict[str, Any]:
        service.remove_thread(moderator=self.request.user, thread=self.thread, **form.cleaned_data)
        return {}


class ApproveThreadView(ThreadActView):
    title = gettext_lazy("Approve this thread")
    submit_label = gettext_lazy("Approve")
    success_message = gettext_lazy("Approved. The log has it.")

    def act(self, form: Any) -> dict[str, Any]:
        service.approve_thread(moderator=self.request.user, thread=self.thread)
        return {}


class LockView(ThreadActView):
    form_class = LockForm
    title = gettext_lazy("Lock or unlock this thread")

    def get_initial(self) -> dict[str, Any]:
        return {"on": "0" if self.thread.is_locked else "1"}

    def get_form_context(self, form: forms.BaseForm) -> dict[str, Any]:
        label = _("Unlock") if self.thread.is_locked else _("Lock")
        return super().get_form_context(form) | {"submit_label": label}

    def act(self, form: Any) -> dict[str, Any]:
        service.set_locked(
            moderator=self.request.user,
            thread=self.thread,
            locked=form.cleaned_data["on"],
            reason=form.cleaned_data["reason"],
        )
        return {"locked": form.cleaned_data["on"]}

    def get_success_message(self, context: dict[str, Any]) -> str:
        return _("Locked.") if context["locked"] else _("Open again.")


class PinView(ThreadActView):
    form_class = OnForm
    title = gettext_lazy("Pin or unpin this thread")
    submit_label = gettext_lazy("Save")

    def act(self, form: Any) -> dict[str, Any]:
        service.set_pinned(
            moderator=self.request.user, thread=self.thread, pinned=form.cleaned_data["on"]
        )
        return {}


class CommentActView(ModerationView):
    template_name = "threadflow_forum/partials/_answer_comment.html"

    def find(self) -> None:
        self.comment = find_comment(self.request, self.kwargs["id"])
        self.sub = self.comment.thread.sub

    def get_form_context(self, form: forms.BaseForm) -> dict[str, Any]:
        context = super().get_form_context(form)
        return context | {"thing": self.comment, "cancel_url": permalink(self.comment)}

    def get_success_url(self, context: dict[str, Any]) -> str:
        return permalink(context["comment"])


class RemoveCommentView(CommentActView):
    form_class = ReasonForm
    title = gettext_lazy("Remove this comment")
    submit_label = gettext_lazy("Remove")
    success_message = gettext_lazy("Removed. The log has it.")
    danger = True

    def act(self, form: Any) -> dict[str, Any]:
        return answer_comment(
            self,
            service.remove_comment(
                moderator=self.request.user, comment=self.comment, **form.cleaned_data
            ),
        )


class ApproveCommentView(CommentActView):
    title = gettext_lazy("Approve this comment")
    submit_label = gettext_lazy("Approve")
    success_message = gettext_lazy("Approved. The log has it.")

    def act(self, form: Any) -> dict[str, Any]:
        return answer_comment(
            self, service.approve_comment(moderator=self.request.user, comment=self.comment)
        )


class SubActView(ModerationView):
    """An act on a person in a sub, by name."""

    def find(self) -> None:
        self.sub = find_sub(self.request, self.kwargs["slug"])

    def person(self, form: Any) -> Any:
        users = get_user_model()
        name = form.cleaned_data["person"].strip()
        found = users._default_manager.filter(**{users.USERNAME_FIELD: name}).first()
        if found is None:
            raise Invalid(fields={"person": [_("There is nobody of this name.")]})
        return found

    def get_initial(self) -> dict[str, Any]:
        return {"person": self.request.GET.get("person", "")}

    def get_success_url(self, context: dict[str, Any]) -> str:
        return reverse("threadflow_forum:mod_people", args=[self.sub.slug])


class BanView(SubActView):
    form_class = BanForm
    title = gettext_lazy("Ban somebody")
    submit_label = gettext_lazy("Ban")
    success_message = gettext_lazy("Banned. The log has it.")
    danger = True

    def act(self, form: Any) -> dict[str, Any]:
        days = form.cleaned_data["days"]
        service.ban(
            moderator=self.request.user,
            sub=self.sub,
            person=self.person(form),
            reason=form.cleaned_data["reason"],
            until=timezone.now() + timedelta(days=days) if days else None,
        )
        return {}


class UnbanView(SubActView):
    form_class = PersonForm
    title = gettext_lazy("Lift a ban")
    submit_label = gettext_lazy("Lift the ban")

    def act(self, form: Any) -> dict[str, Any]:
        service.unban(moderator=self.request.user, sub=self.sub, person=self.person(form))
        return {}


class AnswerView(SubActView):
    form_class = AnswerForm
    title = gettext_lazy("Answer a request")
    submit_label = gettext_lazy("Save")

    def act(self, form: Any) -> dict[str, Any]:
        service.answer_request(
            moderator=self.request.user,
            sub=self.sub,
            person=self.person(form),
            let_in=form.cleaned_data["on"],
        )
        return {}


class PeopleView(PageView):
    """Requests, members and bans of a sub, for its moderators."""

    template_name = "threadflow_forum/mod_people.html"

    def check_access(self) -> None:
        self.sub = find_sub(self.request, self.kwargs["slug"])
        policies.require(policies.may_moderate(self.request.user, self.sub))

    def get_context(self) -> dict[str, Any]:
        rows = Membership.objects.filter(sub=self.sub)
        asking = list(rows.filter(role=Role.REQUESTED).order_by("id")[:100])
        banned = list(rows.exclude(banned_at=None).order_by("-banned_at")[:100])
        page = cursors.paginate(
            rows.filter(role__in=(Role.MEMBER, Role.MODERATOR, Role.OWNER)),
            order=("id",),
            cursor=self.request.GET.get("cursor") or None,
            size=50,
            scope=f"people:{self.sub.pk}",
        )
        everybody: list[Any] = [*asking, *banned, *page.items]
        cards = people.cards_of({row.person_id for row in everybody})
        for row in everybody:
            row.card = people.card_of(cards, row.person_id)
        return {
            "sub": self.sub,
            "asking": asking,
            "banned": [row for row in banned if row.is_banned()],
            "members": page.items,
            "next_url": f"?cursor={page.next}" if page.next else "",
            "title": _("People"),
        }


class ModLogView(PageView):
    """What moderators did in a sub: public, but for names where the act was about a person."""

    template_name = "threadflow_forum/modlog.html"

    def get_context(self) -> dict[str, Any]:
        sub = find_sub(self.request, self.kwargs["slug"])
        page = cursors.paginate(
            ModLogEntry.objects.filter(sub=sub).select_related("thread", "comment"),
            order=("-created_at", "-id"),
            cursor=self.request.GET.get("cursor") or None,
            size=50,
            scope=f"modlog:{sub.pk}",
        )
        moderating = bool(policies.may_moderate(self.request.user, sub))
        cards = people.cards_of(
            {e.actor_id for e in page.items} | {e.person_id for e in page.items}
        )
        entries: list[Any] = page.items
        for entry in entries:
            entry.actor_card = people.card_of(cards, entry.actor_id)
            entry.person_card = people.card_of(cards, entry.person_id) if moderating else None
        return {
            "sub": sub,
            "entries": page.items,
            "may_moderate": moderating,
            "next_url": f"?cursor={page.next}" if page.next else "",
            "title": _("Moderation log"),
        }
