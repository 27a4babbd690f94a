"""People in every state that premium knows, and the pages that each of them looks at."""

from __future__ import annotations

import datetime as dt
import json
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.db import transaction

from threadflow_billing import clock
from threadflow_billing.machines import By, record
from threadflow_billing.models import Command, GiftCode, PaymentOrder, Price, Subscription
from threadflow_billing.services import accounts, gifts, grants
from threadflow_billing.swaps import get_plan_model

DAY = dt.timedelta(days=1)
VISA = {"brand": "visa", "last4": "4242", "exp_month": 12, "exp_year": 2040}
OWN = ["manage/", "invoices/", "usage/", "gifts/", "history/", "gifts/buy/", "gifts/redeem/"]


def load() -> None:
    """Make them all and print, as JSON, the session of each with the pages to look at."""
    with transaction.atomic():
        found = {name: _person(name, make) for name, make in STATES.items()}
        found["staff"] = _staff()
    print(json.dumps(found))


def _person(name: str, make: Any) -> dict[str, Any]:
    user = get_user_model()._default_manager.create_user(f"it_is_{name}", f"{name}@mail.example")
    return {"session": _session(user), "pages": make(user)}


def _session(user: Any) -> str:
    store = import_module(settings.SESSION_ENGINE).SessionStore()
    store[SESSION_KEY] = str(user.pk)
    store[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    store[HASH_SESSION_KEY] = user.get_session_auth_hash()
    store.create()
    return str(store.session_key)


def _staff() -> dict[str, Any]:
    admin = get_user_model()._default_manager.get(username="admin")
    root = "/admin/threadflow_billing/billingaccount/"
    return {"session": _session(admin), "pages": [f"{root}dashboard/", f"{root}matrix/"]}


def _subscription(user: Any, status: str, interval: str = "month", **more: Any) -> Subscription:
    account, now = accounts.ensure(user), clock.now()
    account.customer_id = f"cus_{user.username}"
    account.save()
    price = Price.objects.get(plan__code="premium", interval=interval)
    row = Subscription.objects.create(
        account=account, provider_id=f"sub_{user.username}", status=status, price=price, card=VISA,
        period_start=now - 3 * DAY, period_end=now + 27 * DAY, **more,
    )  # fmt: skip
    grants.follow(row, By.stripe("test"))
    for before, after in (("", "incomplete"), ("incomplete", status)):
        record(account=account, entity="subscription", entity_id=row.pk, before=before,
               after=after, by=By.stripe("test"))  # fmt: skip
    return row


def _order(row: Subscription, n: int, state: str = "paid", **more: Any) -> PaymentOrder:
    values = {
        "purpose": "renewal", "price": row.price, "amount": 480, "currency": "eur",
        "invoice_id": f"in_{row.pk}_{n}", "number": f"TF-{n:04}",
        "paid_at": clock.now() - n * 30 * DAY, **more,
    }  # fmt: skip
    return PaymentOrder.objects.create(account=row.account, subscription=row, state=state, **values)


def free(user: Any) -> list[str]:
    return ["", "?per=month", "?feature=chat.live", *OWN]


def active(user: Any) -> list[str]:
    row = _subscription(user, "active")
    for n in range(4):
        _order(row, n)
    _order(row, 4, "partially_refunded", refunded=120)
    _order(row, 5, "refunded", refunded=480)
    _order(row, 6, dispute="open")
    year = Price.objects.get(plan__code="premium", interval="year")
    lines = [["Unused time on Premium after 24 Nov 2026", -432], ["1 × Premium (per year)", 4800]]
    figures = {"amount_due": 4368, "total": 4368, "tax": 697, "currency": "eur", "lines": lines}
    shown = Command.objects.create(
        kind="preview", account=row.account, target_id=row.pk, state="done", result=figures,
        params={"price_key": year.lookup_key},
    )  # fmt: skip
    waits = [
        Command.objects.create(kind="cancel", account=row.account, target_id=row.pk, **values)
        for values in (
            {"state": "failed", "error": "Your card was declined.", "error_code": "card_declined"},
            {"state": "unknown", "attempts": 9},
        )
    ]
    return ["", *OWN, "manage/cancel/", "manage/downgrade/?plan=premium&interval=month",
            f"manage/preview/{shown.pk}/", *(f"commands/{row.pk}/" for row in waits)]  # fmt: skip


def trialing(user: Any) -> list[str]:
    _subscription(user, "trialing", trial_end=clock.now() + 10 * DAY)
    return ["", "manage/"]


def cancelled(user: Any) -> list[str]:
    _subscription(user, "active", cancel_at_period_end=True)
    return ["", "manage/", "history/"]


def late(user: Any) -> list[str]:
    _subscription(
        user, "past_due", past_due_at=clock.now() - DAY, grace_until=clock.now() + 6 * DAY
    )
    return ["", "manage/"]


def too_late(user: Any) -> list[str]:
    now = clock.now()
    _subscription(user, "past_due", past_due_at=now - 9 * DAY, grace_until=now - 2 * DAY)
    return ["", "manage/"]


def unpaid(user: Any) -> list[str]:
    _subscription(user, "unpaid")
    return ["", "manage/"]


def paused(user: Any) -> list[str]:
    _subscription(user, "paused")
    return ["", "manage/"]


def changing(user: Any) -> list[str]:
    month = Price.objects.get(plan__code="premium", interval="month")
    _subscription(user, "active", "year", pending_price=month, schedule_id="sub_sched_1")
    return ["", "manage/"]


def change_unpaid(user: Any) -> list[str]:
    _subscription(user, "active", change_unpaid=True)
    return ["manage/"]


def given(user: Any) -> list[str]:
    _give(user, 90)
    return ["", "manage/", "history/"]


def given_twice(user: Any) -> list[str]:
    _give(user, 90)
    _give(user, None)
    return ["manage/"]


def _give(user: Any, days: int | None) -> None:
    admin = get_user_model()._default_manager.get(username="admin")
    plan = get_plan_model()._default_manager.get(code="premium")
    account = accounts.ensure(user)
    grants.give(staff=admin, account=account, plan=plan, days=days, reason="Thank you")


def giving(user: Any) -> list[str]:
    account = accounts.ensure(user)
    price = Price.objects.get(plan__code="premium", interval="gift", months=3)
    for n in range(3):
        order = PaymentOrder.objects.create(
            account=account, purpose="gift", price=price, amount=1440, currency="eur",
            state="paid", paid_at=clock.now(),
        )  # fmt: skip
        gifts.issue(order, By.stripe("test"))
        if n:
            GiftCode.objects.filter(order=order).update(state=("redeemed", "revoked")[n - 1])
    return ["gifts/", f"checkout/{order.pk}/"]


def returning(user: Any) -> list[str]:
    """Back from the payment page, with each of its ends."""
    row = _subscription(user, "active")
    made = [_order(row, 0, purpose="subscription")]
    for n, state in enumerate(("processing", "failed", "expired", "canceled"), 1):
        made.append(_order(row, n, state, purpose="subscription", paid_at=None))
    return [f"checkout/{order.pk}/" for order in made]


STATES = {
    make.__name__: make
    for make in (
        free, active, trialing, cancelled, late, too_late, unpaid, paused, changing, change_unpaid,
        given, given_twice, giving, returning,
    )
}  # fmt: skip
