"""Is this process alive, is it ready for its role, how is the outbox: each answered in bounded time."""

from __future__ import annotations

import hmac
import ipaddress
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from django.core.cache import caches
from django.db import connection, connections
from django.db.models import Count
from django.db.models.functions import Now
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from . import limits
from .app_settings import app_settings

#: Seconds that one check may take; past it the check has failed.
PATIENCE = 1.0
#: Age of the oldest waiting job from which on the outbox counts as late.
LATE = timedelta(minutes=5)

Need = Literal["required", "degraded"]


@dataclass(frozen=True, slots=True)
class Check:
    """One question, asked for the roles in `roles`. A failed `required` one means not ready, a
    failed `degraded` one means ready with less."""

    name: str
    ask: Callable[[], object]
    roles: dict[str, Need]


@dataclass(frozen=True, slots=True)
class Result:
    ok: bool
    ms: float
    error: str = ""


_checks: dict[str, Check] = {}
_running: set[str] = set()
_lock = threading.Lock()


def register(name: str, ask: Callable[[], object], **roles: Need) -> None:
    """Add a check: `ask` raises when something is wrong; `web="required", ws="degraded"`."""
    _checks[name] = Check(name, ask, roles)


def readiness(role: str) -> tuple[bool, dict[str, Result]]:
    """Whether a process of `role` may get work, and the result of each check by name."""
    asked = [check for check in _checks.values() if role in check.roles]
    waiting = [(check, _start(check)) for check in asked]
    deadline = time.monotonic() + PATIENCE
    results = {check.name: wait(deadline) for check, wait in waiting}
    ready = all(results[c.name].ok for c in asked if c.roles[role] == "required")
    return ready, results


@never_cache
@require_safe
def live(request: HttpRequest) -> HttpResponse:
    """The process answers. Asks nothing of anybody else."""
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def ready(request: HttpRequest) -> HttpResponse:
    """200 when ready for `?role=web|ws|worker`, listing what is degraded; 503 when not."""
    role = request.GET.get("role", "web")
    if not any(role in check.roles for check in _checks.values()):
        raise Http404
    good, results = readiness(role)
    failed = sorted(name for name, result in results.items() if not result.ok)
    body = {
        "status": ("degraded" if failed else "ok") if good else "down",
        "role": role,
        "degraded": failed,
        "checks": {name: {"ok": r.ok, "ms": r.ms} for name, r in results.items()},
    }
    return JsonResponse(body, status=200 if good else 503)


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Numbers of the outbox as Prometheus text, for this machine or the holder of the token."""
    if not _may_read_metrics(request):
        raise Http404
    text = "".join(f"{line}\n" for line in _metrics())
    return HttpResponse(text, content_type="text/plain; version=0.0.4; charset=utf-8")


urlpatterns = [
    path("health/", live, name="health"),
    path("health/live", live, name="health-live"),
    path("health/ready", ready, name="health-ready"),
    path("metrics", metrics, name="metrics"),
]


def check_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        cursor.fetchone()


def check_cache() -> None:
    caches["default"].get("threadflow:health")


def check_limits() -> None:
    if app_settings.LIMITS_REDIS_URL:
        import redis

        url = app_settings.LIMITS_REDIS_URL
        redis.Redis.from_url(url, socket_timeout=0.5, socket_connect_timeout=0.5, retry=None).ping()


def check_jobs() -> None:
    from .models import OutboxEvent

    late = OutboxEvent.objects.filter(state="pending", run_after__lt=Now() - LATE)
    if late.exists():
        raise RuntimeError("Jobs wait for longer than five minutes; is a worker running?")


def register_builtin() -> None:
    register("database", check_database, web="required", ws="required", worker="required")
    register("cache", check_cache, web="degraded", ws="degraded", worker="degraded")
    register("limits", check_limits, web="degraded", ws="degraded")
    register("jobs", check_jobs, web="degraded", ws="degraded", worker="degraded")


def _start(check: Check) -> Callable[[float], Result]:
    """Ask in a thread of its own; the returned function waits for the answer until a deadline.

    A check that still hangs from last time is not asked again: probes must not pile up.
    """
    with _lock:
        if check.name in _running:
            return lambda deadline: Result(False, PATIENCE * 1000, "still running")
        _running.add(check.name)
    began = time.monotonic()
    found: list[Result] = []

    def run() -> None:
        error = ""
        try:
            check.ask()
        except Exception as problem:
            error = f"{type(problem).__name__}: {problem}"
        finally:
            connections.close_all()
            with _lock:
                _running.discard(check.name)
        found.append(Result(not error, round((time.monotonic() - began) * 1000, 1), error))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()

    def wait(deadline: float) -> Result:
        thread.join(max(0.0, deadline - time.monotonic()))
        return found[0] if found else Result(False, PATIENCE * 1000, "no answer in time")

    return wait


def _may_read_metrics(request: HttpRequest) -> bool:
    token = app_settings.METRICS_TOKEN
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if token and hmac.compare_digest(given.encode(), token.encode()):
        return True
    # A proxy on this machine speaks from loopback for the whole world, and says so here.
    if "X-Forwarded-For" in request.headers and not app_settings.TRUSTED_PROXIES:
        return False
    return ipaddress.ip_address(limits.client_ip(request)).is_loopback


def _metrics() -> Iterator[str]:
    from .models import OutboxEvent

    rows = OutboxEvent.objects.exclude(state="done").values("queue", "state")
    counts = list(rows.annotate(n=Count("id")).order_by("queue", "state"))
    yield "# HELP threadflow_outbox_events Jobs that are not done, by queue and state."
    yield "# TYPE threadflow_outbox_events gauge"
    for row in counts:
        labels = f'queue="{row["queue"]}",state="{row["state"]}"'
        yield f"threadflow_outbox_events{{{labels}}} {row['n']}"
    due = OutboxEvent.objects.filter(state="pending", run_after__lte=Now()).order_by("run_after")
    oldest = due.annotate(now=Now()).values_list("run_after", "now").first()
    age = (oldest[1] - oldest[0]).total_seconds() if oldest else 0.0
    yield "# HELP threadflow_outbox_oldest_seconds How long the job that is due longest has waited."
    yield "# TYPE threadflow_outbox_oldest_seconds gauge"
    yield f"threadflow_outbox_oldest_seconds {max(0.0, age):.3f}"
