"""The only module that talks to Stripe, through its own client, which is imported on first use.

Everything goes out with the pinned version, with timeouts and, for what changes something, with
the idempotency key of its command. Everything comes in as `dto` objects. What goes wrong is one
of three: GatewayAway (send it again), GatewayMissing, GatewayRefused.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from . import dto
from .app_settings import app_settings, pinned_version
from .exceptions import GatewayAway, GatewayMissing, GatewayRefused, PaymentsOff

Raw = dict[str, Any]


class BadWebhook(ValueError):
    """A body that Stripe did not sign for us, or that is no event."""


def gateway() -> Gateway:
    """The gateway of the settings in force. Raises PaymentsOff without a key."""
    key = str(app_settings.SECRET_KEY)
    if not key:
        raise PaymentsOff()
    return _gateway(
        key,
        str(app_settings.API_BASE).rstrip("/"),
        pinned_version(),
        (float(app_settings.CONNECT_TIMEOUT), float(app_settings.READ_TIMEOUT)),
        int(app_settings.NETWORK_RETRIES),
    )


@lru_cache(maxsize=8)
def _gateway(
    key: str, base: str, version: str, timeout: tuple[float, float], retries: int
) -> Gateway:
    import stripe

    stripe.enable_telemetry = False  # it would write a file into the home of the process
    more: dict[str, Any] = {"base_addresses": {"api": base}} if base else {}
    client = stripe.StripeClient(
        key,
        stripe_version=version,
        max_network_retries=retries,
        http_client=stripe.RequestsClient(timeout=timeout),
        **more,
    )
    return Gateway(client)


class Gateway:
    """One method per thing we ask of Stripe. `key` is an idempotency key."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._v1 = client.v1

    # Reading

    def subscription(self, pk: str) -> dto.Subscription:
        found = self._get(self._v1.subscriptions, pk, "default_payment_method")
        return dto.Subscription.parse(found)

    def invoice(self, pk: str) -> dto.Invoice:
        return dto.Invoice.parse(self._get(self._v1.invoices, pk, "payments"))

    def session(self, pk: str) -> dto.Session:
        return dto.Session.parse(self._get(self._v1.checkout.sessions, pk))

    def refund(self, pk: str) -> dto.Refund:
        names = ("balance_transaction", "failure_balance_transaction")
        raw = self._get(self._v1.refunds, pk, *names)
        return dto.Refund.parse(self._with_balances(raw))

    def dispute(self, pk: str) -> dto.Dispute:
        return dto.Dispute.parse(self._get(self._v1.disputes, pk))

    def payment(self, pk: str) -> dto.Payment:
        """A payment intent with its charge and the movement of our balance."""
        raw = self._get(self._v1.payment_intents, pk, "latest_charge.balance_transaction")
        charge = raw.get("latest_charge")
        if isinstance(charge, str) and charge:
            charge = self._get(self._v1.charges, charge, "balance_transaction")
        return self._payment(charge if isinstance(charge, dict) else {}, raw)

    def charge(self, pk: str) -> dto.Payment:
        """The same of a charge without an intent."""
        return self._payment(self._get(self._v1.charges, pk, "balance_transaction"), {})

    def _payment(self, charge: Raw, intent: Raw) -> dto.Payment:
        error = intent.get("last_payment_error") or {}
        balance = charge.get("balance_transaction")
        if isinstance(balance, str) and balance:
            balance = self._get(self._v1.balance_transactions, balance)
        return dto.Payment(
            intent=dto.ident(intent) or dto.ident(charge.get("payment_intent")),
            status=str(intent.get("status") or charge.get("status") or ""),
            charge=dto.ident(charge),
            amount=int(charge.get("amount") or intent.get("amount") or 0),
            currency=str(charge.get("currency") or intent.get("currency") or ""),
            refunded=int(charge.get("amount_refunded") or 0),
            disputed=bool(charge.get("disputed")),
            failure=str(error.get("message") or charge.get("failure_message") or ""),
            balance=dto.Balance.parse(balance),
        )

    def refunds_of(self, charge: str) -> list[dto.Refund]:
        params = {"charge": charge, "expand": ["data.balance_transaction"], "limit": 100}
        found = self._all(self._v1.refunds, params)
        return [dto.Refund.parse(self._with_balances(raw)) for raw in found]

    def disputes_of(self, charge: str) -> list[dto.Dispute]:
        found = self._all(self._v1.disputes, {"charge": charge, "limit": 100})
        return [dto.Dispute.parse(raw) for raw in found]

    def preview(self, *, subscription: str, item: str, price: str) -> dto.Preview:
        """The invoice that changing to `price` now would make; now is by Stripe's clock."""
        params = {
            "subscription": subscription,
            "subscription_details": {
                "items": [{"id": item, "price": price}],
                "proration_behavior": "always_invoice",
            },
        }
        return dto.Preview.parse(self._call(self._v1.invoices.create_preview, params))

    def listed(self, kind: str, params: Raw) -> Iterator[Raw]:
        """Every object of `kind` that matches, page by page, as plain dicts."""
        services = {
            "subscription": self._v1.subscriptions,
            "invoice": self._v1.invoices,
            "refund": self._v1.refunds,
            "dispute": self._v1.disputes,
            "event": self._v1.events,
            "checkout.session": self._v1.checkout.sessions,
            "price": self._v1.prices,
        }
        return self._all(services[kind], {"limit": 100, **params})

    def balance(self) -> dict[str, int]:
        """Available and pending money at Stripe, by currency."""
        raw = self._call(self._v1.balance.retrieve)
        total: dict[str, int] = {}
        for row in [*raw.get("available", []), *raw.get("pending", [])]:
            total[row["currency"]] = total.get(row["currency"], 0) + int(row["amount"])
        return total

    # Changing

    def create_customer(self, params: Raw, *, key: str) -> str:
        return dto.ident(self._call(self._v1.customers.create, params, key=key))

    def open_session(self, params: Raw, *, key: str) -> dto.Session:
        return dto.Session.parse(self._call(self._v1.checkout.sessions.create, params, key=key))

    def expire_session(self, pk: str) -> dto.Session:
        return dto.Session.parse(self._call(self._v1.checkout.sessions.expire, pk))

    def open_portal(self, params: Raw, *, key: str) -> str:
        made = self._call(self._v1.billing_portal.sessions.create, params, key=key)
        return str(made.get("url") or "")

    def update_subscription(self, pk: str, params: Raw, *, key: str) -> dto.Subscription:
        raw = self._call(self._v1.subscriptions.update, pk, params, key=key)
        return dto.Subscription.parse(raw)

    def cancel_subscription(self, pk: str, *, key: str) -> dto.Subscription:
        raw = self._call(self._v1.subscriptions.cancel, pk, {}, key=key)
        return dto.Subscription.parse(raw)

    def pause_subscription(self, pk: str, *, key: str) -> dto.Subscription:
        """Stop time and money; what was paid for and not used is credited."""
        params = {
            "bill_for": {
                "unused_time_from": {"type": "now"},
                "outstanding_usage_through": {"type": "now"},
            },
            "invoicing_behavior": "pending_invoice_item",
        }
        raw = self._call(self._v1.subscriptions.pause, pk, params, key=key)
        return dto.Subscription.parse(raw)

    def resume_subscription(self, pk: str, *, key: str) -> dto.Subscription:
        params = {"billing_cycle_anchor": {"type": "now"}}
        raw = self._call(self._v1.subscriptions.resume, pk, params, key=key)
        return dto.Subscription.parse(raw)

    def schedule_price(self, subscription: dto.Subscription, price: str, *, key: str) -> str:
        """Let the next period begin with `price`; returns the id of the schedule."""
        pk = subscription.schedule
        if not pk:
            params: Raw = {"from_subscription": subscription.id}
            made = self._call(self._v1.subscription_schedules.create, params, key=f"{key}:create")
            pk = dto.ident(made)
        start, end = dto.period_of(subscription.items)
        item = subscription.items[0]
        now = {
            "items": [{"price": item.price, "quantity": item.quantity}],
            "start_date": int(start.timestamp()) if start else "now",
            "end_date": int(end.timestamp()) if end else "now",
            "proration_behavior": "none",
        }
        then = {
            "items": [{"price": price, "quantity": item.quantity}],
            "proration_behavior": "none",
        }
        params = {"end_behavior": "release", "phases": [now, then], "proration_behavior": "none"}
        self._call(self._v1.subscription_schedules.update, pk, params, key=f"{key}:update")
        return pk

    def release_schedule(self, pk: str, *, key: str) -> None:
        self._call(self._v1.subscription_schedules.release, pk, {}, key=key)

    def create_refund(self, params: Raw, *, key: str) -> dto.Refund:
        params = {**params, "expand": ["balance_transaction"]}
        raw = self._call(self._v1.refunds.create, params, key=key)
        return dto.Refund.parse(self._with_balances(raw))

    def create_product(self, params: Raw, *, key: str) -> str:
        return dto.ident(self._call(self._v1.products.create, params, key=key))

    def create_price(self, params: Raw, *, key: str) -> str:
        return dto.ident(self._call(self._v1.prices.create, params, key=key))

    # Plumbing

    def _get(self, service: Any, pk: str, *expand: str) -> Raw:
        return self._call(service.retrieve, pk, {"expand": list(expand)} if expand else {})

    def _all(self, service: Any, params: Raw) -> Iterator[Raw]:
        with _translated():
            page = service.list(params)
            for row in page.auto_paging_iter():
                yield row.to_dict(for_json=True)

    def _call(self, method: Callable[..., Any], *args: Any, key: str = "") -> Raw:
        with _translated():
            options = ({"idempotency_key": key},) if key else ()
            answer = method(*args, *options)
            return answer.to_dict(for_json=True)  # type: ignore[no-any-return]

    def _with_balances(self, raw: Raw) -> Raw:
        for name in ("balance_transaction", "failure_balance_transaction"):
            value = raw.get(name)
            if isinstance(value, str) and value:
                raw = {**raw, name: self._get(self._v1.balance_transactions, value)}
        return raw


