"""Settings of billing: the keys of `THREADFLOW_BILLING`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from threadflow_core.conf import AppSettings, dotted

#: Days before a date (renewal, end) or after one (a failed payment) on which people are told.
REMIND = {
    "trial_ends": (3, 1),
    "renewal": (7,),
    "card_expires": (14,),
    "payment_failed": (0, 3, 5),
    "grace_ends": (1,),
    "gift_ends": (7,),
}


def usual_reminders() -> dict[str, tuple[int, ...]]:
    return dict(REMIND)


@dataclass(frozen=True)
class BillingSettings:
    #: Class whose methods a site overrides to change single decisions.
    ADAPTER: str = dotted("threadflow_billing.adapter.BillingAdapter")
    #: Address of the Stripe API; empty: Stripe's own. For a local server that speaks its HTTP.
    API_BASE: str = ""
    #: Address of the site (`https://forum.example`), put before the links in mails.
    BASE_URL: str = ""
    #: Function that says what time it is (aware). For trying out what takes months; refused with
    #: a live key.
    CLOCK: str = dotted("django.utils.timezone.now")
    #: Hours after which a command to Stripe is never sent again: its key may be forgotten there.
    COMMAND_HOURS: int = 23
    #: Seconds to connect to Stripe.
    CONNECT_TIMEOUT: float = 5.0
    #: ISO code of the currency of declared prices, in small letters.
    CURRENCY: str = "eur"
    #: Days for which a gift code can be redeemed.
    GIFT_DAYS: int = 365
    #: Days of access after a payment failed, where the plan names none.
    GRACE_DAYS: int = 7
    #: Days that the bodies of webhooks are kept; their rows stay.
    KEEP_WEBHOOK_BODIES_DAYS: int = 90
    #: Tries that the Stripe client adds by itself when the connection fails.
    NETWORK_RETRIES: int = 2
    #: Plans, as data (see docs/billing.md). They are written to the database after `migrate`;
    #: what was changed in the admin wins over them.
    PLANS: tuple[dict[str, Any], ...] = ()
    #: Whether the checkout page takes promotion codes.
    PROMOTION_CODES: bool = True
    #: Seconds to wait for an answer of Stripe's.
    READ_TIMEOUT: float = 20.0
    #: Who sends reminders (see `reminders.Reminders`).
    REMINDERS: str = dotted("threadflow_billing.reminders.MailReminders")
    #: Days on which reminders are sent, by kind; an empty tuple switches a kind off.
    REMIND: dict[str, tuple[int, ...]] = field(default_factory=usual_reminders)
    #: Secret key of the Stripe account (`sk_…` or `rk_…`). Empty: nothing can be bought.
    SECRET_KEY: str = ""
    #: Version of the Stripe API that is asked for; empty: the one this package was tested with.
    STRIPE_VERSION: str = ""
    #: `automatic`: let Stripe compute taxes; `ids`: ask for tax numbers at checkout.
    TAX: dict[str, bool] = field(default_factory=dict)
    #: Signing secrets of the webhook endpoint. Several while one is being replaced.
    WEBHOOK_SECRETS: tuple[str, ...] = ()
    #: Seconds that the signature of a webhook may be old.
    WEBHOOK_TOLERANCE: int = 300


#: What `CLOCK` is where nobody replaced it.
SYSTEM_CLOCK = BillingSettings().CLOCK

app_settings = AppSettings("THREADFLOW_BILLING", BillingSettings)


def livemode() -> bool:
    """Whether the key in use moves real money."""
    return "_live_" in str(app_settings.SECRET_KEY)[:10]


def pinned_version() -> str:
    """The Stripe API version of every request."""
    return str(app_settings.STRIPE_VERSION) or TESTED_VERSION


#: The version that the tests hold every request to. It changes together with the stripe package.
TESTED_VERSION = "2026-10-28.endive"
