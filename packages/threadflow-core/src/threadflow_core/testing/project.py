"""Settings of a small Django site, for the test suites of packages and of sites that use them."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit


def database(url: str, name: str = "threadflow") -> dict[str, Any]:
    """Settings of a `postgres://user:password@host:port/name` or `sqlite:///path` address."""
    parts = urlsplit(url)
    if parts.scheme.startswith("postgres"):
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": parts.path.lstrip("/") or "postgres",
            "USER": unquote(parts.username or ""),
            "PASSWORD": unquote(parts.password or ""),
            "HOST": parts.hostname or "",
            "PORT": str(parts.port or ""),
            "OPTIONS": _binding(),
        }
    # A file, since threads and worker processes must see the same rows.
    file = Path(tempfile.gettempdir()) / f"{name}-test-{os.getpid()}.sqlite3"
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": parts.path[1:] or ":memory:",
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL;",
        },
        "TEST": {"NAME": str(file)},
    }


def _binding() -> dict[str, Any]:
    """Who puts parameters into statements: Django, or with `SERVER_BINDING=1` PostgreSQL.

    Hosts choose either. PostgreSQL then has to infer the type of each parameter, and prepares what
    comes often.
    """
    if os.environ.get("SERVER_BINDING") != "1":
        return {}
    return {"server_side_binding": True, "prepare_threshold": 5}


def site(*apps: str, urls: str, name: str = "threadflow", **more: Any) -> dict[str, Any]:
    """The settings of a plain site with `apps` installed; `DATABASE_URL` chooses the database."""
    return {
        "SECRET_KEY": "only-for-tests",
        "DEBUG": False,
        "ALLOWED_HOSTS": ["testserver", "localhost", "127.0.0.1"],
        "DATABASES": {"default": database(os.environ.get("DATABASE_URL", "sqlite://"), name)},
        "DEFAULT_AUTO_FIELD": "django.db.models.BigAutoField",
        "INSTALLED_APPS": [
            "django.contrib.admin",
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "django.contrib.messages",
            "django.contrib.staticfiles",
            *apps,
        ],
        "MIDDLEWARE": [
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.common.CommonMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
        ],
        "ROOT_URLCONF": urls,
        "TEMPLATES": [
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "OPTIONS": {
                    "context_processors": [
                        "django.template.context_processors.request",
                        "django.contrib.auth.context_processors.auth",
                        "django.contrib.messages.context_processors.messages",
                    ]
                },
            }
        ],
        "STATIC_URL": "/static/",
        "MEDIA_ROOT": str(Path(tempfile.gettempdir()) / f"{name}-test-files"),
        "LOGIN_URL": "/login/",
        "USE_TZ": True,
        "PASSWORD_HASHERS": ["django.contrib.auth.hashers.MD5PasswordHasher"],
        **more,
    }
