"""Changing a running subscription. Each is a command; what Stripe answers is taken over at once."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from threadflow_core.exceptions import Conflict, Invalid
from threadflow_core.limits import Limit

from .. import clock, dto, policies
from ..exceptions import GatewayRefused, NotSubscribed
from ..gateway import Gateway
from ..machines import By, record
from ..models import BillingAccount, Command, Price, Subscription
from . import accounts, commands, sync
from .locks import lock, lock_account
from .sync import subscriptions as converge
from .sync.engine import Context

CHANGE = Limit("billing.change", "30/h", secret=True)

#: Where a change is refused because the card was: the subscription is as it was before.
CARD_CODES = ("card_declined", "expired_card", "incorrect_cvc", "authentication_required")


def current(person: Any) -> Subscription:
    """The subscription that the person manages; raises NotSubscribed."""
    account = BillingAccount.objects.of(person)
    found = Subscription.objects.current(account) if account is not None else None
    if found is None:
        raise NotSubscribed()
    return found  # type: ignore[no-any-return]


def is_upgrade(old: Price | None, new: Price) -> bool:
    """Whether a change happens at once: to a higher tier, or to the longer period of the same."""
    if old is None or new.plan.tier > old.plan.tier:
        return True
    return new.plan.tier == old.plan.tier and new.months > old.months


@transaction.atomic
def preview(*, person: Any, price: Price) -> Command:
    """Ask what an upgrade would cost now; the answer is the command's result."""
    row = _mine(person)
    _check_change(row, price, person)
    if not is_upgrade(row.price, price):
        raise Conflict(
            _("A smaller plan begins with the next period and costs nothing now."),
            code="no_preview",
        )
    params = {
        "subscription": row.provider_id,
        "price": price.provider_id,
        "price_key": price.lookup_key,
    }
    return _plan("preview", row, params, person)


@transaction.atomic
def change(*, person: Any, price: Price, preview_id: Any = None) -> Command:
    """Move to another price: up at once, at the figures of the preview; down at the period's end.

    Raises NotSubscribed, NotAllowed, Conflict; Invalid for a preview of something else.
    """
    row = _mine(person)
    _check_change(row, price, person)
    if row.change_unpaid:
        raise Conflict(_("A change is waiting for its payment."), code="change_unpaid")
    if not is_upgrade(row.price, price):
        params = {
            "subscription": row.provider_id,
            "price": price.provider_id,
            "price_key": price.lookup_key,
        }
        return _plan("downgrade", row, params, person)
    params = {
        "subscription": row.provider_id,
        "price": price.provider_id,
        "date": _preview_date(row, price, preview_id),
        "schedule": row.schedule_id,
    }
    return _plan("upgrade", row, params, person)


def _preview_date(row: Subscription, price: Price, preview_id: Any) -> int | None:
    """The second for which the shown figures were computed: charged is what was shown."""
    if not preview_id:
        return None
    shown = Command.objects.filter(
        pk=preview_id, kind="preview", target_id=row.pk, state=Command.State.DONE
    ).first()
    if shown is None or shown.params["price"] != price.provider_id:
        raise Invalid(fields={"preview": [_("Look at the preview again.")]})
    age = (clock.now() - shown.created_at).total_seconds()
    if age > 3600:
        raise Conflict(_("The figures are old. Look at the preview again."), code="stale_preview")
    date = shown.result.get("date")
    return int(date) if date is not None else None


@transaction.atomic
def keep_plan(*, person: Any) -> Command:
    """Call off a downgrade that waits for the end of the period."""
    row = _mine(person)
    if not row.schedule_id:
        raise Conflict(_("No change is planned."), code="nothing_planned")
    params = {"subscription": row.provider_id, "schedule": row.schedule_id}
    return _plan("keep_plan", row, params, person)


