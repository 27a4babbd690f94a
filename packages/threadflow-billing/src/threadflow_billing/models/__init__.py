"""Concrete models. `Plan` is a shell that a site may replace; the others are closed."""

from .accounts import BillingAccount, Grant, Override, UsageCounter, UsageHold
from .catalog import Plan, PlanFeature, Price
from .ledger import LedgerAccount, LedgerEntry, LedgerTransaction
from .money import Dispute, GiftCode, PaymentOrder, PaymentPart, Refund
from .records import Command, Drift, ObjectSync, ReminderSent, Transition, WebhookEvent
from .subscriptions import Subscription

__all__ = [
    "BillingAccount",
    "Command",
    "Dispute",
    "Drift",
    "GiftCode",
    "Grant",
    "LedgerAccount",
    "LedgerEntry",
    "LedgerTransaction",
    "ObjectSync",
    "Override",
    "PaymentOrder",
    "PaymentPart",
    "Plan",
    "PlanFeature",
    "Price",
    "Refund",
    "ReminderSent",
    "Subscription",
    "Transition",
    "UsageCounter",
    "UsageHold",
    "WebhookEvent",
]
