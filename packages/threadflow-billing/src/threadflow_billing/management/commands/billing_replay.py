"""Have objects looked at again, by their events."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.dateparse import parse_datetime

from threadflow_core.jobs import store
from threadflow_core.jobs.models import OutboxEvent

from ...models import WebhookEvent
from ...services import sync, webhooks


class Command(BaseCommand):
    help = "Fetch and apply again what events were about: --event, --since, --type, --dead."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--event", help="one event, by its id at Stripe")
        parser.add_argument("--since", help="events received since then (ISO date and time)")
        parser.add_argument("--type", help="events of this type")
        parser.add_argument("--dead", action="store_true", help="what was given up")

    def handle(self, *args: Any, **options: Any) -> None:
        rows = WebhookEvent.objects.exclude(object_key="")
        chosen = False
        if options["event"]:
            rows, chosen = rows.filter(event_id=options["event"]), True
        if options["type"]:
            rows, chosen = rows.filter(type=options["type"]), True
        if options["since"]:
            since = parse_datetime(options["since"])
            if since is None:
                raise CommandError("--since takes a date and time such as 2026-11-01T00:00:00Z.")
            since = since if since.tzinfo else since.replace(tzinfo=dt.UTC)
            rows, chosen = rows.filter(received_at__gte=since), True
        if not chosen and not options["dead"]:
            raise CommandError("Say what: --event, --since, --type or --dead.")
        count = sum(webhooks.replay(event=row) for row in rows.iterator()) if chosen else 0
        if options["dead"]:
            count += self._dead()
        self.stdout.write(f"{count} to be looked at again.")

    def _dead(self) -> int:
        dead = OutboxEvent.objects.filter(handler__startswith="billing.", state="dead")
        revived = store.revive(dead)
        behind = list(webhooks.behind().values_list("pk", flat=True))
        for key in behind:
            sync.mark(key)
        return revived + len(behind)
