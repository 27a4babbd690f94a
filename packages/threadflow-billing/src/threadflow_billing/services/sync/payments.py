"""Invoices, checkout sessions and single payments: orders are settled and posted here."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from threadflow_core import jobs

from ... import clock, dto
from ...exceptions import IllegalTransition
from ...gateway import Gateway
from ...machines import By, move_order, record
from ...models import BillingAccount, PaymentOrder, PaymentPart, Subscription
from ...models.money import Purpose
from .. import gifts, ledger
from ..locks import locked
from . import engine
from .owners import account_of, order_named, price_of


@dataclass(frozen=True)
class PaidInvoice:
    """An invoice with its payments, as they were fetched."""

    invoice: dto.Invoice
    payments: tuple[dto.Payment, ...]


def fetch_invoice(gw: Gateway, pk: str) -> PaidInvoice:
    invoice = gw.invoice(pk)
    payments = []
    for kind, ref in invoice.payments:
        if kind == "payment_intent":
            payments.append(gw.payment(ref))
        elif kind == "charge":
            payments.append(gw.charge(ref))
    return PaidInvoice(invoice, tuple(payments))


def apply_invoice(remote: PaidInvoice, context: engine.Context) -> str:
    """A paid invoice becomes a settled order and a posting; any other one is only looked past."""
    invoice = remote.invoice
    account = account_of(invoice.customer, invoice.metadata)
    if account is None:
        return engine.ORPHANED
    rows = Subscription.objects.filter(provider_id=invoice.subscription, account=account)
    subscription = rows.first() if invoice.subscription else None
    if invoice.subscription and (subscription is None or invoice.status == "open"):
        engine.look_at(f"subscription:{invoice.subscription}")
    if invoice.status != "paid":
        return f"invoice_{invoice.status}"
    if invoice.amount_paid == 0 and invoice.paid_off_stripe == 0:
        return "nothing_to_pay"
    await_balances(remote.payments)
    order = _order_of(invoice, account, subscription)
    _book_invoice(order, remote, context)
    return engine.DONE if account.owner_id is not None else engine.ORPHANED


def _book_invoice(order: Any, remote: PaidInvoice, context: engine.Context) -> None:
    """Settle the locked order of a paid invoice, and post it."""
    invoice = remote.invoice
    when = invoice.paid_at or invoice.created or context.fetched_at
    _settle(
        order,
        payments=remote.payments,
        amount=invoice.amount_paid,
        tax=_share(invoice.tax, invoice.amount_paid, invoice.total),
        currency=invoice.currency,
        when=when,
        by=context.by,
    )
    ledger.post(
        key=f"inv:{invoice.id}:paid",
        kind="payment",
        lines=ledger.incoming(
            payments=list(remote.payments),
            tax=order.tax,
            paid_elsewhere=invoice.paid_off_stripe
            or (0 if remote.payments else invoice.amount_paid),
            currency=invoice.currency,
            against="revenue",
        ),
        happened_at=when,
        account=order.account,
        order_id=order.pk,
    )


def await_balances(payments: tuple[dto.Payment, ...]) -> None:
    """Stripe books some payments a moment after they went through: then come again."""
    if any(payment.balance is None and payment.amount for payment in payments):
        raise jobs.Retry(after=20, reason="Stripe has not booked the payment yet.")


def _share(tax: int, paid: int, total: int) -> int:
    """The part of the tax that was paid with this amount (credit may have paid the rest)."""
    return tax if paid >= total or total <= 0 else round(tax * paid / total)


def _order_of(
    invoice: dto.Invoice, account: BillingAccount, subscription: Subscription | None
) -> Any:
    """The order of the invoice, locked: the checkout's for the first, else one of its own."""
    rows = PaymentOrder.objects.select_related("account", "price__plan")
    order = locked(rows.filter(invoice_id=invoice.id)).first()
    if order is None and invoice.billing_reason == "subscription_create":
        named = order_named(invoice.metadata.get("tf_order", ""))
        if named is not None and named.account_id == account.pk and named.invoice_id is None:
            order = locked(rows.filter(pk=named.pk)).first()
    if order is None:
        order = PaymentOrder(
            account=account,
            purpose=Purpose.RENEWAL,
            price=price_of(invoice.price) or (subscription.price if subscription else None),
            amount=invoice.amount_paid,
            currency=invoice.currency,
            state="created",
            invoice_id=invoice.id,
        )
        order.save(force_insert=True)
    order.invoice_id = invoice.id
    order.number = invoice.number
    order.subscription = subscription or order.subscription
    return order


def _settle(
    order: Any,
    *,
    payments: tuple[dto.Payment, ...],
    amount: int,
    tax: int,
    currency: str,
    when: dt.datetime,
    by: By,
) -> None:
    """Write what was paid into a locked order and take it to `paid`."""
    first = payments[0] if payments else None
    if not order.is_settled or order.amount != amount:
        order.amount, order.tax, order.currency = amount, tax, currency
    order.intent_id = (first.intent or None) if first else order.intent_id
    order.charge_id = first.charge if first else order.charge_id
    order.paid_at = order.paid_at or when
    order.session_url = ""
    order.save()
    to_paid(order, by)
    for payment in payments:
        known: dict[str, Any] = (
            {"intent_id": payment.intent} if payment.intent else {"charge_id": payment.charge}
        )
        values = {"charge_id": payment.charge, "amount": payment.amount}
        PaymentPart.objects.update_or_create(order=order, **known, defaults=values)
        if payment.refunded or payment.disputed:
            engine.look_at(f"charge:{payment.charge}")


