"""The directory of subs; opening, joining and changing one."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from threadflow_core import cursors
from threadflow_core.exceptions import SignInRequired
from threadflow_core.views import FormPage, PageView, ServiceView

from .. import policies
from ..forms import EditSubForm, OnForm, OpenSubForm
from ..models import Membership
from ..services import moderation as moderation_service
from ..services import subs as service
from ..swaps import get_sub_model
from .base import GuestPageMixin, find_sub

ORDERS = {"members": ("-member_count", "-id"), "active": ("-active_at", "-id"), "new": ("-id",)}


class DirectoryView(GuestPageMixin, PageView):
    """All subs that the reader may know of."""

    template_name = "threadflow_forum/subs.html"
    guest_seconds = 30

    def get_context(self) -> dict[str, Any]:
        sort = self.request.GET.get("sort", "members")
        sort = sort if sort in ORDERS else "members"
        rows = get_sub_model().objects.visible_to(self.request.user)
        if self.request.user.is_authenticated:
            rows = rows.with_membership_of(self.request.user)
        page = cursors.paginate(
            rows.defer("sidebar", "sidebar_html"),
            order=ORDERS[sort],
            cursor=self.request.GET.get("cursor") or None,
            size=30,
            scope=f"subs:{sort}",
        )
        labels = {"members": _("Biggest"), "active": _("Active"), "new": _("New")}
        return {
            "subs": page.items,
            "sort_tabs": [(f"?sort={name}", labels[name], name == sort) for name in ORDERS],
            "next_url": f"?sort={sort}&cursor={page.next}" if page.next else "",
            "may_open": bool(policies.may_open_sub(self.request.user)),
            "title": _("Subs"),
        }


class JoinView(ServiceView):
    """Join (`on=1`) or leave (`on=0`)."""

    form_class = OnForm
    limit = service.JOIN_LIMIT
    template_name = "threadflow_forum/partials/_join.html"

    def check_access(self) -> None:
        self.sub = get_sub_model().objects.get_named(self.kwargs["slug"])
        if not self.request.user.is_authenticated:
            find_sub(self.request, self.kwargs["slug"])
            raise SignInRequired()
        if self.sub.is_private:
            find_sub(self.request, self.kwargs["slug"])

    def act(self, form: Any) -> dict[str, Any]:
        call = service.join if form.cleaned_data["on"] else service.leave
        membership = call(person=self.request.user, sub=self.sub)
        return {"sub": self.sub, "membership": membership}

    def current_state(self, error: Any) -> dict[str, Any]:
        mine = Membership.objects.of(self.request.user, self.sub)
        return {"sub": self.sub, "membership": mine}

    def get_success_url(self, context: dict[str, Any]) -> str:
        url: str = self.sub.get_absolute_url()
        return url


class OpenSubView(FormPage):
    form_class = OpenSubForm
    limit = service.OPEN_LIMIT
    page_template_name = "threadflow_forum/open_sub.html"
    title = gettext_lazy("Open a sub")
    submit_label = gettext_lazy("Open the sub")

    def check_access(self) -> None:
        if self.request.method != "POST":
            policies.require(policies.may_open_sub(self.request.user))

    def get_initial(self) -> dict[str, Any]:
        return {"visibility": "public"}

    def act(self, form: Any) -> dict[str, Any]:
        return {"sub": service.open_sub(founder=self.request.user, **form.cleaned_data)}

    def get_success_url(self, context: dict[str, Any]) -> str:
        url: str = context["sub"].get_absolute_url()
        return url


class EditSubView(FormPage):
    form_class = EditSubForm
    limit = moderation_service.MODERATION_LIMIT
    page_template_name = "threadflow_forum/edit_sub.html"
    title = gettext_lazy("Settings of the sub")
    submit_label = gettext_lazy("Save")
    success_message = gettext_lazy("Saved. The log has it.")

    def check_access(self) -> None:
        self.sub = find_sub(self.request, self.kwargs["slug"])
        policies.require(policies.may_edit_sub(self.request.user, self.sub))

    def get_initial(self) -> dict[str, Any]:
        names = ("title", "description", "sidebar", "visibility", "version")
        return {name: getattr(self.sub, name) for name in names}

    def get_form_context(self, form: forms.BaseForm) -> dict[str, Any]:
        context = super().get_form_context(form)
        return context | {"sub": self.sub, "cancel_url": self.sub.get_absolute_url()}

    def act(self, form: Any) -> dict[str, Any]:
        return {
            "sub": service.edit_sub(editor=self.request.user, sub=self.sub, **form.cleaned_data)
        }

    def get_success_url(self, context: dict[str, Any]) -> str:
        url: str = self.sub.get_absolute_url()
        return url
