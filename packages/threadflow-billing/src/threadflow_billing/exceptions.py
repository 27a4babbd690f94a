"""What billing raises beyond core's errors."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from threadflow_core.exceptions import Conflict, Invalid, ThreadflowError, Unavailable


class IllegalTransition(Conflict):
    """An edge that a machine of ours does not have."""

    code = "illegal_transition"


class AlreadySubscribed(Conflict):
    code = "already_subscribed"
    message = _("You have a running subscription. Change its plan instead of buying another.")


class NotSubscribed(Conflict):
    code = "not_subscribed"
    message = _("There is no running subscription.")


class PaymentsOff(Unavailable):
    code = "payments_off"
    message = _("Nothing can be bought here at the moment.")


class BadGiftCode(Invalid):
    code = "bad_gift_code"
    message = _("This code is not valid. Check each letter and digit.")


class UnbalancedEntries(ThreadflowError):
    """Ledger entries that do not add up to zero: a bug of ours, never of a person."""

    status = 500
    code = "unbalanced"


class GatewayError(ThreadflowError):
    """Stripe did not do what was asked; `code` is Stripe's own where it gave one."""

    status = 502
    code = "payment_provider"
    message = _("The payment service did not accept that.")


class GatewayAway(GatewayError):
    """No answer, or one that says «later». The same request may be sent again with its key."""

    status = 503
    code = "payment_provider_away"
    message = _("The payment service does not answer. Nothing was charged twice; try again soon.")

    def __init__(self, text: str = "", *, after: float | None = None) -> None:
        super().__init__()
        self.text = text
        self.after = after


class GatewayRefused(GatewayError):
    """Stripe understood and refused; sending it again changes nothing."""

    status = 409

    def __init__(self, code: str, text: str, *, decline_code: str = "") -> None:
        super().__init__(text or None, code=code or "refused")
        self.decline_code = decline_code


class GatewayMissing(GatewayRefused):
    """There is no such object at Stripe."""
