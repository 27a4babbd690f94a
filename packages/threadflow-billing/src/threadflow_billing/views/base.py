"""What the pages of billing share."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from threadflow_core.exceptions import SignInRequired
from threadflow_core.views import PageView, ServiceView, see_other

from ..models import BillingAccount, Command


def absolute(request: HttpRequest, name: str, *args: Any) -> str:
    return request.build_absolute_uri(reverse(f"threadflow_billing:{name}", args=args))


class OwnPage(PageView):
    """A page about one's own money: signed in, with the tabs above."""

    tab = ""
    title: Any = ""

    def check_access(self) -> None:
        if not self.page.signed_in:
            raise SignInRequired()

    @property
    def account(self) -> BillingAccount | None:
        found: BillingAccount | None = BillingAccount.objects.of(self.request.user)
        return found

    def base_context(self) -> dict[str, Any]:
        return {**super().base_context(), "title": self.title, "tabs": tabs(self.tab)}


def tabs(current: str) -> list[tuple[str, str, bool]]:
    """The pages of one's own money."""
    names = [
        ("manage", _("Your plan")),
        ("invoices", _("Invoices")),
        ("usage", pgettext("billing", "Usage")),
        ("gifts", _("Gifts")),
        ("history", pgettext("billing", "History")),
    ]
    return [
        (reverse(f"threadflow_billing:{name}"), label, name == current) for name, label in names
    ]


class CommandView(ServiceView):
    """An action that asks Stripe: it is kept, and the person waits on a page of its own."""

    def check_access(self) -> None:
        if not self.page.signed_in:
            raise SignInRequired()

    def plan(self, form: Any) -> Command:
        """Call the service and return its command."""
        raise NotImplementedError

    def act(self, form: Any) -> dict[str, Any]:
        return {"command": self.plan(form)}

    def answer_success(self, context: dict[str, Any]) -> HttpResponse:
        url = reverse("threadflow_billing:command", args=[context["command"].pk])
        if not self.is_htmx:
            return see_other(url)
        response = HttpResponse(status=200)
        response["HX-Redirect"] = url
        return response


def refreshed(response: HttpResponseBase, seconds: int, url: str = "") -> HttpResponseBase:
    """Let the browser look again, or go on, without any script.

    Going on is not a redirect: the policy of our pages lets forms end on this site only, and
    that counts the redirects after a form.
    """
    response["Refresh"] = f"{seconds}; url={url}" if url else str(seconds)
    response["Cache-Control"] = "private, no-store"
    return response
