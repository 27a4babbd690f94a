"""An entitlement backend whose grants a test decides."""

from __future__ import annotations

from typing import Any

from threadflow_core.entitlements import DeclaredEntitlements
from threadflow_core.ports import Decision

#: Features by user name that this person has; everybody else has none.
GRANTS: dict[str, set[str]] = {}


class Sold(DeclaredEntitlements):
    """Everything is sold: only what is in GRANTS is allowed."""

    def check(self, person: Any, feature: str) -> Decision:
        name = person.get_username() if getattr(person, "pk", None) else ""
        if feature in GRANTS.get(name, set()):
            return Decision(True)
        return Decision(False, reason="not_bought", upgrade_url="/premium/")


class SoldToGroups(DeclaredEntitlements):
    """Everything is sold: a feature is allowed to the members of the group of its name, in every
    process."""

    def check(self, person: Any, feature: str) -> Decision:
        if getattr(person, "pk", None) and person.groups.filter(name=feature).exists():
            return Decision(True)
        return Decision(False, reason="not_bought", upgrade_url="/premium/")
