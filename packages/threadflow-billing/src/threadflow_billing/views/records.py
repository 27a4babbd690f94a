"""Invoices, usage, gifts and history: what was paid, used, given, and what happened."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from threadflow_core import cursors, ports
from threadflow_core.views import FormPage, ServiceView

from .. import wording
from ..access import access_of
from ..forms import GiftForm, InvoiceForm, RedeemForm
from ..models import Command, GiftCode, PaymentOrder, Price, Transition
from ..services import checkout, gifts, portal
from .base import CommandView, OwnPage, absolute
from .manage import OwnForm
from .plans import percent

PER_PAGE = 25


class InvoicesView(OwnPage):
    """All payments, newest first. Links to invoices are fetched fresh: Stripe's expire."""

    template_name = "threadflow_billing/invoices.html"
    tab = "invoices"
    title = _("Invoices")

    def get_context(self) -> dict[str, Any]:
        rows = PaymentOrder.objects.visible_to(self.request.user).filter(
            state__in=("paid", "partially_refunded", "refunded")
        )
        return page_of(self.request, rows.select_related("price__plan"), "orders")


class InvoiceOpenView(CommandView):
    form_class = InvoiceForm
    limit = portal.OPEN

    def plan(self, form: Any) -> Command:
        order = PaymentOrder.objects.get_visible(self.request.user, form.cleaned_data["order"])
        return portal.open_invoice(
            person=self.request.user, order=order, pdf=form.cleaned_data["pdf"]
        )


class HistoryView(OwnPage):
    """Every step that was taken about one's plan, payments and access, with who took it."""

    template_name = "threadflow_billing/history.html"
    tab = "history"
    title = pgettext_lazy("billing", "History")

    def get_context(self) -> dict[str, Any]:
        rows = Transition.objects.visible_to(self.request.user).exclude(entity="override")
        found = page_of(self.request, rows.select_related("actor"), "steps")
        return {**found, "steps": wording.tell(found["steps"])}


class UsageView(OwnPage):
    """What is used up of each quota, and what else one has."""

    template_name = "threadflow_billing/usage.html"
    tab = "usage"
    title = pgettext_lazy("billing", "Usage")

    def get_context(self) -> dict[str, Any]:
        specs = ports.declared_features()
        found = access_of(self.request).all
        named = [(specs[code], decision) for code, decision in found.items() if specs[code].label]
        return {
            "quotas": [(s, d, percent(d)) for s, d in named if s.kind == "quota"],
            "others": [(s, d) for s, d in named if s.kind != "quota"],
        }


class GiftsView(OwnPage):
    """Gifts that one has bought, with their codes, and where to redeem one."""

    template_name = "threadflow_billing/gifts.html"
    tab = "gifts"
    title = _("Gifts")

    def get_context(self) -> dict[str, Any]:
        rows = GiftCode.objects.visible_to(self.request.user)
        bought = list(rows.select_related("price__plan").order_by("-pk")[:100])
        for row in bought:
            row.shown = gifts.code_of(row) if row.state == "issued" else ""  # type: ignore[attr-defined]
        return {"gifts": bought, "prices": list(gift_prices())}


def gift_prices() -> Any:
    rows = Price.objects.for_sale().filter(interval="gift").select_related("plan")
    return rows.order_by("plan__tier", "months")


class GiftBuyView(OwnForm):
    form_class = GiftForm
    limit = checkout.BUY
    title = _("Give a plan")
    submit_label = _("Go on to the payment")

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "prices": list(gift_prices())}

    def plan(self, form: Any) -> Command:
        code, months = form.chosen()
        template = "00000000-0000-0000-0000-000000000000"
        url = absolute(self.request, "returned", template).replace(template, "{order}")
        _order, command = checkout.start_gift(
            person=self.request.user,
            price=checkout.find_price(code, "gift", months),
            success_url=url,
            cancel_url=absolute(self.request, "gifts"),
        )
        return command


class RedeemView(FormPage, ServiceView):
    form_class = RedeemForm
    limit = gifts.REDEEM
    title = _("Redeem a gift")
    submit_label = _("Redeem")
    success_message = _("Done. Have fun with it.")

    def check_access(self) -> None:
        OwnPage.check_access(self)  # type: ignore[arg-type]

    def get_success_url(self, context: dict[str, Any]) -> str:
        return reverse("threadflow_billing:manage")

    def act(self, form: Any) -> dict[str, Any]:
        return {"grant": gifts.redeem(person=self.request.user, code=form.cleaned_data["code"])}


def page_of(request: Any, rows: Any, name: str) -> dict[str, Any]:
    """One page of a list, newest first, with the links to its neighbours."""
    page = cursors.paginate(
        rows,
        order=("-pk",),
        cursor=request.GET.get("cursor"),
        size=PER_PAGE,
        scope=f"billing.{name}",
    )
    return {
        name: page.items,
        "next_url": f"?cursor={page.next}" if page.next else "",
        "previous_url": f"?cursor={page.previous}" if page.previous else "",
    }
