"""Who has Premium in the demo: given by the staff, as on the first day of a real site."""

from __future__ import annotations

from typing import Any

from threadflow_billing.services import accounts, grants
from threadflow_billing.swaps import get_plan_model

from .rooms import ROOMS


def load_members(users: dict[str, Any]) -> None:
    """Everybody who talks in the rooms can; ada, too. `users` by name."""
    premium = get_plan_model()._default_manager.get(code="premium")
    names = dict.fromkeys(["ada", *(said.name for room in ROOMS for said in room.said())])
    for name in names:
        account = accounts.ensure(users[name])
        grants.give(
            staff=users["admin"],
            account=account,
            plan=premium,
            days=365,
            reason="A founding member.",
        )
