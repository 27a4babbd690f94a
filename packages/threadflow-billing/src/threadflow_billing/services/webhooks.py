"""Hearing the doorbell: verify, keep, note what to look at, answer. Nothing is believed."""

from __future__ import annotations

import datetime as dt
import logging
from typing import Any

from django.db import connection, transaction

from threadflow_core.ids import uuid7

from .. import clock, policies
from ..app_settings import livemode
from ..gateway import BadWebhook, verified_event
from ..models import ObjectSync, WebhookEvent
from . import sync

logger = logging.getLogger("threadflow.billing")

#: Which object an event makes us look at, by the beginning of its type; "" looks at none.
LOOK = (
    ("customer.subscription.", "subscription"),
    ("subscription_schedule.", "schedule"),
    ("checkout.session.", "checkout.session"),
    ("charge.dispute.", "dispute"),
    ("charge.refund.", "refund"),
    ("charge.refunded", "charge"),
    ("refund.", "refund"),
    ("invoice.upcoming", ""),
    ("invoice.will_be_due", ""),
    ("invoice.", "invoice"),
)
LONGEST_ID = 80


def object_key(event: dict[str, Any]) -> str:
    """`kind:id` of the object to fetch, "" when the event is of no concern to us."""
    kind = next((kind for start, kind in LOOK if event["type"].startswith(start)), "")
    data = event.get("data")
    thing = data.get("object") if isinstance(data, dict) else None
    if not kind or not isinstance(thing, dict):
        return ""
    pk = thing.get("id")
    if kind == "schedule":  # what a schedule does shows in its subscription
        kind, pk = "subscription", thing.get("subscription") or thing.get("released_subscription")
    if not isinstance(pk, str) or not 0 < len(pk) <= LONGEST_ID:
        return ""
    return f"{kind}:{pk}"


def receive(body: bytes, signature: str) -> WebhookEvent | None:
    """Keep a signed event and have its object looked at; None when it is known already.

    Raises BadWebhook, with nothing stored. One transaction; no call to Stripe.
    """
    event = verified_event(body, signature)
    if bool(event.get("livemode")) != livemode():
        raise BadWebhook("the other mode")
    if len(event["id"]) > LONGEST_ID or len(event["type"]) > LONGEST_ID:
        raise BadWebhook("id or type too long")
    created = event.get("created")
    key = object_key(event)
    row = WebhookEvent(
        id=uuid7(),
        event_id=event["id"],
        type=event["type"],
        object_key=key,
        api_version=str(event.get("api_version") or "")[:40],
        livemode=livemode(),
        body=body.decode(),
        state=WebhookEvent.State.RECEIVED if key else WebhookEvent.State.IGNORED,
        created_at=dt.datetime.fromtimestamp(created, tz=dt.UTC)
        if isinstance(created, int)
        else clock.now(),
    )
    with transaction.atomic():
        if not _insert(row):
            return None
        if key:
            sync.mark(key)
    return row


def _insert(row: WebhookEvent) -> bool:
    """Insert unless the event is known; one statement, so that fifty at once are one."""
    fields = row._meta.local_concrete_fields
    values = [f.get_db_prep_save(getattr(row, f.attname), connection) for f in fields]
    quote = connection.ops.quote_name
    columns = ", ".join(quote(str(field.column)) for field in fields)
    marks = ", ".join("%s" for _ in fields)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {quote(row._meta.db_table)} ({columns}) VALUES ({marks}) "  # noqa: S608
            "ON CONFLICT (event_id) DO NOTHING",
            values,
        )
        return bool(cursor.rowcount == 1)


@transaction.atomic
def replay(*, event: WebhookEvent, staff: Any = None) -> bool:
    """Have the object of an event looked at again; False for events of no concern.

    Raises NotAllowed for a person who may not; a command passes none.
    """
    if staff is not None:
        policies.require(policies.may_replay(staff))
    key = event.object_key
    if not key:
        return False
    WebhookEvent.objects.filter(pk=event.pk).update(
        state=WebhookEvent.State.RECEIVED, processed_at=None
    )
    sync.mark(key)
    return True


def forget_bodies(before: dt.datetime, *, limit: int = 5000) -> int:
    """Empty the bodies of old events; their rows stay. Return how many."""
    old = WebhookEvent.objects.filter(received_at__lt=before).exclude(body="")
    pks = list(old.values_list("pk", flat=True)[:limit])
    return WebhookEvent.objects.filter(pk__in=pks).update(body="")


def behind() -> Any:
    """Objects of which more was heard than applied, oldest first."""
    from django.db.models import F

    return ObjectSync.objects.filter(dirty_seq__gt=F("done_seq")).order_by("changed_at")
