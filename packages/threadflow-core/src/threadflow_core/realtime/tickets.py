"""Tickets: how a client without cookies says who it is. Signed, good for a minute and for once."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.core import signing
from django.db import transaction
from django.utils.crypto import constant_time_compare, salted_hmac

from . import publishing

SALT = "threadflow.realtime.ticket"
#: Seconds in which a ticket must be used.
GOOD_FOR = 60
#: Seconds that a socket opened by a ticket lives unless it is renewed by another (`auth`).
SOCKET_LIFE = 3600


class BadTicket(Exception):
    """Forged, too old, used before, or its person is gone."""


@dataclass(frozen=True, slots=True)
class Admission:
    """Who a ticket admits, until when (Unix time), and under which password."""

    person: Any
    expires_at: float
    fingerprint: str


def issue(person: Any, *, expires_at: float) -> str:
    """A ticket for `person`; a socket opened with it ends at `expires_at` (Unix time)."""
    return signing.dumps(
        {
            "u": str(person.pk),
            "n": secrets.token_urlsafe(18),
            "x": int(expires_at),
            "f": fingerprint(person),
        },
        salt=SALT,
    )


def redeem(ticket: Any) -> Admission:
    """Use the ticket up. Raises BadTicket."""
    if not isinstance(ticket, str) or len(ticket) > 1000:
        raise BadTicket
    try:
        data = signing.loads(ticket, salt=SALT, max_age=GOOD_FOR)
    except signing.BadSignature as error:
        raise BadTicket from error
    person = get_user_model()._default_manager.filter(pk=data["u"]).first()
    if person is None or not constant_time_compare(data["f"], fingerprint(person)):
        raise BadTicket
    if not _spend(data["n"]):
        raise BadTicket
    return Admission(person, float(data["x"]), data["f"])


def fingerprint(person: Any) -> str:
    """Changes with the password, so that what was issued before it ends."""
    secret = person.get_session_auth_hash() if hasattr(person, "get_session_auth_hash") else ""
    return salted_hmac(SALT, f"{person.pk}:{secret}", algorithm="sha256").hexdigest()[:32]


def _spend(nonce: str) -> bool:
    """Record the use; False if there was one before. The unique row decides any race."""
    from .models import SpentTicket

    connection = transaction.get_connection(publishing.using())
    quote = connection.ops.quote_name
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {quote(SpentTicket._meta.db_table)} (nonce) VALUES (%s) "  # noqa: S608
            "ON CONFLICT DO NOTHING",
            [nonce],
        )
        return bool(cursor.rowcount == 1)
