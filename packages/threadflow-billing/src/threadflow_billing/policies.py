"""Who may do what, each question once. Pages, API, admin and commands all ask here."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from threadflow_core.policies import Verdict, require

from .adapter import adapter
from .app_settings import app_settings

__all__ = [
    "may_buy",
    "may_change",
    "may_end_now",
    "may_give",
    "may_redeem",
    "may_refund",
    "may_replay",
    "require",
]


def _person(person: Any) -> Verdict:
    if not getattr(person, "is_authenticated", False):
        return Verdict.sign_in()
    if not person.is_active:
        return Verdict.no("inactive", _("This account is closed."))
    return Verdict.yes()


def may_buy(person: Any, price: Any) -> Verdict:
    known = _person(person)
    if not known:
        return known
    if not app_settings.SECRET_KEY or price is None or price.provider_id is None:
        return Verdict.no("payments_off", _("This can't be bought here at the moment."))
    if not price.is_active or not price.plan.is_active:
        return Verdict.no("not_for_sale", _("This is no longer for sale."))
    return adapter().may_buy(person=person, price=price)


def may_change(person: Any, subscription: Any) -> Verdict:
    """Change, cancel, resume, pause: the owner, or staff who may change subscriptions."""
    known = _person(person)
    if not known:
        return known
    if subscription.account.owner_id == person.pk or _staff(person, "change_subscription"):
        return Verdict.yes()
    return Verdict.no("not_yours", _("This is not your subscription."))


def may_end_now(person: Any) -> Verdict:
    return _only_staff(person, "change_subscription")


def may_refund(person: Any) -> Verdict:
    return _only_staff(person, "add_refund")


def may_give(person: Any) -> Verdict:
    return _only_staff(person, "add_grant")


def may_replay(person: Any) -> Verdict:
    return _only_staff(person, "change_webhookevent")


def may_redeem(person: Any) -> Verdict:
    return _person(person)


def _only_staff(person: Any, permission: str) -> Verdict:
    if _staff(person, permission):
        return Verdict.yes()
    return Verdict.no("staff_only", _("Only the staff can do that."))


def _staff(person: Any, permission: str) -> bool:
    has = getattr(person, "has_perm", None)
    return bool(person.is_staff and has and has(f"threadflow_billing.{permission}"))
