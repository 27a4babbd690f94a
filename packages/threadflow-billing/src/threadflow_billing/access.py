"""What a person may use, where a site asks for it: requests, templates, views, sockets.

All of it goes through core's port, so it works with whichever backend the site has chosen.
Nothing is asked before it is used; then it is one query for all features of the request.

    MIDDLEWARE = [..., "threadflow_billing.access.EntitlementsMiddleware"]
    TEMPLATES … "context_processors": [..., "threadflow_billing.access.entitlements"]
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, wraps
from typing import Any, TypeVar, cast

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.functional import SimpleLazyObject

from threadflow_core import ports
from threadflow_core.page import login_url, page_for
from threadflow_core.ports import Decision

View = TypeVar("View", bound=Callable[..., Any])


class Access:
    """One person's features: `access["chat.write"]` is a Decision, true when allowed."""

    def __init__(self, person: Any) -> None:
        self.person = person

    @cached_property
    def all(self) -> dict[str, Decision]:
        return ports.entitlements().snapshot(self.person)

    def __getitem__(self, feature: str) -> Decision:
        # What nobody declares is granted, as the port says.
        return self.all.get(feature, Decision(True))

    def __contains__(self, feature: str) -> bool:
        return self[feature].allowed

    @cached_property
    def plan(self) -> Any:
        """The plan in force, for display; decisions come from features."""
        from .services.grants import plan_of

        return plan_of(self.person)

    @cached_property
    def usage(self) -> dict[str, Decision]:
        """The decisions on quotas alone."""
        specs = ports.declared_features()
        return {code: found for code, found in self.all.items() if specs[code].kind == "quota"}


def access_of(request: HttpRequest) -> Access:
    """The one `Access` of a request."""
    found: Access | None = getattr(request, "_tf_access", None)
    if found is None:
        found = Access(page_for(request).person)
        request._tf_access = found  # type: ignore[attr-defined]
    return found


class EntitlementsMiddleware:
    """Sets `request.entitlements`, which costs nothing until it is used."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.entitlements = SimpleLazyObject(lambda: access_of(request))  # type: ignore[attr-defined]
        return self.get_response(request)


def entitlements(request: HttpRequest) -> dict[str, Any]:
    """Context processor: `entitlements`, `plan` and `usage`, each lazy."""
    return {
        "entitlements": SimpleLazyObject(lambda: access_of(request)),
        "plan": SimpleLazyObject(lambda: access_of(request).plan),
        "usage": SimpleLazyObject(lambda: access_of(request).usage),
    }


def feature_required(feature: str) -> Callable[[View], View]:
    """Decorate a view: without the feature it answers 403 with a page that names what is missing."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            decision = access_of(request)[feature]
            if decision:
                return view(request, *args, **kwargs)
            return refused(request, feature, decision)

        return cast("View", guarded)

    return decorate


def refused(request: HttpRequest, feature: str, decision: Decision) -> TemplateResponse:
    """The answer to somebody who lacks a feature."""
    page = page_for(request)
    context = {
        "request": request,
        "tf": page,
        "tf_base": page.base,
        **prompt(feature, decision, login_url(page.path) if not page.signed_in else ""),
    }
    return TemplateResponse(request, "threadflow_billing/upgrade.html", context, status=403)


def prompt(feature: str, decision: Decision, second_url: str = "") -> dict[str, Any]:
    """What the upgrade prompt needs: the feature by its name, and where to get it."""
    spec = ports.declared_features().get(feature)
    return {
        "feature": feature,
        "label": (spec.label if spec else "") or feature,
        "decision": decision,
        "action_url": decision.upgrade_url,
        "second_url": second_url,
    }


async def socket_decision(scope: dict[str, Any], feature: str) -> Decision:
    """The decision for the person of a Channels scope, asked anew each time."""
    from asgiref.sync import sync_to_async

    ask = sync_to_async(ports.entitlements().check)
    return await ask(scope.get("user"), feature)