@transaction.atomic
def cancel(*, person: Any, when: str = "period_end", reason: str = "") -> Command:
    """End with the period, or at once (staff only). Access lasts as long as it was paid for."""
    if when not in ("period_end", "now"):
        raise Invalid(fields={"when": ["period_end, now"]})
    row = _mine(person)
    return _cancel(row, person, when, reason)


@transaction.atomic
def cancel_for(*, staff: Any, subscription: Subscription, when: str, reason: str) -> Command:
    """The same by staff, for somebody. Raises NotAllowed."""
    policies.require(policies.may_end_now(staff))
    lock_account(subscription.account_id)
    row = lock(Subscription.objects.select_related("account").filter(pk=subscription.pk))
    return _cancel(row, staff, when, reason)


def _cancel(row: Subscription, person: Any, when: str, reason: str) -> Command:
    if when == "now":
        policies.require(policies.may_end_now(person))
    if row.is_ended:
        raise NotSubscribed()
    if when == "period_end" and row.ends_at is not None:
        raise Conflict(_("It ends with the period already."), code="cancels_already")
    params = {
        "subscription": row.provider_id,
        "when": when,
        "schedule": row.schedule_id,
        "reason": reason[:300],
    }
    return _plan("cancel", row, params, person)


@transaction.atomic
def resume(*, person: Any) -> Command:
    """Take back a cancellation, or go on after a pause."""
    row = _mine(person)
    if row.status != "paused" and row.ends_at is None:
        raise Conflict(_("It is running as it is."), code="nothing_to_resume")
    params = {"subscription": row.provider_id, "paused": row.status == "paused"}
    return _plan("resume", row, params, person)


@transaction.atomic
def pause(*, person: Any) -> Command:
    """Stop paying and using until resumed; what is left of the period is credited."""
    row = _mine(person)
    if row.status != "active" or row.ends_at is not None or row.schedule_id:
        raise Conflict(_("It can't be paused as it is now."), code="cannot_pause")
    return _plan("pause", row, {"subscription": row.provider_id}, person)


def _mine(person: Any) -> Any:
    """The person's subscription with its account, locked. Raises NotSubscribed, NotAllowed."""
    account = BillingAccount.objects.of(person)
    if account is None:
        raise NotSubscribed()
    lock_account(account.pk)
    found = Subscription.objects.current(account)
    if found is None:
        raise NotSubscribed()
    row = lock(Subscription.objects.select_related("account", "price__plan").filter(pk=found.pk))
    policies.require(policies.may_change(person, row))
    return row


def _check_change(row: Subscription, price: Price, person: Any) -> None:
    policies.require(policies.may_buy(person, price))
    if price.interval == "gift":
        raise Invalid(code="no_such_price")
    if row.price_id == price.pk:
        raise Conflict(_("This is your plan already."), code="same_plan")
    if row.status not in ("active", "trialing"):
        raise Conflict(
            _("Pay what is open first; then the plan can be changed."), code="not_active"
        )


def _plan(kind: str, row: Subscription, params: dict[str, Any], person: Any) -> Command:
    return commands.plan(
        kind=kind, account=row.account, target_id=row.pk, params=params, actor=person
    )


# The commands


def _take_over(command: Command, remote: dto.Subscription) -> commands.Result:
    """Apply what Stripe answered, as if it had been fetched now; then look once more."""
    context = Context(fetched_at=clock.now(), cause=command.kind)
    converge.apply(remote, context)
    sync.look_at(f"subscription:{remote.id}", f"invoice:{remote.latest_invoice}")
    _noted(command, command.params.get("reason", ""))
    return {"status": remote.status}


def _noted(command: Command, reason: str = "") -> None:
    """Who asked for it: the steps themselves are Stripe's."""
    record(
        account=command.account,
        entity="command",
        entity_id=command.pk,
        before="",
        after=command.kind,
        by=By.user(command.actor, command.kind, reason),
    )
    if command.account is not None:
        accounts.changed(command.account)


