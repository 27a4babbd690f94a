"""Work that follows: looking at what Stripe says, sending commands, reminding, watching.

Money goes on the queue `critical`. Every handler that talks to Stripe runs outside of a
transaction and may run twice.
"""

from __future__ import annotations

import datetime as dt

from threadflow_core import jobs

from . import clock
from .app_settings import app_settings
from .exceptions import GatewayAway, PaymentsOff
from .models import ObjectSync
from .services import commands, grants, remind, sync, watch, webhooks

#: Tries of what asks Stripe: with the backoff of the outbox these are days.
TRIES = 20


@jobs.handler(
    "billing.object_heard", name="billing.sync", queue="critical", max_attempts=TRIES, atomic=False
)
def sync_object(event: jobs.JobEvent) -> None:
    """Fetch and apply the object that was heard of."""
    _synced(event.payload["key"])


@jobs.handler("billing.look_at", name="billing.look_at", queue="critical", max_attempts=TRIES)
def look_at(event: jobs.JobEvent) -> None:
    """Note that an object is to be looked at: in a transaction of its own, holding no other row."""
    sync.mark(event.payload["key"])


def _synced(key: str) -> None:
    try:
        sync.run(key)
    except (GatewayAway, PaymentsOff) as error:
        text = str(getattr(error, "text", "") or error)[:300]
        ObjectSync.objects.filter(pk=key).update(error=text)
        raise jobs.Retry(getattr(error, "after", None), text) from error
    except jobs.Retry as error:
        ObjectSync.objects.filter(pk=key).update(error=str(error)[:300])
        raise
    except Exception as error:
        ObjectSync.objects.filter(pk=key).update(error=f"{type(error).__name__}: {error}"[:300])
        raise


@jobs.handler(
    "billing.command", name="billing.command", queue="critical", max_attempts=TRIES, atomic=False
)
def send_command(event: jobs.JobEvent) -> None:
    """Send a command to Stripe; without an answer, again, with the same key."""
    try:
        commands.run(event.payload["command_id"])
    except (GatewayAway, PaymentsOff) as error:
        raise jobs.Retry(getattr(error, "after", None), str(error)) from error


@jobs.handler("billing.reminder", name="billing.reminder", queue="mail", atomic=False)
def send_reminder(event: jobs.JobEvent) -> None:
    remind.deliver(event.payload["reminder_id"])


@jobs.schedule("billing.lapse", every=dt.timedelta(minutes=5), atomic=False)
def lapse(event: jobs.JobEvent) -> None:
    """Tell those whose access has ended, and close what they have open."""
    grants.lapse(clock.now())


@jobs.schedule("billing.remind", every=dt.timedelta(hours=1), atomic=False)
def reminders(event: jobs.JobEvent) -> None:
    remind.run(clock.now())


@jobs.schedule("billing.watch", every=dt.timedelta(minutes=15), atomic=False)
def watching(event: jobs.JobEvent) -> None:
    """Look at what should have moved by now and did not: a webhook may have been lost."""
    now = clock.now()
    watch.overdue(now)
    commands.stuck(now)
    commands.forget_links(now)


@jobs.schedule("billing.reconcile", every=dt.timedelta(days=1), queue="bulk", atomic=False)
def reconcile(event: jobs.JobEvent) -> None:
    """Compare the last three days with Stripe and repair what differs."""
    from .services import reconcile as service

    if not app_settings.SECRET_KEY:
        return
    try:
        service.run(since=clock.now() - dt.timedelta(days=3), fix=True)
    except GatewayAway as error:
        raise jobs.Retry(error.after or 600, error.text) from error


@jobs.schedule("billing.forget_bodies", every=dt.timedelta(days=7), queue="bulk", atomic=False)
def forget_bodies(event: jobs.JobEvent) -> None:
    days = app_settings.KEEP_WEBHOOK_BODIES_DAYS
    webhooks.forget_bodies(clock.now() - dt.timedelta(days=days))
