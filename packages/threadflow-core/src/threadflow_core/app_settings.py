"""Settings of the ground floor: the keys of `THREADFLOW_CORE`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from .conf import AppSettings, dotted


@dataclass(frozen=True)
class CoreSettings:
    #: Who a thing is announced to (see `ports.Audience`).
    AUDIENCE: str = dotted("threadflow_core.ports.DefaultAudience")
    #: Template that every page extends. It needs the blocks `head_extra` and `content` only.
    BASE_TEMPLATE: str = "threadflow/shell.html"
    #: Directives of the Content-Security-Policy that differ from ours (see `middleware`):
    #: `{"img-src": ["'self'", "data:", "https://media.example.org"]}`.
    CSP: dict[str, list[str]] = field(default_factory=dict)
    #: Entitlement backend (see `ports.Entitlements`): may this person use a feature.
    ENTITLEMENTS: str = dotted("threadflow_core.entitlements.DeclaredEntitlements")
    #: Where the mark in the top bar leads: a URL name or a path.
    HOME_URL: str = "/"
    #: `bundled` sends our htmx 4; `host` expects the host's base template to load one.
    HTMX: Literal["bundled", "host"] = "bundled"
    #: Hours for which an `Idempotency-Key` and the hidden key of a form are remembered.
    IDEMPOTENCY_HOURS: int = 24
    #: Alphabet of public ids. Fix it before the first migrate: changing it breaks every link.
    ID_ALPHABET: str = "mTq4bW7nXcR2kVzLd9HsJ5yGpFt8rKwB3xNvQ6hDgSjZfCMPY"
    #: Shortest length of a public id.
    ID_MIN_LENGTH: int = 6
    #: How many events a worker leases at once.
    JOBS_BATCH: int = 50
    #: How jobs run: `thread` (a thread of the site; one leader per database), `worker` (only
    #: `manage.py threadflow_worker`), `celery`, or `inline` (after commit in the caller; tests).
    JOBS_DRIVER: str = "thread"
    #: Days that dead events and the marks of effects are kept.
    JOBS_KEEP_DEAD_DAYS: int = 90
    #: Days that finished events are kept.
    JOBS_KEEP_DONE_DAYS: int = 7
    #: Groups of queues that run beside each other; within a group the first queue goes first.
    JOBS_LANES: tuple[tuple[str, ...], ...] = (("critical", "default"), ("mail", "bulk"), ("ai",))
    #: Seconds until the work of a process that died is taken over by another.
    JOBS_LEASE_SECONDS: int = 60
    #: Seconds between looks at the outbox when nothing rings; also the tick of the schedule.
    JOBS_POLL_SECONDS: float = 1.0
    #: Rates that differ from the declared ones: `{"forum.comment": "20/10m"}`; None switches a
    #: limit off, `"*"` stands for all that are not named.
    LIMITS: dict[str, str | None] = field(default_factory=dict)
    #: Redis for limits that guard no secret; empty counts all of them in the database.
    LIMITS_REDIS_URL: str = ""
    #: Where the sign-out button posts to: a URL name or a path; empty hides the button.
    LOGOUT_URL: str = ""
    #: What Markdown images become: a `link`, `inline` images, or `none` (their text alone).
    MARKUP_IMAGES: Literal["link", "inline", "none"] = "link"
    #: How many people one text may mention; further names stay plain text.
    MARKUP_MAX_MENTIONS: int = 50
    #: Token that lets a scraper on another machine read the metrics: `Authorization: Bearer …`.
    METRICS_TOKEN: str = ""
    #: Seconds that a page without any cookie may be kept by shared caches (see `middleware`).
    PAGE_MAX_AGE: int = 60
    #: Who a person is on a page: card, blocks, suggestions (see `people.People`).
    PEOPLE: str = dotted("threadflow_core.people.People")
    #: `(request) -> user | None` or `(user, expires_at)`: who asks for a socket ticket by a token.
    REALTIME_AUTHENTICATE: str = dotted("")
    #: How frames travel between processes (see `realtime.backends.base.Backend`).
    REALTIME_BACKEND: str = dotted("threadflow_core.realtime.backends.inprocess.InProcessBackend")
    #: Whether frames are sent at all; `None` means: if Channels is installed. The log of live
    #: events is written in any case.
    REALTIME_ENABLED: bool | None = None
    #: Days that the log of live events is kept; a client that was away longer starts anew.
    REALTIME_KEEP_DAYS: int = 7
    #: Origins besides the site's own that may open a socket, as in `CSRF_TRUSTED_ORIGINS`.
    REALTIME_ORIGINS: tuple[str, ...] = ()
    #: Seconds between comparisons of the position of each open topic with the database.
    REALTIME_POSITION_SECONDS: float = 5.0
    #: Seconds between checks of the rights behind an open socket.
    REALTIME_RECHECK_SECONDS: float = 60.0
    #: Prefix of the names of Redis channels; two sites on one Redis need different ones.
    REALTIME_REDIS_PREFIX: str = "threadflow"
    #: Redis that carries frames, for the Redis backend.
    REALTIME_REDIS_URL: str = "redis://127.0.0.1:6379/0"
    #: Path of the socket, as browsers see it.
    REALTIME_URL: str = "/ws/v1/"
    #: Where reports go (see `ports.Reports`).
    REPORTS: str = dotted("threadflow_core.ports.StoredReports")
    #: Language of the search index: `english` finds "votes" for "vote", `simple` takes words as
    #: they are; PostgreSQL takes any of its configurations. Rebuild the index after a change.
    SEARCH_LANGUAGE: str = "english"
    #: Where an account is made: a URL name or a path; empty hides the link.
    SIGNUP_URL: str = ""
    #: Name of the site in titles and beside the mark.
    SITE_NAME: str = "Threadflow"
    #: Address of the icon sprite, for sites whose static files live on another origin: browsers
    #: do not draw `<use>` across origins. Empty: the static file.
    SPRITE_URL: str = ""
    #: Networks of the proxies in front, whose `X-Forwarded-For` is believed.
    TRUSTED_PROXIES: tuple[str, ...] = ()
    #: Internal location of nginx through which files are sent (`X-Accel-Redirect`); empty: Django
    #: sends them itself.
    UPLOAD_ACCEL_PREFIX: str = ""
    #: Bytes that a file may have.
    UPLOAD_MAX_BYTES: int = 8 * 1024 * 1024
    #: Pixels (width times height) that an image may have before it is opened.
    UPLOAD_MAX_PIXELS: int = 40_000_000
    #: Longest side of a stored image; larger ones are scaled down.
    UPLOAD_MAX_SIDE: int = 2560
    #: Bytes that one person may keep; 0 for no bound.
    UPLOAD_QUOTA_BYTES: int = 500 * 1024 * 1024
    #: `(file, content_type) -> None` that raises `uploads.Refused`, such as a virus scanner.
    UPLOAD_SCANNER: str = dotted("")
    #: Alias in `STORAGES` of the storage that keeps uploads.
    UPLOAD_STORAGE: str = "default"
    #: May this person see that object (see `ports.Visibility`).
    VISIBILITY: str = dotted("threadflow_core.ports.DefaultVisibility")


app_settings = AppSettings("THREADFLOW_CORE", CoreSettings)
