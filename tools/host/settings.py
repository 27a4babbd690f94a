"""A plain Django site of somebody else. No middleware and no context processor of Threadflow."""

import os
from pathlib import Path
from urllib.parse import urlsplit

BASE = Path(__file__).parent
SECRET_KEY = "host"
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = [
    "club",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "threadflow_core",
    "threadflow_forum",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
ROOT_URLCONF = "urls"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE / "site_templates"],
        "APP_DIRS": True,
        "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
    }
]
parts = urlsplit(os.environ.get("HOST_DATABASE", "sqlite://"))
if parts.scheme.startswith("postgres"):
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": "threadflow_host",
            "USER": parts.username or "",
            "PASSWORD": parts.password or "",
            "HOST": parts.hostname or "",
            "PORT": str(parts.port or ""),
        }
    }
else:
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": BASE / "host.sqlite3",
            "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 20},
        }
    }
AUTH_USER_MODEL = "club.Member"
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
STATIC_URL = "/static/"
LOGIN_URL = "/signin/"
USE_TZ = True
THREADFLOW_CORE = {"BASE_TEMPLATE": "club_base.html", "JOBS_DRIVER": "inline"}
THREADFLOW_FORUM = {"ADAPTER": "club.adapter.Adapter"}
THREADFLOW_FORUM_THREAD_MODEL = "club.Topic"
