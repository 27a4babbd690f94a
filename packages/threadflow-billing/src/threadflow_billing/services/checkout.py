"""Buying: an order first, then a page at Stripe for it."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from threadflow_core.exceptions import Conflict, Invalid
from threadflow_core.limits import Limit

from .. import clock, dto, policies
from ..adapter import adapter
from ..app_settings import app_settings, livemode
from ..exceptions import AlreadySubscribed, GatewayAway, GatewayRefused
from ..gateway import Gateway
from ..machines import By, move_order
from ..models import BillingAccount, Command, PaymentOrder, Price, Subscription
from ..models.money import Purpose
from . import accounts, commands, sync
from .locks import lock_account, locked

BUY = Limit("billing.buy", "20/h", secret=True)


def find_price(code: str, interval: str, months: int | None = None) -> Price:
    """The price that is for sale for a plan and period; raises Invalid.

    The client names a plan and a period. It never names an amount or an id of Stripe's.
    """
    rows = Price.objects.for_sale().select_related("plan")
    rows = rows.filter(plan__code=code, interval=interval, currency=app_settings.CURRENCY)
    if interval == "gift":
        rows = rows.filter(months=months or 0)
    found = rows.order_by("-pk").first()
    if found is None:
        raise Invalid(fields={"plan": [_("This can't be bought here.")]}, code="no_such_price")
    return found  # type: ignore[no-any-return]


@transaction.atomic
def start(
    *, person: Any, price: Price, success_url: str, cancel_url: str
) -> tuple[PaymentOrder, Command]:
    """Open a checkout for a subscription. A second one for the same price is the same one.

    Returns the order and the command that opens its page. `success_url` may hold `{order}`. Raises AlreadySubscribed, NotAllowed, Conflict.
    """
    policies.require(policies.may_buy(person, price))
    if price.interval == "gift":
        raise Invalid(code="no_such_price")
    account = _account(person)
    if Subscription.objects.current(account) is not None:
        raise AlreadySubscribed()
    stale = _settle_open(account, price)
    if isinstance(stale, PaymentOrder):
        return stale, _opening(stale)
    order = PaymentOrder.objects.create(
        account=account,
        purpose=Purpose.SUBSCRIPTION,
        price=price,
        amount=price.amount,
        currency=price.currency,
    )
    params = _params(order, person, success_url, cancel_url)
    params |= _subscription_params(order, person)
    return order, _open(order, params, person, expire=stale)


@transaction.atomic
def start_gift(
    *, person: Any, price: Price, success_url: str, cancel_url: str
) -> tuple[PaymentOrder, Command]:
    """Open a checkout for a gift. Raises NotAllowed, Invalid."""
    policies.require(policies.may_buy(person, price))
    if price.interval != "gift":
        raise Invalid(code="no_such_price")
    account = _account(person)
    order = PaymentOrder.objects.create(
        account=account,
        purpose=Purpose.GIFT,
        price=price,
        amount=price.amount,
        currency=price.currency,
    )
    params = _params(order, person, success_url, cancel_url)
    params |= {"mode": "payment", "payment_intent_data": {"metadata": params["metadata"]}}
    return order, _open(order, params, person, expire=[])


def _account(person: Any) -> BillingAccount:
    account = lock_account(accounts.ensure(person).pk)
    if account.livemode != livemode():
        if account.customer_id:
            raise Conflict(code="other_mode")
        account.livemode = livemode()
        account.save(update_fields=["livemode"])
    return account


def _settle_open(account: BillingAccount, price: Price) -> PaymentOrder | list[str]:
    """The open order for this price; else the sessions of others, which are given up."""
    rows = PaymentOrder.objects.filter(account=account, purpose=Purpose.SUBSCRIPTION)
    rows = rows.select_related("account", "price__plan")
    order = locked(rows.open()).first()
    if order is not None and order.state == "created" and _opening(order).is_finished:
        # Nobody knows whether its page was opened; nobody has its address either.
        move_order(order, "canceled", By.system("no_answer"))
        order = None
    if order is not None:
        if order.price_id == price.pk:
            return order  # type: ignore[no-any-return]
        if order.session_id is None:
            raise Conflict(
                _("Another checkout is being opened. Try again in a moment."), code="opening"
            )
        move_order(order, "canceled", By.user(account.owner, "another_checkout"))
    given_up = (
        PaymentOrder.objects.filter(account=account, purpose=Purpose.SUBSCRIPTION, state="canceled")
        .exclude(session_id=None)
        .exclude(session_url="")
    )
    return [str(pk) for pk in given_up.values_list("session_id", flat=True)]


def _opening(order: PaymentOrder) -> Command:
    """The command that opens, or has opened, the order's page."""
    return Command.objects.get(kind="checkout", target_id=order.pk)


def _open(order: PaymentOrder, params: Any, person: Any, *, expire: list[str]) -> Command:
    return commands.plan(
        kind="checkout",
        account=order.account,
        target_id=order.pk,
        params={"session": params, "customer": _customer(order.account), "expire": expire},
        actor=person,
    )


