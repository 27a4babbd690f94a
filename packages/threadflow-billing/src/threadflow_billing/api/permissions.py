"""For a site's own API views: a feature as a permission, a quota as a throttle.

    permission_classes = [HasFeature("chat.write")]
    throttle_classes = [Quota("ai.replies")]

Refusals carry `code`, `limit`, `used`, `reset_at` and `upgrade_url`.
"""

from __future__ import annotations

import math
from typing import Any

from django.utils.translation import gettext as _
from rest_framework.exceptions import APIException
from rest_framework.permissions import BasePermission
from rest_framework.throttling import BaseThrottle

from threadflow_core import ports
from threadflow_core.ports import Decision

from .. import clock
from ..access import Access


class FeatureRefused(APIException):
    """403 or 429 with what the client needs to tell its person."""

    def __init__(self, feature: str, decision: Decision, status: int) -> None:
        self.status_code = status
        spec = ports.declared_features().get(feature)
        self.decision = decision
        name = (spec.label if spec else "") or feature
        text = _("“%(feature)s” is not in your plan.") % {"feature": name}
        if decision.reason == "quota_used_up":
            text = _("“%(feature)s” is used up.") % {"feature": name}
        super().__init__({"code": decision.reason or "not_included", "detail": text,
                          **details(feature, decision)})  # fmt: skip
        if status == 429 and decision.reset_at is not None:
            self.wait = max(1, math.ceil((decision.reset_at - clock.now()).total_seconds()))


def details(feature: str, decision: Decision) -> dict[str, Any]:
    return {
        "feature": feature,
        "limit": decision.limit,
        "used": decision.used,
        "reset_at": decision.reset_at.isoformat() if decision.reset_at else None,
        "upgrade_url": decision.upgrade_url,
    }


def HasFeature(feature: str) -> type[BasePermission]:
    """A permission class: 403 unless the person has the feature."""

    class Permission(BasePermission):
        def has_permission(self, request: Any, view: Any) -> bool:
            decision = Access(request.user)[feature]
            if not decision:
                raise FeatureRefused(feature, decision, 403)
            return True

    Permission.__name__ = f"HasFeature({feature})"
    return Permission


def Quota(feature: str, n: int = 1) -> type[BaseThrottle]:
    """A throttle class: takes `n` of a quota for each unsafe request; 429 when it is used up."""

    class Throttle(BaseThrottle):
        def allow_request(self, request: Any, view: Any) -> bool:
            if request.method in ("GET", "HEAD", "OPTIONS"):
                return True
            decision = ports.entitlements().consume(request.user, feature, n)
            if not decision:
                raise FeatureRefused(feature, decision, 429 if decision.limit else 403)
            return True

    Throttle.__name__ = f"Quota({feature})"
    return Throttle
