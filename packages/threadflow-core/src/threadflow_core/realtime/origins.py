"""Whether a page of another site opens the socket. Browsers send cookies along; we look first."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http.request import validate_host
from django.utils.http import is_same_domain

from ..app_settings import app_settings

LOCAL = ["localhost", "127.0.0.1", "[::1]", ".localhost"]


def headers_of(scope: dict[str, Any]) -> dict[str, str]:
    pairs = scope["headers"]
    return {name.decode("latin-1").lower(): text.decode("latin-1") for name, text in pairs}


def is_allowed(origin: str, scope: dict[str, Any]) -> bool:
    """True for the site's own origin and for those in the settings.

    `origin` is the header's value; without that header the client is no browser, and its
    cookies must be ignored.
    """
    parts = urlsplit(origin)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        return False
    return _is_own(parts.netloc.lower(), headers_of(scope)) or _is_trusted(origin.lower())


def _is_own(netloc: str, headers: dict[str, str]) -> bool:
    host = headers.get("host", "")
    if settings.USE_X_FORWARDED_HOST:
        host = headers.get("x-forwarded-host", host)
    if netloc != host.lower():
        return False
    allowed = settings.ALLOWED_HOSTS or (LOCAL if settings.DEBUG else [])
    domain = urlsplit(f"//{netloc}").hostname or ""
    return validate_host(f"[{domain}]" if ":" in domain else domain, allowed)


def _is_trusted(origin: str) -> bool:
    for pattern in (*app_settings.REALTIME_ORIGINS, *settings.CSRF_TRUSTED_ORIGINS):
        scheme, _sep, domain = pattern.lower().partition("://")
        given_scheme, _sep, given = origin.partition("://")
        if scheme == given_scheme and is_same_domain(given, domain.replace("*.", ".", 1)):
            return True
    return False
