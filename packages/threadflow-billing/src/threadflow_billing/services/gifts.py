"""Gifts: a paid code, given to somebody, redeemed once.

The code is made from the site's secret and the id of the gift, so that the buyer can look at it
again although only its hash is stored.
"""

from __future__ import annotations

import base64
import datetime as dt
import hmac
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Sum
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from threadflow_core.exceptions import Conflict
from threadflow_core.limits import Limit

from .. import clock, policies
from ..app_settings import app_settings
from ..exceptions import BadGiftCode
from ..machines import By, record
from ..models import GiftCode, Grant, LedgerEntry, PaymentOrder
from ..models.accounts import Source
from ..models.money import GiftState, Purpose
from . import accounts, grants, ledger, remind
from .locks import lock_account, locked

#: Guessing a code is guessing money.
REDEEM = Limit("billing.redeem", "10/h", secret=True)
LETTERS = 20


def issue(order: PaymentOrder, by: By) -> GiftCode:
    """The code of a paid order, made once. The order is locked."""
    found = GiftCode.objects.filter(order=order).first()
    if found is not None:
        return found  # type: ignore[no-any-return]
    gift = GiftCode(
        order=order,
        account=order.account,
        price=order.price,
        expires_at=clock.now() + dt.timedelta(days=app_settings.GIFT_DAYS),
    )
    code = _code(gift, settings.SECRET_KEY)
    gift.code_hash, gift.hint = _hash(code), code[-4:]
    gift.save(force_insert=True)
    _said(gift, "", by)
    remind.once(order.account, "gift_ready", str(gift.pk), {"plan": order.price.plan.name})  # type: ignore[union-attr]
    return gift


def code_of(gift: GiftCode) -> str:
    """The code in groups of five, for its buyer; "" when the site's secret was replaced."""
    for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        code = _code(gift, secret)
        if hmac.compare_digest(_hash(code), gift.code_hash):
            return "-".join(code[i : i + 5] for i in range(0, LETTERS, 5))
    return ""


def _code(gift: GiftCode, secret: Any) -> str:
    digest = salted_hmac(
        "threadflow.billing.gift", str(gift.pk), secret=secret, algorithm="sha256"
    ).digest()
    return base64.b32encode(digest).decode()[:LETTERS]


def _hash(code: str) -> str:
    """A code has 100 bits of its own: a plain hash can't be searched."""
    import hashlib

    return hashlib.sha256(f"tf-gift:{code}".encode()).hexdigest()


def plain(text: str) -> str:
    """What was typed, without what people add; 0 and 1 are read as the letters they look like."""
    kept = "".join(char for char in text.upper() if char.isascii() and char.isalnum())
    return kept.replace("0", "O").replace("1", "I")


@transaction.atomic
def redeem(*, person: Any, code: str) -> Grant:
    """Turn a code into a grant of the person's, after what they have of the plan already.

    Raises BadGiftCode, also for a code that was used, taken back or has expired, and Conflict
    while a subscription to the same plan runs without end.
    """
    policies.require(policies.may_redeem(person))
    account = lock_account(accounts.ensure(person).pk)
    text = plain(code)
    rows = GiftCode.objects.select_related("price__plan", "order", "account")
    gift = locked(rows.filter(code_hash=_hash(text))).first() if len(text) == LETTERS else None
    now = clock.now()
    if gift is None:
        raise BadGiftCode(fields={"code": [BadGiftCode.message]})
    if gift.state == GiftState.REDEEMED and gift.redeemed_by_id == account.pk:
        return gift.grant  # type: ignore[no-any-return]
    if gift.state != GiftState.ISSUED or gift.expires_at <= now or not _is_paid(gift.order):
        text = _("This code was used already or is no longer valid.")
        raise BadGiftCode(text, fields={"code": [text]})
    return _grant(gift, account, By.user(person, "redeem"), now)


def _is_paid(order: PaymentOrder) -> bool:
    """Whether the money is ours: a code that was bought with a stolen card opens nothing."""
    asked_back = (PaymentOrder.DisputeState.OPEN, PaymentOrder.DisputeState.LOST)
    return order.is_settled and order.dispute not in asked_back


def _grant(gift: GiftCode, account: Any, by: By, now: dt.datetime) -> Grant:
    plan = gift.price.plan
    last, endless = grants.last_end(account, plan.pk)
    if endless:
        raise Conflict(
            _(
                "Your own subscription to this plan is running. Cancel it first: the gift then "
                "follows when it ends. The code stays good."
            ),
            code="subscription_running",
        )
    starts = max(now, last) if last else now
    grant = Grant.objects.create(
        account=account,
        plan=plan,
        source=Source.GIFT,
        source_id=gift.pk,
        starts_at=starts,
        ends_at=add_months(starts, gift.price.months),
    )
    gift.state, gift.redeemed_by, gift.redeemed_at = GiftState.REDEEMED, account, now
    gift.grant = grant
    gift.save(update_fields=["state", "redeemed_by", "redeemed_at", "grant"])
    _said(gift, GiftState.ISSUED, by)
    grants._said(grant, "", by)
    _earn(gift, now)
    return grant


def _earn(gift: GiftCode, now: dt.datetime) -> None:
    """What was owed to the bearer of the code is ours now."""
    owed = _owed(gift.order)
    for currency, amount in owed.items():
        ledger.post(
            key=f"gift:{gift.pk}:redeemed",
            kind="gift",
            lines=[
                ledger.Line("gift_liability", currency, amount),
                ledger.Line("revenue", currency, -amount),
            ],
            happened_at=now,
            account=gift.account,
            order_id=gift.order_id,
        )


def _owed(order: PaymentOrder) -> dict[str, int]:
    rows = LedgerEntry.objects.filter(
        transaction__order_id=order.pk, ledger_account__code="gift_liability"
    )
    sums = rows.values("ledger_account__currency").annotate(total=Sum("amount"))
    return {row["ledger_account__currency"]: -row["total"] for row in sums if row["total"]}


def refunded_from(order: PaymentOrder) -> str:
    """The ledger account that a refund of the order is taken from."""
    if order.purpose != Purpose.GIFT:
        return "refunds"
    redeemed = GiftCode.objects.filter(order=order, state=GiftState.REDEEMED).exists()
    return "refunds" if redeemed else "gift_liability"


def revoke(order: PaymentOrder, by: By) -> None:
    """Make the code of a refunded gift worthless, unless it was redeemed. The order is locked."""
    gift = locked(GiftCode.objects.filter(order=order, state=GiftState.ISSUED)).first()
    if gift is not None:
        gift.state = GiftState.REVOKED
        gift.save(update_fields=["state"])
        _said(gift, GiftState.ISSUED, by)


def _said(gift: GiftCode, before: str, by: By) -> None:
    record(
        account=gift.account,
        entity="gift",
        entity_id=gift.pk,
        before=before,
        after=gift.state,
        by=by,
    )


def add_months(start: dt.datetime, months: int) -> dt.datetime:
    """The same day so many months later; the last of the month where there is no such day."""
    import calendar

    index = start.month - 1 + months
    year, month = start.year + index // 12, index % 12 + 1
    day = min(start.day, calendar.monthrange(year, month)[1])
    return start.replace(year=year, month=month, day=day)
