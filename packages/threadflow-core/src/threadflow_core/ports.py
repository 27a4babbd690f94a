"""What a site may replace: entitlements, visibility, audience and reports.

Each port is a Protocol, a default and a dotted path in `THREADFLOW_CORE`. Packages call the
functions at the end of this module and never a backend.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol, cast

from django.apps import apps
from django.db import transaction
from django.db.models import Model
from django.dispatch import Signal

from .app_settings import app_settings
from .policies import Verdict

#: Sent on commit when what a person may use has changed. Arguments: `person`.
entitlements_changed = Signal()


@dataclass(frozen=True, slots=True)
class Feature:
    """Something that may be sold. Declared as `features` on an AppConfig, by code.

    `kind`: a `bool` is on or off; a `quota` is used up per `period`; a `limit` is a ceiling
    that the caller compares with. `free` is what everybody has: True or False for a bool, a
    number otherwise, None for no bound.
    """

    kind: Literal["bool", "quota", "limit"]
    free: bool | int | None
    period: Literal["day", "month", "ever"] = "month"
    label: Any = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer of an entitlement backend; a bound of None means there is none."""

    allowed: bool
    limit: int | None = None
    used: int = 0
    remaining: int | None = None
    reset_at: datetime | None = None
    reason: str = ""
    upgrade_url: str = ""

    def __bool__(self) -> bool:
        return self.allowed


class Entitlements(Protocol):
    """May this person use a feature, and how much of it is left."""

    def check(self, person: Any, feature: str) -> Decision:
        """Whether one more use would be allowed. Takes nothing."""

    def consume(self, person: Any, feature: str, n: int = 1, key: str | None = None) -> Decision:
        """Take `n`, atomically, or nothing. The same `key` again takes nothing and answers
        as the first time; a `key` can be settled or released."""

    def settle(self, key: str, actual: int) -> None:
        """Correct what `key` took to `actual`, once; it may pass the limit."""

    def release(self, key: str) -> None:
        """Give back what `key` took, once; nothing happens after a settle."""

    def snapshot(self, person: Any) -> dict[str, Decision]:
        """The decision on every declared feature."""


class Visibility(Protocol):
    """May this person see that object."""

    def may_see(self, person: Any, target: Model) -> Verdict: ...


class Audience(Protocol):
    """Narrow a list of people to those who may be told of an object."""

    def narrow(self, people_ids: Iterable[Any], target: Model) -> set[Any]: ...


class Reports(Protocol):
    """Where a report goes."""

    def report(self, target: Model, reporter: Any, reason: str) -> None: ...


class DefaultVisibility:
    """Asks the object's own door, `objects.visible_to(person)`; models without one are seen
    by staff alone."""

    def may_see(self, person: Any, target: Model) -> Verdict:
        manager = type(target)._default_manager
        visible_to = getattr(manager, "visible_to", None)
        if visible_to is None:
            seen = bool(getattr(person, "is_staff", False))
        else:
            seen = visible_to(person).filter(pk=target.pk).exists()
        return Verdict.yes() if seen else Verdict.no("not_found", "")


class DefaultAudience:
    """Those of `people_ids` that are active and may see the object."""

    def narrow(self, people_ids: Iterable[Any], target: Model) -> set[Any]:
        from . import people

        found = people.backend().active().filter(pk__in=list(people_ids))
        return {person.pk for person in found if visibility().may_see(person, target)}


class StoredReports:
    """Keeps each report as a row that staff read in the admin; repeating one changes nothing."""

    def report(self, target: Model, reporter: Any, reason: str) -> None:
        from .records import Report

        Report.objects.get_or_create(
            target_type=target._meta.label_lower,
            target_id=str(target.pk),
            reporter=reporter if getattr(reporter, "pk", None) else None,
            defaults={"reason": reason[:500]},
        )


def declared_features() -> dict[str, Feature]:
    """Every feature of the installed apps, by code."""
    found: dict[str, Feature] = {}
    for config in apps.get_app_configs():
        found.update(getattr(config, "features", {}))
    return found


def entitlements() -> Entitlements:
    return cast("Entitlements", app_settings.load("ENTITLEMENTS")())


def visibility() -> Visibility:
    return cast("Visibility", app_settings.load("VISIBILITY")())


def audience() -> Audience:
    return cast("Audience", app_settings.load("AUDIENCE")())


def report(target: Model, reporter: Any, reason: str) -> None:
    """Report `target` to whoever looks after it."""
    cast("Reports", app_settings.load("REPORTS")()).report(target, reporter, reason)


def announce_entitlements(person: Any) -> None:
    """Send `entitlements_changed` when the running transaction commits."""
    transaction.on_commit(
        lambda: entitlements_changed.send_robust(sender=type(person), person=person)
    )
