"""Pages of Stripe's that are opened for a person: the portal, and invoices with fresh links."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from threadflow_core.exceptions import Conflict, Invalid, NotFound
from threadflow_core.limits import Limit

from .. import dto
from ..exceptions import NotSubscribed
from ..gateway import Gateway
from ..models import BillingAccount, Command, PaymentOrder, Subscription
from . import commands

OPEN = Limit("billing.open", "60/h")

#: What the portal opens with: nothing in particular, or one task.
FLOWS = (
    "",
    "payment_method_update",
    "subscription_cancel",
    "subscription_update",
    "customer_update",
)


@transaction.atomic
def open_portal(*, person: Any, return_url: str, flow: str = "") -> Command:
    """Have the portal opened for the person's own customer. Raises Invalid, Conflict."""
    if flow not in FLOWS:
        raise Invalid(fields={"flow": [", ".join(FLOWS[1:])]})
    account = BillingAccount.objects.of(person)
    if account is None or not account.customer_id:
        raise Conflict(_("You have not bought anything yet."), code="no_customer")
    params: dict[str, Any] = {"customer": account.customer_id, "return_url": return_url}
    if flow:
        params["flow_data"] = {"type": flow}
        if flow.startswith("subscription_"):
            row = Subscription.objects.current(account)
            if row is None:
                raise NotSubscribed()
            params["flow_data"][flow] = {"subscription": row.provider_id}
    return commands.plan(kind="portal", account=account, params=params, actor=person)


@transaction.atomic
def open_invoice(*, person: Any, order: PaymentOrder, pdf: bool) -> Command:
    """Ask for a fresh link to an invoice of the person's own: Stripe's links expire."""
    mine = PaymentOrder.objects.get_visible(person, order.pk)
    if not mine.invoice_id:
        raise NotFound()
    params = {"invoice": mine.invoice_id, "pdf": pdf}
    return commands.plan(kind="invoice", account=mine.account, params=params, actor=person)


@transaction.atomic
def open_unpaid(*, person: Any) -> Command:
    """The invoice that waits for the person: where a failed payment is made good."""
    account = BillingAccount.objects.of(person)
    row = Subscription.objects.current(account) if account is not None else None
    if row is None or not row.latest_invoice:
        raise NotSubscribed()
    params = {"invoice": row.latest_invoice, "pdf": False}
    return commands.plan(kind="invoice", account=account, params=params, actor=person)


def _send_portal(gw: Gateway, command: Command) -> str:
    return gw.open_portal(command.params, key=command.key)


def _send_invoice(gw: Gateway, command: Command) -> dto.Invoice:
    return gw.invoice(command.params["invoice"])


def _apply_invoice(command: Command, invoice: dto.Invoice) -> commands.Result:
    return {"url": invoice.pdf_url if command.params["pdf"] else invoice.hosted_url}


commands.kinds["portal"] = commands.Kind(_send_portal, lambda command, url: {"url": url})
commands.kinds["invoice"] = commands.Kind(_send_invoice, _apply_invoice)