def _send_preview(gw: Gateway, command: Command) -> dto.Preview:
    params = command.params
    remote = gw.subscription(params["subscription"])
    return gw.preview(
        subscription=remote.id,
        item=remote.items[0].id,
        price=params["price"],
    )


def _apply_preview(command: Command, found: dto.Preview) -> commands.Result:
    return {
        "amount_due": found.amount_due,
        "total": found.total,
        "tax": found.tax,
        "currency": found.currency,
        "lines": [list(line) for line in found.lines],
        "price": command.params["price_key"],
        "date": found.date,
    }


def _send_upgrade(gw: Gateway, command: Command) -> dto.Subscription:
    """`pending_if_incomplete`: a change whose payment fails leaves the old plan as it is."""
    params = command.params
    if params["schedule"]:
        gw.release_schedule(params["schedule"], key=f"{command.key}:release")
    remote = gw.subscription(params["subscription"])
    change = {
        "items": [{"id": remote.items[0].id, "price": params["price"]}],
        "proration_behavior": "always_invoice",
        "payment_behavior": "pending_if_incomplete",
        "expand": ["default_payment_method"],
    }
    if params["date"] is not None:
        change["proration_date"] = params["date"]
    return gw.update_subscription(remote.id, change, key=command.key)


def _apply_upgrade(command: Command, remote: dto.Subscription) -> commands.Result:
    result = _take_over(command, remote)
    return {**result, "unpaid": remote.has_pending_update, "invoice": remote.latest_invoice}


def _send_downgrade(gw: Gateway, command: Command) -> str:
    remote = gw.subscription(command.params["subscription"])
    return gw.schedule_price(remote, command.params["price"], key=command.key)


def _apply_downgrade(command: Command, schedule: str) -> commands.Result:
    lock_account(command.account_id)
    row = lock(Subscription.objects.filter(pk=command.target))
    row.pending_price = Price.objects.get(lookup_key=command.params["price_key"])
    row.schedule_id = schedule
    row.save(update_fields=["pending_price", "schedule_id"])
    _noted(command)
    return {"at": row.period_end.isoformat() if row.period_end else None}


def _send_keep_plan(gw: Gateway, command: Command) -> dto.Subscription:
    gw.release_schedule(command.params["schedule"], key=command.key)
    return gw.subscription(command.params["subscription"])


def _send_cancel(gw: Gateway, command: Command) -> dto.Subscription:
    params = command.params
    if params["schedule"]:
        gw.release_schedule(params["schedule"], key=f"{command.key}:release")
    if params["when"] == "now":
        return gw.cancel_subscription(params["subscription"], key=command.key)
    change = {"cancel_at_period_end": True, "expand": ["default_payment_method"]}
    return gw.update_subscription(params["subscription"], change, key=command.key)


def _send_resume(gw: Gateway, command: Command) -> dto.Subscription:
    pk = command.params["subscription"]
    if command.params["paused"]:
        return gw.resume_subscription(pk, key=command.key)
    change = {"cancel_at_period_end": False, "expand": ["default_payment_method"]}
    return gw.update_subscription(pk, change, key=command.key)


def _send_pause(gw: Gateway, command: Command) -> dto.Subscription:
    return gw.pause_subscription(command.params["subscription"], key=command.key)


def _refused(command: Command, error: GatewayRefused) -> None:
    """Something was not as we thought: look."""
    sync.look_at(f"subscription:{command.params['subscription']}")


Kind = commands.Kind
commands.kinds |= {
    "preview": Kind(_send_preview, _apply_preview, _refused),
    "upgrade": Kind(_send_upgrade, _apply_upgrade, _refused),
    "downgrade": Kind(_send_downgrade, _apply_downgrade, _refused),
    "keep_plan": Kind(_send_keep_plan, _take_over, _refused),
    "cancel": Kind(_send_cancel, _take_over, _refused),
    "resume": Kind(_send_resume, _take_over, _refused),
    "pause": Kind(_send_pause, _take_over, _refused),
}
