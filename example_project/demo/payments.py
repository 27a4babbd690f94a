"""The demo's stand-in for Stripe: the real client talks to it over HTTP on this machine."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.core.management import call_command

from threadflow_site.addresses import in_url

TOOLS = Path(__file__).resolve().parent.parent.parent / "tools"
STATE = "local-stripe.sqlite3"


def address() -> str:
    """What the demo prints about payments."""
    if not settings.LOCAL_STRIPE:
        return "your own account (STRIPE_SECRET_KEY)"
    return f"{settings.LOCAL_STRIPE_URL}/_local/   simulated; card 4242 4242 4242 4242, and a clock"


@contextlib.contextmanager
def running() -> Iterator[None]:
    """The local Stripe for as long as the demo serves; nothing with a key of one's own."""
    if not settings.LOCAL_STRIPE:
        yield
        return
    sys.path.insert(0, str(TOOLS))
    from localstripe import LocalStripe

    host = "127.0.0.1" if settings.LOOPBACK or settings.HOST in ("0.0.0.0", "::") else settings.HOST  # noqa: S104
    local = LocalStripe(
        state=str(settings.VAR / STATE),
        webhook_url=f"http://{in_url(host)}:{settings.PORT}/webhooks/stripe/",
        webhook_secret=settings.THREADFLOW_BILLING["WEBHOOK_SECRETS"][0],
        port=settings.LOCAL_STRIPE_PORT,
    ).start()
    try:
        call_command("billing_push_plans", verbosity=0)
        yield
    finally:
        local.stop()