def to_paid(order: Any, by: By) -> None:
    """Money came in: whatever we thought before, the order is paid."""
    if order.is_settled:
        return
    if order.state == "created":
        move_order(order, "pending", by)
    late = order.state in ("expired", "canceled")
    move_order(order, "paid", by)
    if late:
        record(
            account=order.account,
            entity="order",
            entity_id=order.pk,
            before="given up",
            after="paid after all",
            by=by,
            odd=True,
        )


@dataclass(frozen=True)
class OpenedSession:
    session: dto.Session
    payment: dto.Payment | None


def fetch_session(gw: Gateway, pk: str) -> OpenedSession:
    session = gw.session(pk)
    return OpenedSession(session, gw.payment(session.intent) if session.intent else None)


def apply_session(remote: OpenedSession, context: engine.Context) -> str:
    """What became of a checkout: its order follows, and what it made is looked at."""
    session = remote.session
    named = order_named(session.reference) or (
        PaymentOrder.objects.filter(session_id=session.id).first()
    )
    if named is None:
        return engine.ORPHANED
    account = account_of(session.customer, {"tf_account": str(named.account_id)})
    if account is None or account.pk != named.account_id:
        return engine.ORPHANED
    rows = PaymentOrder.objects.select_related("account", "price__plan")
    order = locked(rows.filter(pk=named.pk)).get()
    if order.session_id not in (None, session.id):
        return "another_session"
    order.session_id = session.id
    order.expires_at = session.expires_at or order.expires_at
    order.save(update_fields=["session_id", "expires_at"])
    engine.look_at(f"subscription:{session.subscription}", f"invoice:{session.invoice}")
    _follow_session(order, remote, context)
    return engine.DONE if account.owner_id is not None else engine.ORPHANED


def _follow_session(order: Any, remote: OpenedSession, context: engine.Context) -> None:
    session, by = remote.session, context.by
    if order.state == "created":
        move_order(order, "pending", by)
    if session.status == "complete":
        if session.payment_status == "no_payment_required" and not order.is_settled:
            order.amount = 0
            order.paid_at = order.paid_at or clock.now()
            order.session_url = ""
            order.save(update_fields=["amount", "paid_at", "session_url"])
            to_paid(order, by)
        elif session.payment_status == "paid":
            _session_paid(order, remote, context)
        else:
            _session_unpaid(order, remote, context)
    elif session.status == "expired" and order.state in ("pending", "processing"):
        move_order(order, "expired", by)
    if session.status != "open" and order.session_url:
        order.session_url = ""
        order.save(update_fields=["session_url"])


def _session_paid(order: Any, remote: OpenedSession, context: engine.Context) -> None:
    """A gift is posted from its payment; a subscription's money comes with its invoice."""
    session = remote.session
    if order.purpose != Purpose.GIFT:
        if not order.is_settled:
            order.amount, order.tax = session.amount_total, session.tax
            order.save(update_fields=["amount", "tax"])
            if session.invoice and order.amount:
                return  # its invoice settles it, with the figures of the balance
            to_paid(order, context.by)
        return
    payments = (remote.payment,) if remote.payment else ()
    await_balances(payments)
    _settle(
        order,
        payments=payments,
        amount=session.amount_total or (remote.payment.amount if remote.payment else 0),
        tax=session.tax,
        currency=session.currency or order.currency,
        when=context.fetched_at,
        by=context.by,
    )
    ledger.post(
        key=f"pi:{session.intent}:paid",
        kind="payment",
        lines=ledger.incoming(
            payments=list(payments),
            tax=order.tax,
            paid_elsewhere=0,
            currency=order.currency,
            against="gift_liability",
        ),
        happened_at=order.paid_at,
        account=order.account,
        order_id=order.pk,
    )
    gifts.issue(order, context.by)


def _session_unpaid(order: Any, remote: OpenedSession, context: engine.Context) -> None:
    """The buyer is through, the money is on its way; or it turned out that it is not."""
    payment = remote.payment
    failed = "checkout.session.async_payment_failed" in context.types or (
        payment is not None and payment.status in ("requires_payment_method", "canceled")
    )
    try:
        if not failed:
            if order.state == "pending":
                move_order(order, "processing", context.by)
        elif not order.is_settled:
            order.failure = (payment.failure if payment else "")[:300]
            order.save(update_fields=["failure"])
            move_order(order, "failed", context.by)
    except IllegalTransition:
        order.refresh_from_db(fields=["state"])


engine.topics["invoice"] = engine.Topic(fetch_invoice, apply_invoice)
engine.topics["checkout.session"] = engine.Topic(fetch_session, apply_session)