def _customer(account: BillingAccount) -> dict[str, Any]:
    """What the customer is created with; the same in every try."""
    params: dict[str, Any] = {"metadata": {"tf_account": str(account.pk)}}
    if account.email:
        params["email"] = account.email
    return params


def _params(order: PaymentOrder, person: Any, success_url: str, cancel_url: str) -> dict[str, Any]:
    price = order.price
    assert price is not None  # noqa: S101 - orders of checkouts have one
    metadata = {
        **adapter().checkout_metadata(person=person, order=order),
        "tf_account": str(order.account_id),
        "tf_order": str(order.pk),
    }
    params: dict[str, Any] = {
        "client_reference_id": str(order.pk),
        "line_items": [{"price": price.provider_id, "quantity": 1}],
        "success_url": success_url.replace("{order}", str(order.pk)),
        "cancel_url": cancel_url,
        "metadata": metadata,
    }
    if app_settings.PROMOTION_CODES:
        params["allow_promotion_codes"] = True
    if app_settings.TAX.get("automatic"):
        params["automatic_tax"] = {"enabled": True}
        params["customer_update"] = {"address": "auto", "name": "auto"}
    if app_settings.TAX.get("ids"):
        params["tax_id_collection"] = {"enabled": True}
        params["customer_update"] = {"address": "auto", "name": "auto"}
    language = (get_language() or "").split("-")[0]
    if language in ("de", "en", "es", "fr", "it", "nl", "pl", "pt", "sv"):
        params["locale"] = language
    return params


def _subscription_params(order: PaymentOrder, person: Any) -> dict[str, Any]:
    price = order.price
    assert price is not None  # noqa: S101
    metadata = {"tf_account": str(order.account_id), "tf_order": str(order.pk)}
    data: dict[str, Any] = {"metadata": metadata}
    params: dict[str, Any] = {"mode": "subscription", "subscription_data": data}
    days = adapter().trial_days(person=person, account=order.account, price=price)
    if days > 0:
        data["trial_period_days"] = days
        if not price.plan.trial_needs_card:
            params["payment_method_collection"] = "if_required"
            data["trial_settings"] = {"end_behavior": {"missing_payment_method": "cancel"}}
    return params


# The command


def customer_of(gw: Gateway, command: Command) -> str:
    """The account's customer at Stripe, created on the way; many at once create one."""
    account = BillingAccount.objects.get(pk=command.payer)
    if account.customer_id:
        return account.customer_id
    made = gw.create_customer(
        command.params.get("customer") or _customer(account), key=f"tf:cust:{account.pk}"
    )
    BillingAccount.objects.filter(pk=account.pk, customer_id=None).update(customer_id=made)
    return BillingAccount.objects.values_list("customer_id", flat=True).get(pk=account.pk) or made


def _send(gw: Gateway, command: Command) -> dto.Session:
    customer = customer_of(gw, command)
    for session in command.params["expire"]:
        _expire(gw, session)
    return gw.open_session({**command.params["session"], "customer": customer}, key=command.key)


def _expire(gw: Gateway, session: str) -> None:
    """Close an older page. One that was paid in the meantime can't be closed: then buy nothing."""
    try:
        gw.expire_session(session)
    except GatewayAway:
        raise
    except GatewayRefused as error:
        if gw.session(session).status == "complete":
            raise GatewayRefused(
                "paid_elsewhere", _("This was paid in another window already.")
            ) from error


def _apply(command: Command, session: dto.Session) -> commands.Result:
    lock_account(command.account_id)
    rows = PaymentOrder.objects.select_related("account", "price__plan")
    order = locked(rows.filter(pk=command.target)).get()
    PaymentOrder.objects.filter(session_id__in=command.params["expire"]).update(session_url="")
    order.session_id = session.id
    order.session_url = session.url if order.state in ("created", "pending") else ""
    order.expires_at = session.expires_at
    order.save(update_fields=["session_id", "session_url", "expires_at"])
    if order.state == "created":
        move_order(order, "pending", By.user(command.actor, "checkout"))
    return {"url": session.url, "order": str(order.pk)}


def _refused(command: Command, error: GatewayRefused) -> None:
    lock_account(command.account_id)
    order = locked(PaymentOrder.objects.select_related("account").filter(pk=command.target)).get()
    order.failure = str(error.message)[:300]
    order.save(update_fields=["failure"])
    if order.state == "created":
        move_order(order, "failed", By.stripe(error.code))
    sync.look_at(*(f"checkout.session:{pk}" for pk in command.params["expire"]))


commands.kinds["checkout"] = commands.Kind(_send, _apply, _refused)


@transaction.atomic
def returned(*, order: PaymentOrder) -> None:
    """The buyer came back: have the session looked at, once, should the webhook be late.

    It grants nothing by itself.
    """

    if order.session_id is None or order.is_settled:
        return
    rows = PaymentOrder.objects.filter(pk=order.pk, returned_at=None)
    if rows.update(returned_at=clock.now()):
        sync.look_at(f"checkout.session:{order.session_id}")
