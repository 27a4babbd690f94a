"""Test cards: what each number does at attaching, at paying, at authentication and later."""

from __future__ import annotations

from .errors import card_error, refused

# number: (brand, behaviour); the behaviours are in `outcome`
NUMBERS = {
    "4242424242424242": ("visa", "ok"),
    "4000056655665556": ("visa", "ok"),
    "5555555555554444": ("mastercard", "ok"),
    "378282246310005": ("amex", "ok"),
    "4000000000000002": ("visa", "card_declined"),
    "4000000000009995": ("visa", "insufficient_funds"),
    "4000000000000069": ("visa", "expired_card"),
    "4000000000000127": ("visa", "incorrect_cvc"),
    "4000002500003155": ("visa", "authenticate"),
    "4000002760003184": ("visa", "authenticate_always"),
    "4000000000000341": ("visa", "fails_later"),
    "4000000000000259": ("visa", "dispute"),
    "4000000000005126": ("visa", "refund_fails"),
}
SHOWN = [
    ("4242424242424242", "Succeeds"),
    ("4000000000000002", "Declined"),
    ("4000000000009995", "Declined: insufficient funds"),
    ("4000002500003155", "3-D Secure"),
    ("4000002760003184", "3-D Secure, again at each renewal"),
    ("4000000000000341", "Saves, and fails when charged"),
    ("4000000000000259", "Succeeds, then is disputed"),
]
TOKENS = {
    "visa": "4242424242424242", "mastercard": "5555555555554444", "amex": "378282246310005",
    "us": "4242424242424242", "chargeDeclined": "4000000000000002",
    "visa_chargeDeclined": "4000000000000002",
    "visa_chargeDeclinedInsufficientFunds": "4000000000009995",
    "chargeDeclinedInsufficientFunds": "4000000000009995",
    "chargeDeclinedExpiredCard": "4000000000000069", "chargeCustomerFail": "4000000000000341",
    "createDispute": "4000000000000259", "refundFail": "4000000000005126",
    "authenticationRequired": "4000002760003184", "authenticationRequiredOnSetup": "4000002500003155",
    "threeDSecure2Required": "4000002760003184",
}  # fmt: skip
DECLINES = {
    "card_declined": ("card_declined", "generic_decline", "Your card was declined."),
    "insufficient_funds": ("card_declined", "insufficient_funds", "Your card has insufficient funds."),
    "expired_card": ("expired_card", "expired_card", "Your card has expired."),
    "incorrect_cvc": ("incorrect_cvc", "incorrect_cvc", "Your card's security code is incorrect."),
    "fails_later": ("card_declined", "generic_decline", "Your card was declined."),
    "authentication": (
        "payment_intent_authentication_failure", None,
        "We are unable to authenticate your payment method.",
    ),
}  # fmt: skip


def digits(number):
    """A typed number as digits; a refusal when it is no test card."""
    bare = "".join(c for c in str(number) if c.isdigit())
    if bare not in NUMBERS:
        raise card_error(
            "Your card number is incorrect: only Stripe's test cards work here.", "incorrect_number",
            param="number",
        )  # fmt: skip
    return bare


def outcome(number, *, authenticated=False, present=False):
    """What a charge of this card comes to: `ok`, `authenticate`, or the key of a decline.

    With the cardholder present, the card that fails later goes through once: so a renewal that
    fails can be seen. (At Stripe it fails at each charge, and a trial comes before.)
    """
    behaviour = NUMBERS[number][1]
    if behaviour == "authenticate_always":
        return "ok" if authenticated and present else "authenticate"
    if behaviour == "authenticate":
        return "ok" if authenticated else "authenticate"
    if behaviour == "fails_later" and present:
        return "ok"
    return "ok" if behaviour in ("ok", "dispute", "refund_fails") else behaviour


def at_saving(number):
    """What saving the card without a charge comes to."""
    behaviour = NUMBERS[number][1]
    return "ok" if behaviour == "fails_later" else outcome(number)


def card_hash(number, month, year):
    brand, _ = NUMBERS[number]
    if not 1 <= month <= 12:
        raise card_error(
            "Your card's expiration month is invalid.", "invalid_expiry_month", param="exp_month"
        )
    return {
        "brand": brand, "country": "US", "display_brand": brand, "exp_month": month, "exp_year": year,
        "fingerprint": f"local{number[-10:]}", "funding": "credit", "last4": number[-4:],
        "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"},
        "networks": {"available": [brand], "preferred": None},
        "three_d_secure_usage": {"supported": True}, "generated_from": None, "wallet": None,
        "regulated_status": "unregulated",
    }  # fmt: skip


def from_token(name):
    """`pm_card_visa`, `tok_visa` → a number."""
    stem = name.removeprefix("pm_card_").removeprefix("tok_")
    if stem not in TOKENS:
        raise refused(
            f"No such PaymentMethod: '{name}'", param="payment_method", code="resource_missing"
        )
    return TOKENS[stem]
