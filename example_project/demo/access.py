"""Who may look into the demo's outbox: it shows the sign-in codes of everybody."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.http.request import split_domain_port
from django.template.loader import render_to_string

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")


def is_local(request: HttpRequest) -> bool:
    """Whether the request came from this machine to this machine, by address and by name."""
    name, _port = split_domain_port(request.get_host())
    try:
        near = ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False
    forwarded = "X-Forwarded-For" in request.headers or "Forwarded" in request.headers
    return near and name in LOOPBACK_NAMES and not forwarded


def may_read_outbox(request: HttpRequest) -> bool:
    """Everybody on a laptop; on any other address only the staff; nobody outside the demo."""
    if not settings.DEMO:
        return False
    return (settings.LOOPBACK and is_local(request)) or bool(request.user.is_staff)


def hint(context: Mapping[str, Any], obj: Any) -> str | None:
    """Where the mails of this demo arrive, beside every form that sends one."""
    request = context.get("request")
    if request is None or not may_read_outbox(request):
        return None
    return render_to_string("demo/_hint.html")
