"""What must hold before this site is started, and what `check --deploy` asks of production."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import Error, Warning, register


def register_all() -> None:
    register(addresses)
    register(services, deploy=True)


def addresses(app_configs: Any, **kwargs: Any) -> list[Error]:
    """A site that answers to no name, or to every name, is misconfigured in production."""
    if settings.THREADFLOW_ENV != "production":
        return []
    found = []
    if not settings.ALLOWED_HOSTS or "*" in settings.ALLOWED_HOSTS:
        found.append(
            Error(
                "Production needs the names it answers to.",
                hint="Set ALLOWED_HOSTS=forum.example.org.",
                id="site.E001",
            )
        )
    if not settings.HEADLESS_JWT_PRIVATE_KEY:
        found.append(
            Error(
                "API clients can't sign in without a key for their tokens.",
                hint="Set JWT_PRIVATE_KEY to an RSA key in PEM: openssl genrsa 2048.",
                id="site.E002",
            )
        )
    return found


def services(app_configs: Any, **kwargs: Any) -> list[Warning]:
    """What a laptop may lack and production should not."""
    if settings.THREADFLOW_ENV != "production":
        return []
    found = []
    if settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"):
        found.append(
            Warning(
                "SQLite writes one at a time.",
                hint="Set DATABASE_URL=postgres://user:password@host:5432/name.",
                id="site.W001",
            )
        )
    if not settings.PUBLIC_BASE_URL.startswith("https://"):
        found.append(
            Warning(
                "Cookies of this site travel by HTTPS only.",
                hint="Set PUBLIC_BASE_URL=https://forum.example.org.",
                id="site.W002",
            )
        )
    if not settings.EMAIL_URL:
        found.append(
            Warning(
                "Without a mail server nobody can verify an address.",
                hint="Set EMAIL_URL=smtp://user:password@host:587/?tls=True.",
                id="site.W003",
            )
        )
    return found
