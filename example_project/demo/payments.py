"""The demo's stand-in for Stripe: the real client talks to it over HTTP on this machine."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.db import close_old_connections

from threadflow_site.addresses import in_url

TOOLS = Path(__file__).resolve().parent.parent.parent / "tools"
STATE = "local-stripe.sqlite3"
CLOCK = "clock"
#: Seconds that the clock waits for the site's jobs at one stop.
PATIENCE = 20.0


def address() -> str:
    """What the demo prints about payments."""
    if not settings.LOCAL_STRIPE:
        return "your own account (STRIPE_SECRET_KEY)"
    return f"{settings.LOCAL_STRIPE_URL}/_local/   simulated; card 4242 4242 4242 4242, and a clock"


class Site:
    """The site as the companion of the local Stripe's clock: what is due by then happens here."""

    def moved(self, offset: int) -> None:
        from . import clock

        clock.move(offset)

    def settled(self) -> None:
        """Let what Stripe said be done, then what time brings: ends, and mails about them."""
        from threadflow_billing import clock
        from threadflow_billing.services import grants, remind

        try:
            self._finish_jobs()
            grants.lapse(clock.now())
            if remind.run(clock.now()):
                self._finish_jobs()
        finally:
            close_old_connections()

    def _finish_jobs(self) -> None:
        """Wait until the site's worker, wherever it runs, has done what is due of billing."""
        from threadflow_core.jobs.clock import database_clock
        from threadflow_core.jobs.models import OutboxEvent

        mine = OutboxEvent.objects.filter(handler__startswith="billing.")
        states, pause = OutboxEvent.State, threading.Event()
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until and (
            mine.filter(state=states.LEASED).exists()
            or mine.filter(state=states.PENDING, run_after__lte=database_clock()()).exists()
        ):
            pause.wait(0.02)


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
        companion=Site(),
    ).start()
    try:
        call_command("billing_push_plans", verbosity=0)
        yield
    finally:
        local.stop()
