"""The page of plans, checkout, and the way back from it."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from threadflow_core import ports
from threadflow_core.views import PageView

from .. import showcase
from ..access import access_of
from ..forms import PriceForm
from ..models import BillingAccount, Command, PaymentOrder, Subscription
from ..services import checkout
from .base import CommandView, OwnPage, absolute, refreshed


class PlansView(PageView):
    """All plans side by side, for everybody; with one's own on top."""

    template_name = "threadflow_billing/plans.html"

    def get_context(self) -> dict[str, Any]:
        interval = "month" if self.request.GET.get("per") == "month" else "year"
        shown = showcase.build(interval)
        if shown.intervals == ["month"]:
            interval = "month"
        return {
            "title": _("Plans"),
            "interval": interval,
            "showcase": shown,
            "months_free": showcase.months_text(shown.months_free) if shown.months_free else "",
            "missing": self._missing(),
            **self._own(),
        }

    def _missing(self) -> str:
        """The name of the feature that led here."""
        code = self.request.GET.get("feature", "")
        spec = ports.declared_features().get(code)
        return str(spec.label) if spec and spec.label else ""

    def _own(self) -> dict[str, Any]:
        if not self.page.signed_in:
            return {"subscription": None, "current": None, "quotas": []}
        account = BillingAccount.objects.of(self.request.user)
        access = access_of(self.request)
        sold = [(ports.declared_features()[c], d) for c, d in access.usage.items() if d.limit]
        return {
            "subscription": Subscription.objects.current(account) if account else None,
            "current": access.plan,
            "quotas": [(spec.label, found, percent(found)) for spec, found in sold if spec.label],
        }


def percent(decision: ports.Decision) -> int:
    """How much of a quota is used, for a meter."""
    return min(100, round(100 * decision.used / decision.limit)) if decision.limit else 0


class CheckoutView(CommandView):
    """Buy a plan. Pressing twice, or in two tabs, ends at the same page of Stripe's."""

    form_class = PriceForm
    limit = checkout.BUY
    title = _("Buy")

    def plan(self, form: Any) -> Command:
        price = checkout.find_price(form.cleaned_data["plan"], form.cleaned_data["interval"])
        # `{order}` is filled in by the service, which makes the id.
        template = "00000000-0000-0000-0000-000000000000"
        url = absolute(self.request, "returned", template).replace(template, "{order}")
        _order, command = checkout.start(
            person=self.request.user,
            price=price,
            success_url=url,
            cancel_url=absolute(self.request, "plans"),
        )
        return command


class ReturnView(OwnPage):
    """Back from the payment page: waits honestly until the money and the access are there."""

    template_name = "threadflow_billing/returned.html"
    title = _("Your payment")

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        order = PaymentOrder.objects.select_related("price__plan").get_visible(
            request.user, kwargs["id"]
        )
        checkout.returned(order=order)
        order.refresh_from_db()
        active = order.is_settled and (order.purpose == "gift" or self._is_open(order))
        state = "active" if active else "waiting"
        if order.state in ("failed", "expired", "canceled"):
            state = order.state
        context = {"order": order, "state": state, "plan": order.price.plan if order.price else ""}
        response = self.respond(self.template_name, context)
        return refreshed(response, 2) if state == "waiting" else response

    def _is_open(self, order: PaymentOrder) -> bool:
        access = access_of(self.request)
        return bool(order.price and access.plan and access.plan.tier >= order.price.plan.tier)


class CommandPage(OwnPage):
    """Waits for the answer of Stripe to one command, then goes where it leads."""

    template_name = "threadflow_billing/command.html"
    title = _("One moment")

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        command = Command.objects.get_visible(request.user, kwargs["id"])
        leads = self._leads_to(command)
        context = {"command": command, "leads_to": leads, "outside": leads.startswith("http")}
        if command.state in (Command.State.FAILED, Command.State.UNKNOWN):
            context["title"] = _("Your plan")
        response = self.respond(self.template_name, context)
        if not command.is_finished:
            return refreshed(response, 1)
        return refreshed(response, 0, leads) if leads and command.state == "done" else response

    def _leads_to(self, command: Command) -> str:
        if command.state != Command.State.DONE:
            return ""
        if command.kind == "preview":
            return reverse("threadflow_billing:preview", args=[command.pk])
        url = str(command.result.get("url") or "")
        if command.kind == "checkout":
            order = PaymentOrder.objects.get(pk=command.target)
            if not order.session_url:  # paid or expired meanwhile: the back button led here
                return reverse("threadflow_billing:returned", args=[order.pk])
        if command.kind in ("checkout", "portal", "invoice"):
            return url if url.startswith(("https://", "http://")) else ""
        return reverse("threadflow_billing:manage")
