"""`POST …/ws-ticket/`: a ticket for clients that open the socket without cookies."""

from __future__ import annotations

import datetime as dt
import time
from typing import Any

from django.http import HttpRequest, JsonResponse
from django.middleware.csrf import CsrfViewMiddleware
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from ..app_settings import app_settings
from ..exceptions import SignInRequired
from . import tickets


@method_decorator([csrf_exempt, never_cache], name="dispatch")
class TicketView(View):
    """Answers `{"ticket", "expires_in"}`; 401 to strangers.

    Whoever proves themselves by a token (`REALTIME_AUTHENTICATE`) needs no CSRF token; whoever
    comes by the session's cookie does.
    """

    http_method_names = ("post", "options")

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> JsonResponse:
        found = self.authenticate(request)
        if found is None:
            return _refusal(401, SignInRequired.code, str(SignInRequired.message))
        person, expires_at = found
        if not person.is_active:
            return _refusal(403, "suspended", _("This account is closed."))
        ticket = tickets.issue(person, expires_at=expires_at)
        return JsonResponse({"ticket": ticket, "expires_in": tickets.GOOD_FOR})

    def authenticate(self, request: HttpRequest) -> tuple[Any, float] | None:
        """The person and until when (Unix time) they are known, or None."""
        latest = time.time() + tickets.SOCKET_LIFE
        if app_settings.REALTIME_AUTHENTICATE:
            answer = app_settings.load("REALTIME_AUTHENTICATE")(request)
            person, expires_at = answer if isinstance(answer, tuple) else (answer, None)
            if isinstance(expires_at, dt.datetime):
                expires_at = expires_at.timestamp()
            if person is not None:
                return person, min(latest, expires_at or latest)
        user = getattr(request, "user", None)
        if user is None or not user.is_authenticated or _lacks_csrf_token(request):
            return None
        return user, latest


def _lacks_csrf_token(request: HttpRequest) -> bool:
    check = CsrfViewMiddleware(lambda request: JsonResponse({}))
    check.process_request(request)
    return check.process_view(request, lambda request: JsonResponse({}), (), {}) is not None


def _refusal(status: int, code: str, detail: str) -> JsonResponse:
    return JsonResponse({"code": code, "detail": detail}, status=status)
