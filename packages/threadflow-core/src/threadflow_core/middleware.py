"""Optional middleware for sites: public pages without cookies, and the Content-Security-Policy."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.contrib.messages.storage.cookie import CookieStorage
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_cache_control, patch_vary_headers

from .app_settings import app_settings
from .csp import POLICY
from .page import APPEARANCE

Handler = Callable[[HttpRequest], HttpResponse]


class AnonymousPages:
    """Lets a page without any cookie be shared, and marks every other HTML page as private.

    It stands in front of SessionMiddleware and so has the last word on the answer. A GET that
    carries no cookie which changes a page is known to be nobody's: `request.tf_public` is True,
    and since there is no session id, neither the session nor the person costs a query. Its
    answer is `public` for `PAGE_MAX_AGE` seconds, unless something set a cookie on the way
    (a form with a CSRF token does), varied it or chose a caching of its own.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response
        self.cookies = frozenset(
            (
                settings.SESSION_COOKIE_NAME,
                settings.CSRF_COOKIE_NAME,
                settings.LANGUAGE_COOKIE_NAME,
                CookieStorage.cookie_name,
                *(cookie for cookie, _values in APPEARANCE.values()),
            )
        )

    def __call__(self, request: HttpRequest) -> HttpResponse:
        public = (
            request.method in ("GET", "HEAD")
            and self.cookies.isdisjoint(request.COOKIES)
            and "Authorization" not in request.headers
        )
        request.tf_public = public  # type: ignore[attr-defined]
        if public:
            request.user = AnonymousUser()
        response = self.get_response(request)
        if not response.get("Content-Type", "").startswith("text/html"):
            return response
        patch_vary_headers(response, ["Cookie"])
        if public and response.status_code == 200 and not response.cookies:
            if not response.has_header("Cache-Control"):
                patch_cache_control(response, public=True, max_age=app_settings.PAGE_MAX_AGE)
        elif "no-store" not in response.get("Cache-Control", ""):
            del response["Cache-Control"]
            patch_cache_control(response, private=True, no_store=True)
        return response


class ContentSecurityPolicy:
    """Our policy on every HTML answer, for Django 5.2; from 6.0 on prefer `SECURE_CSP`.

    `THREADFLOW_CORE["CSP"]` replaces directives by name; an empty list drops one. A view that
    sets the header itself keeps it. For `SECURE_CSP` take `threadflow_core.csp.POLICY`.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if settings.DEBUG and response.status_code in (404, 500):
            return response  # Django's own debug pages are inline through and through
        if response.get("Content-Type", "").startswith("text/html"):
            response.headers.setdefault("Content-Security-Policy", header())
        return response


def policy() -> dict[str, list[str]]:
    """The directives in force: ours with the site's changes."""
    merged = {**POLICY, **app_settings.CSP}
    return {name: list(sources) for name, sources in merged.items() if sources}


def header() -> str:
    return "; ".join(f"{name} {' '.join(sources)}" for name, sources in policy().items())
