"""Stripe's objects as we read them: typed, immutable, without anything we don't use.

Each `parse` takes the plain dict of one object at the pinned API version. What is unknown in it
is left alone; what is missing becomes empty and never an exception.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

Raw = dict[str, Any]


def ident(value: Any) -> str:
    """The id of a reference that may be expanded."""
    if isinstance(value, dict):
        return str(value.get("id") or "")
    return str(value or "")


def moment(value: Any) -> dt.datetime | None:
    return dt.datetime.fromtimestamp(value, tz=dt.UTC) if isinstance(value, int) else None


def words(value: Any) -> dict[str, str]:
    """Metadata."""
    return {str(k): str(v) for k, v in value.items()} if isinstance(value, dict) else {}


def rows(value: Any) -> list[Raw]:
    """The objects of a list that may be missing."""
    data = value.get("data") if isinstance(value, dict) else value
    return [row for row in data if isinstance(row, dict)] if isinstance(data, list) else []


@dataclass(frozen=True, slots=True)
class Item:
    id: str
    price: str
    lookup_key: str
    quantity: int
    start: dt.datetime | None
    end: dt.datetime | None

    @classmethod
    def parse(cls, raw: Raw) -> Item:
        price = raw.get("price")
        return cls(
            id=ident(raw),
            price=ident(price),
            lookup_key=str((price if isinstance(price, dict) else {}).get("lookup_key") or ""),
            quantity=int(raw.get("quantity") or 1),
            start=moment(raw.get("current_period_start")),
            end=moment(raw.get("current_period_end")),
        )


def period_of(items: tuple[Item, ...]) -> tuple[dt.datetime | None, dt.datetime | None]:
    """The one place that knows a subscription's period: earliest begin and latest end of its
    items. (Since 2025 Stripe has none on the subscription itself.)"""
    starts = [item.start for item in items if item.start]
    ends = [item.end for item in items if item.end]
    return (min(starts) if starts else None), (max(ends) if ends else None)


@dataclass(frozen=True, slots=True)
class Subscription:
    id: str
    customer: str
    status: str
    items: tuple[Item, ...]
    cancel_at_period_end: bool
    cancel_at: dt.datetime | None
    trial_end: dt.datetime | None
    ended_at: dt.datetime | None
    created: dt.datetime | None
    latest_invoice: str
    schedule: str
    has_pending_update: bool
    collection_paused: bool
    card: dict[str, Any]
    metadata: dict[str, str]
    raw: Raw = field(repr=False)

    @classmethod
    def parse(cls, raw: Raw) -> Subscription:
        return cls(
            id=ident(raw),
            customer=ident(raw.get("customer")),
            status=str(raw.get("status") or ""),
            items=tuple(Item.parse(row) for row in rows(raw.get("items"))),
            cancel_at_period_end=bool(raw.get("cancel_at_period_end")),
            cancel_at=moment(raw.get("cancel_at")),
            trial_end=moment(raw.get("trial_end")),
            ended_at=moment(raw.get("ended_at")),
            created=moment(raw.get("created")),
            latest_invoice=ident(raw.get("latest_invoice")),
            schedule=ident(raw.get("schedule")),
            has_pending_update=bool(raw.get("pending_update")),
            collection_paused=bool(raw.get("pause_collection")),
            card=card_of(raw.get("default_payment_method")),
            metadata=words(raw.get("metadata")),
            # An expanded payment method carries name and address, which we have no use for.
            raw={**raw, "default_payment_method": ident(raw.get("default_payment_method"))},
        )


def card_of(method: Any) -> dict[str, Any]:
    """Brand, last four digits and expiry of an expanded payment method; nothing else of it."""
    card = method.get("card") if isinstance(method, dict) else None
    if not isinstance(card, dict):
        return {}
    return {name: card.get(name) for name in ("brand", "last4", "exp_month", "exp_year")}


@dataclass(frozen=True, slots=True)
class Balance:
    """A movement on our balance at Stripe, in the currency it is settled in."""

    id: str
    amount: int
    fee: int
    net: int
    currency: str

    @classmethod
    def parse(cls, raw: Any) -> Balance | None:
        if not isinstance(raw, dict):
            return None
        return cls(
            id=ident(raw),
            amount=int(raw.get("amount") or 0),
            fee=int(raw.get("fee") or 0),
            net=int(raw.get("net") or 0),
            currency=str(raw.get("currency") or ""),
        )


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment intent with its charge and what that moved on our balance."""

    intent: str
    status: str
    charge: str
    amount: int
    currency: str
    refunded: int
    disputed: bool
    failure: str
    balance: Balance | None


