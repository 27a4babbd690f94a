"""The whole Threadflow site, configured by environment alone (see `.env.example`).

Without any variable it is the demo: SQLite, one process, mails in a web page. With
`DATABASE_URL`, `REDIS_URL` and `THREADFLOW_ENV=production` it is the real thing.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

from . import demo_keys
from .addresses import in_url, names_of, weak

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
env.read_env(BASE_DIR / ".env")

THREADFLOW_ENV: str = env("THREADFLOW_ENV", default="demo")
if THREADFLOW_ENV not in ("demo", "development", "production"):
    raise ImproperlyConfigured("THREADFLOW_ENV must be demo, development or production.")
PRODUCTION = THREADFLOW_ENV == "production"
DEMO = THREADFLOW_ENV == "demo"
VAR = Path(env("THREADFLOW_VAR", default=str(BASE_DIR.parent / "var")))
VAR.mkdir(parents=True, exist_ok=True)

DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY: str = env("SECRET_KEY", default="") or ("" if PRODUCTION else demo_keys.secret(VAR))
if PRODUCTION and DEBUG:
    raise ImproperlyConfigured("Production needs DEBUG off.")
if PRODUCTION and weak(SECRET_KEY):
    raise ImproperlyConfigured(
        "Production needs a SECRET_KEY of 50 random characters or more. Make one with: python -c "
        "'import secrets; print(secrets.token_urlsafe(50))'"
    )
# Where `manage.py demo` listens. Any other server is told so by its own options.
HOST: str = (env("HOST", default="") if DEMO else "") or "127.0.0.1"
PORT = env.int("PORT", default=8000)
LOOPBACK = HOST in ("127.0.0.1", "localhost", "::1")
PUBLIC_BASE_URL: str = env("PUBLIC_BASE_URL", default=f"http://{in_url(HOST)}:{PORT}")
ALLOWED_HOSTS: list[str] = env.list("ALLOWED_HOSTS", default=[] if PRODUCTION else names_of(HOST))
CSRF_TRUSTED_ORIGINS = [PUBLIC_BASE_URL]

# Applications

INSTALLED_APPS = [
    "threadflow_site.apps.SiteConfig",
    "accounts",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.sitemaps",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "allauth.headless",
    "channels",
    "django_htmx",
    "drf_spectacular",
    "rest_framework",
    "threadflow_core",
    "threadflow_forum",
    "threadflow_chat",
    "threadflow_billing",
    "threadflow_ai",
    "threadflow_notify",
    "demo",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "threadflow_site.static_files.StaticFiles",
    "threadflow_core.logging.RequestIDMiddleware",
    "threadflow_core.middleware.ContentSecurityPolicy",
    "threadflow_core.middleware.AnonymousPages",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
    "threadflow_billing.access.EntitlementsMiddleware",
]

ROOT_URLCONF = "threadflow_site.urls"
WSGI_APPLICATION = "threadflow_site.wsgi.application"
ASGI_APPLICATION = "threadflow_site.asgi.application"
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "threadflow_billing.access.entitlements",
            ]
        },
    }
]

# Database, caches, queues

DATABASE_URL: str = env("DATABASE_URL", default="") or f"sqlite:///{VAR / 'demo.sqlite3'}"
DATABASES = {"default": env.db_url_config(DATABASE_URL)}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL;PRAGMA cache_size=-20000;",
    }
else:
    DATABASES["default"]["OPTIONS"] = {
        "pool": {"min_size": 1, "max_size": env.int("DATABASE_POOL", default=8), "timeout": 3},
        "options": "-c statement_timeout=15000 -c idle_in_transaction_session_timeout=30000",
    }
    # PostgreSQL plans a statement once per connection, and not whenever it comes.
    if DATABASE_PREPARE := env.int("DATABASE_PREPARE", default=5):
        DATABASES["default"]["OPTIONS"] |= {
            "server_side_binding": True,
            "prepare_threshold": DATABASE_PREPARE,
        }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL: str = env("REDIS_URL", default="")
REDIS_CACHE_URL: str = env("REDIS_CACHE_URL", default=REDIS_URL)
REDIS_BROKER_URL: str = env("REDIS_BROKER_URL", default=REDIS_URL)
REDIS_REALTIME_URL: str = env("REDIS_REALTIME_URL", default=REDIS_URL)

CACHES: dict[str, dict[str, Any]] = {
    # allauth's limits live here, so sign-in outlives Redis.
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "threadflow_cache",
    },
    "pages": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "pages"},
}
if REDIS_CACHE_URL:
    CACHES["pages"] = {
        "BACKEND": "threadflow_core.caching.BreakerRedisCache",
        "LOCATION": REDIS_CACHE_URL,
        "KEY_PREFIX": "pages",
        "OPTIONS": {"socket_timeout": 0.3, "socket_connect_timeout": 0.3},
    }
SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"
SESSION_CACHE_ALIAS = "pages"
SESSION_COOKIE_AGE = 60 * 60 * 24 * 30

CELERY_BROKER_URL = REDIS_BROKER_URL

# Threadflow

THREADFLOW_CORE: dict[str, Any] = {
    "JOBS_DRIVER": env("JOBS_DRIVER", default="celery" if REDIS_BROKER_URL else "thread"),
    "PEOPLE": "accounts.people.SitePeople",
    "SITE_NAME": env("SITE_NAME", default="Threadflow"),
    "HOME_URL": "threadflow_forum:home",
    "SIGNUP_URL": "account_signup",
    "LOGOUT_URL": "account_logout",
    "LIMITS_REDIS_URL": REDIS_CACHE_URL,
    "TRUSTED_PROXIES": tuple(env.list("TRUSTED_PROXIES", default=[])),
    "REALTIME_AUTHENTICATE": "accounts.tokens.authenticate",
}
if REDIS_REALTIME_URL:
    THREADFLOW_CORE |= {
        "REALTIME_BACKEND": "threadflow_core.realtime.backends.redis.RedisBackend",
        "REALTIME_REDIS_URL": REDIS_REALTIME_URL,
    }
THREADFLOW_FORUM: dict[str, Any] = {
    "ADAPTER": "accounts.adapter.ForumAdapter",
    "CACHE_ALIAS": "pages",
}
# Live chat is what Premium opens.
THREADFLOW_CHAT: dict[str, Any] = {
    "ADAPTER": "accounts.adapter.ChatAdapter",
    "CACHE_ALIAS": "pages",
    "FREE_FEATURES": (),
}

# Payment: Stripe, or in the demo a server on this machine that speaks its HTTP.

STRIPE_SECRET_KEY: str = env("STRIPE_SECRET_KEY", default="")
LOCAL_STRIPE = DEMO and not STRIPE_SECRET_KEY
LOCAL_STRIPE_PORT = env.int("LOCAL_STRIPE_PORT", default=PORT + 1)
LOCAL_STRIPE_URL = f"http://127.0.0.1:{LOCAL_STRIPE_PORT}"
THREADFLOW_BILLING: dict[str, Any] = {
    "BASE_URL": PUBLIC_BASE_URL,
    "SECRET_KEY": STRIPE_SECRET_KEY,
    "WEBHOOK_SECRETS": tuple(env.list("STRIPE_WEBHOOK_SECRETS", default=[])),
    "CURRENCY": "eur",
    "PLANS": (
        {
            "code": "reader",
            "name": "Reader",
            "tagline": "The whole forum, without advertising and without a clock.",
            "default": True,
        },
        {
            "code": "premium",
            "name": "Premium",
            "tagline": "For people who like to talk while the bread is still rising.",
            "tier": 1,
            "prices": {"month": 480, "year": 4_800},
            "gifts": {3: 1_440, 12: 4_800},
            "features": {"chat.live": True, "chat.write": True},
        },
    ),
}
if LOCAL_STRIPE:
    THREADFLOW_BILLING |= {
        "API_BASE": LOCAL_STRIPE_URL,
        "SECRET_KEY": "sk_test_demo",
        "WEBHOOK_SECRETS": ("whsec_demo",),
        # Its clock can be moved, and Premium here goes by the same.
        "CLOCK": "demo.clock.now",
    }
THREADFLOW_CORE |= {
    "ENTITLEMENTS": "threadflow_billing.entitlements.Backend",
    # A form that leads to the payment page is followed there.
    "CSP": {
        "form-action": [
            "'self'",
            *([LOCAL_STRIPE_URL] if LOCAL_STRIPE else []),
            "https://checkout.stripe.com",
            "https://billing.stripe.com",
        ]
    },
}

# Sign-in: allauth does all of it.

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
# The phone joins these two with SMS: {"username", "email", "phone"} and "phone".
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email*", "password1"]
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True
ACCOUNT_EMAIL_VERIFICATION_SUPPORTS_RESEND = True
ACCOUNT_EMAIL_VERIFICATION_SUPPORTS_CHANGE = True
ACCOUNT_PASSWORD_RESET_BY_CODE_ENABLED = True
ACCOUNT_LOGIN_ON_PASSWORD_RESET = True
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_MAX_EMAIL_ADDRESSES = 5
ACCOUNT_FORMS = {
    "add_email": "accounts.forms.AddEmailForm",
    "change_email": "accounts.forms.ChangeEmailForm",
    "change_password": "accounts.forms.ChangePasswordForm",
    "confirm_email_verification_code": "accounts.forms.ConfirmEmailVerificationCodeForm",
    "confirm_login_code": "accounts.forms.ConfirmLoginCodeForm",
    "confirm_password_reset_code": "accounts.forms.ConfirmPasswordResetCodeForm",
    "login": "accounts.forms.LoginForm",
    "reauthenticate": "accounts.forms.ReauthenticateForm",
    "request_login_code": "accounts.forms.RequestLoginCodeForm",
    "reset_password": "accounts.forms.ResetPasswordForm",
    "reset_password_from_key": "accounts.forms.ResetPasswordKeyForm",
    "set_password": "accounts.forms.SetPasswordForm",
    "signup": "accounts.forms.SignupForm",
}
ACCOUNT_LOGIN_BY_CODE_ENABLED = True
ACCOUNT_LOGIN_BY_CODE_SUPPORTS_RESEND = True
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_USERNAME_MIN_LENGTH = 2
ACCOUNT_USERNAME_VALIDATORS = "accounts.names.validators"
ALLAUTH_USER_CODE_FORMAT = {"numeric": True, "length": 6, "dashed": False}
ALLAUTH_TRUSTED_PROXY_COUNT = env.int("TRUSTED_PROXY_COUNT", default=0)
HEADLESS_CLIENTS = ("app", "browser")
HEADLESS_TOKEN_STRATEGY = "allauth.headless.tokens.strategies.jwt.JWTTokenStrategy"
HEADLESS_JWT_PRIVATE_KEY: str = env.str("JWT_PRIVATE_KEY", default="", multiline=True) or (
    "" if PRODUCTION else demo_keys.jwt(VAR)
)
# A token ends with its session: at sign-out, and when the account is closed.
HEADLESS_JWT_STATEFUL_VALIDATION_ENABLED = True
MFA_FORMS = {
    "activate_totp": "accounts.forms.ActivateTOTPForm",
    "authenticate": "accounts.forms.MFAAuthenticateForm",
    "reauthenticate": "accounts.forms.MFAReauthenticateForm",
}
MFA_TOTP_ISSUER = THREADFLOW_CORE["SITE_NAME"]
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes", "webauthn"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not PRODUCTION
USERSESSIONS_TRACK_ACTIVITY = False

# Mail: into the demo's outbox page, or wherever EMAIL_URL says.

EMAIL_URL: str = env("EMAIL_URL", default="")
if EMAIL_URL:
    vars().update(env.email_url("EMAIL_URL"))
else:
    EMAIL_BACKEND = {
        "demo": "demo.mail.OutboxBackend",
        "development": "django.core.mail.backends.console.EmailBackend",
        "production": "django.core.mail.backends.smtp.EmailBackend",
    }[THREADFLOW_ENV]
DEFAULT_FROM_EMAIL: str = env("DEFAULT_FROM_EMAIL", default="Threadflow <hello@threadflow.example>")

# API

REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "allauth.headless.contrib.rest_framework.authentication.JWTTokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.AllowAny"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "threadflow_core.api.exceptions.exception_handler",
}
SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "Threadflow",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "threadflow_core.api.schema.document_errors",
    ],
    "ENUM_NAME_OVERRIDES": {
        "SubVisibility": "threadflow_forum.abstract_models.subs.Visibility",
        "RoomVisibility": "threadflow_chat.abstract_models.rooms.RoomVisibility",
        "RoomState": "threadflow_chat.abstract_models.rooms.RoomState",
        "CommandState": "threadflow_billing.models.Command.State",
        "VoteValue": [(1, "up"), (0, "none"), (-1, "down")],
    },
}

# Files, language, security

STATIC_URL = "/static/"
STATIC_ROOT = VAR / "static"
STATIC_ROOT.mkdir(exist_ok=True)
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if PRODUCTION
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = not PRODUCTION
# Who works on the site sees a changed stylesheet at once.
WHITENOISE_AUTOREFRESH = not PRODUCTION
MEDIA_ROOT = VAR / "media"
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
TIME_ZONE = "UTC"
USE_TZ = True

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_HTTPONLY = True
if PRODUCTION:
    SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=True)
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = 31_536_000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {"()": "threadflow_core.logging.JSONFormatter"},
        "plain": {"format": "%(levelname)s %(name)s: %(message)s"},
    },
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": "json" if PRODUCTION else "plain",
        }
    },
    "root": {"handlers": ["console"], "level": env("LOG_LEVEL", default="WARNING")},
}
METRICS_TOKEN: str = env("METRICS_TOKEN", default="")
