"""What a site sells: reading and writing, each asked of core's entitlement port by its feature."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from threadflow_core import ports
from threadflow_core.policies import Verdict

from .app_settings import app_settings


@dataclass(frozen=True, slots=True)
class Refusal(Verdict):
    """A no that says more: the missing feature and where it is sold, or the end of a ban."""

    feature: str = ""
    upgrade_url: str = ""
    until: datetime | None = None


def reading(person: Any, kind: str) -> Verdict:
    """May `person` read rooms of `kind`, as far as their membership goes?"""
    return _gate(person, kind, app_settings.READ_FEATURE)


def writing(person: Any, kind: str) -> Verdict:
    """The same for writing; whoever may not read may not write either."""
    return reading(person, kind) and writing_besides(person, kind)


def writing_besides(person: Any, kind: str) -> Verdict:
    """What writing asks of who has what reading asks."""
    same = app_settings.WRITE_FEATURE == app_settings.READ_FEATURE
    return Verdict.yes() if same else _gate(person, kind, app_settings.WRITE_FEATURE)


def closed_kinds(person: Any, kinds: Iterable[str]) -> tuple[str, ...]:
    """Those of `kinds` of rooms that `person` may not read, unless they moderate there."""
    feature = app_settings.READ_FEATURE
    gated = tuple(kind for kind in kinds if kind in app_settings.GATED_KINDS)
    if not gated or not feature or ports.entitlements().check(person, feature):
        return ()
    return gated


def _gate(person: Any, kind: str, feature: str) -> Verdict:
    """A yes when the person has the feature, or none is asked for; else a refusal that names it."""
    if not feature or kind not in app_settings.GATED_KINDS:
        return Verdict.yes()
    decision = ports.entitlements().check(person, feature)
    return Verdict.yes() if decision.allowed else _refusal(feature, decision.upgrade_url)


def _refusal(feature: str, upgrade_url: str) -> Refusal:
    spec = ports.declared_features().get(feature)
    label = str(spec.label) if spec is not None and spec.label else feature
    text = _("“%(feature)s” is part of a membership.") % {"feature": label}
    return Refusal(False, "premium_required", text, feature, upgrade_url)