@dataclass(frozen=True, slots=True)
class Invoice:
    id: str
    customer: str
    subscription: str
    status: str
    number: str
    billing_reason: str
    currency: str
    total: int
    amount_due: int
    amount_paid: int
    paid_off_stripe: int
    tax: int
    attempt_count: int
    created: dt.datetime | None
    paid_at: dt.datetime | None
    hosted_url: str
    pdf_url: str
    #: Of the subscription when the invoice was made.
    metadata: dict[str, str]
    #: (type, id) of each payment that went through.
    payments: tuple[tuple[str, str], ...]
    price: str

    @classmethod
    def parse(cls, raw: Raw) -> Invoice:
        parent = raw.get("parent") or {}
        details = parent.get("subscription_details") or {}
        taxes = raw.get("total_taxes") or []
        steps = raw.get("status_transitions") or {}
        return cls(
            id=ident(raw),
            customer=ident(raw.get("customer")),
            subscription=ident(details.get("subscription")),
            status=str(raw.get("status") or ""),
            number=str(raw.get("number") or ""),
            billing_reason=str(raw.get("billing_reason") or ""),
            currency=str(raw.get("currency") or ""),
            total=int(raw.get("total") or 0),
            amount_due=int(raw.get("amount_due") or 0),
            amount_paid=int(raw.get("amount_paid") or 0),
            paid_off_stripe=int(raw.get("amount_paid_off_stripe") or 0),
            tax=sum(int(row.get("amount") or 0) for row in taxes),
            attempt_count=int(raw.get("attempt_count") or 0),
            created=moment(raw.get("created")),
            paid_at=moment(steps.get("paid_at")),
            hosted_url=str(raw.get("hosted_invoice_url") or ""),
            pdf_url=str(raw.get("invoice_pdf") or ""),
            metadata=words(details.get("metadata")),
            payments=tuple(
                (str(pay.get("type")), ident(pay.get(str(pay.get("type")))))
                for row in rows(raw.get("payments"))
                if row.get("status") == "paid" and isinstance(pay := row.get("payment"), dict)
            ),
            price=_price_of(rows(raw.get("lines"))),
        )


def _price_of(lines: list[Raw]) -> str:
    """The price of the last line that is for a subscription's time ahead."""
    found = ""
    for line in lines:
        details = (line.get("pricing") or {}).get("price_details") or {}
        if int(line.get("amount") or 0) >= 0 and details.get("price"):
            found = ident(details["price"])
    return found


@dataclass(frozen=True, slots=True)
class Session:
    id: str
    url: str
    status: str
    payment_status: str
    mode: str
    customer: str
    subscription: str
    invoice: str
    intent: str
    reference: str
    amount_total: int
    tax: int
    currency: str
    expires_at: dt.datetime | None
    metadata: dict[str, str]

    @classmethod
    def parse(cls, raw: Raw) -> Session:
        totals = raw.get("total_details") or {}
        return cls(
            id=ident(raw),
            url=str(raw.get("url") or ""),
            status=str(raw.get("status") or ""),
            payment_status=str(raw.get("payment_status") or ""),
            mode=str(raw.get("mode") or ""),
            customer=ident(raw.get("customer")),
            subscription=ident(raw.get("subscription")),
            invoice=ident(raw.get("invoice")),
            intent=ident(raw.get("payment_intent")),
            reference=str(raw.get("client_reference_id") or ""),
            amount_total=int(raw.get("amount_total") or 0),
            tax=int(totals.get("amount_tax") or 0),
            currency=str(raw.get("currency") or ""),
            expires_at=moment(raw.get("expires_at")),
            metadata=words(raw.get("metadata")),
        )


@dataclass(frozen=True, slots=True)
class Refund:
    id: str
    status: str
    amount: int
    currency: str
    intent: str
    charge: str
    failure: str
    reason: str
    created: dt.datetime | None
    metadata: dict[str, str]
    balance: Balance | None
    failure_balance: Balance | None

    @classmethod
    def parse(cls, raw: Raw) -> Refund:
        return cls(
            id=ident(raw),
            status=str(raw.get("status") or ""),
            amount=int(raw.get("amount") or 0),
            currency=str(raw.get("currency") or ""),
            intent=ident(raw.get("payment_intent")),
            charge=ident(raw.get("charge")),
            failure=str(raw.get("failure_reason") or ""),
            reason=str(raw.get("reason") or ""),
            created=moment(raw.get("created")),
            metadata=words(raw.get("metadata")),
            balance=Balance.parse(raw.get("balance_transaction")),
            failure_balance=Balance.parse(raw.get("failure_balance_transaction")),
        )


@dataclass(frozen=True, slots=True)
class Dispute:
    id: str
    status: str
    reason: str
    amount: int
    currency: str
    charge: str
    intent: str
    created: dt.datetime | None
    balances: tuple[Balance, ...]

    @classmethod
    def parse(cls, raw: Raw) -> Dispute:
        balances = [Balance.parse(row) for row in rows(raw.get("balance_transactions"))]
        return cls(
            id=ident(raw),
            status=str(raw.get("status") or ""),
            reason=str(raw.get("reason") or ""),
            amount=int(raw.get("amount") or 0),
            currency=str(raw.get("currency") or ""),
            charge=ident(raw.get("charge")),
            intent=ident(raw.get("payment_intent")),
            created=moment(raw.get("created")),
            balances=tuple(balance for balance in balances if balance),
        )


@dataclass(frozen=True, slots=True)
class Preview:
    """What a change would cost now. Amounts in minor units; negative lines are credits."""

    amount_due: int
    total: int
    tax: int
    currency: str
    lines: tuple[tuple[str, int], ...]
    #: The second for which it was computed, by Stripe's clock; None when nothing is prorated.
    date: int | None

    @classmethod
    def parse(cls, raw: Raw) -> Preview:
        details = (raw.get("parent") or {}).get("subscription_details") or {}
        date = details.get("subscription_proration_date")
        return cls(
            date=date if isinstance(date, int) else None,
            amount_due=int(raw.get("amount_due") or 0),
            total=int(raw.get("total") or 0),
            tax=sum(int(row.get("amount") or 0) for row in raw.get("total_taxes") or []),
            currency=str(raw.get("currency") or ""),
            lines=tuple(
                (str(row.get("description") or ""), int(row.get("amount") or 0))
                for row in rows(raw.get("lines"))
            ),
        )