@contextmanager
def _translated() -> Iterator[None]:
    import stripe

    try:
        yield
    except (stripe.APIConnectionError, stripe.AuthenticationError) as error:
        raise GatewayAway(type(error).__name__) from error
    except stripe.RateLimitError as error:
        raise GatewayAway("rate limit", after=30) from error
    except stripe.IdempotencyError as error:
        if error.http_status == 409:  # the first request with this key still runs
            raise GatewayAway("in progress", after=5) from error
        raise GatewayRefused("idempotency_error", str(error.user_message or "")) from error
    except stripe.CardError as error:
        decline = str(getattr(error.error, "decline_code", "") or "")
        raise GatewayRefused(
            str(error.code or "card_error"), str(error.user_message or ""), decline_code=decline
        ) from error
    except stripe.StripeError as error:
        status = error.http_status or 500
        text = f"{type(error).__name__} {status}"
        if status >= 500 or status == 409:
            raise GatewayAway(text) from error
        if error.code == "resource_missing" or status == 404:
            raise GatewayMissing("resource_missing", str(error.user_message or "")) from error
        raise GatewayRefused(str(error.code or "refused"), str(error.user_message or "")) from error


def verified_event(body: bytes, signature: str) -> Raw:
    """The event in a webhook's body, if one of our secrets signed it. Raises BadWebhook.

    Only ids and types of it are ever used: what happened is fetched.
    """
    import stripe

    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadWebhook("not UTF-8") from error
    if not any(_signed(stripe, text, signature, s) for s in app_settings.WEBHOOK_SECRETS):
        raise BadWebhook("signature")
    try:
        event = json.loads(text)
    except ValueError as error:
        raise BadWebhook("not JSON") from error
    if not isinstance(event, dict) or event.get("object") != "event":
        raise BadWebhook("not a snapshot event")
    if not isinstance(event.get("id"), str) or not isinstance(event.get("type"), str):
        raise BadWebhook("without id or type")
    return event


def _signed(stripe: Any, text: str, signature: str, secret: str) -> bool:
    tolerance = int(app_settings.WEBHOOK_TOLERANCE)
    try:
        stripe.WebhookSignature.verify_header(text, signature, secret, tolerance)
    except stripe.SignatureVerificationError:
        return False
    return True
