"""Refusals in Stripe's own shape."""

from __future__ import annotations


class StripeError(Exception):
    """A refusal with status, type, code and param. With `keep`, what was written before it stays."""

    def __init__(
        self, message, *, status=400, code=None, param=None, kind="invalid_request_error",
        decline_code=None, keep=False, **more,
    ):  # fmt: skip
        super().__init__(message)
        self.status, self.keep = status, keep
        self.error = {"type": kind, "code": code, "param": param, "message": message, **more}
        if decline_code:
            self.error["decline_code"] = decline_code

    def body(self):
        return {"error": {k: v for k, v in self.error.items() if v is not None}}


def missing(kind, oid, param="id"):
    label = {"checkout.session": "checkout.session", "promotion_code": "promotion code"}
    return StripeError(
        f"No such {label.get(kind, kind)}: '{oid}'",
        status=404, code="resource_missing", param=param,
    )  # fmt: skip


def refused(message, param=None, code=None):
    return StripeError(message, param=param, code=code)


def card_error(message, code, decline_code=None, **more):
    return StripeError(
        message,
        status=402,
        kind="card_error",
        code=code,
        decline_code=decline_code,
        keep=True,
        **more,
    )
