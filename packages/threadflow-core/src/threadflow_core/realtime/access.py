"""Who is behind a socket, and whether that still stands. Uses the database: run it in a thread."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import (
    BACKEND_SESSION_KEY,
    HASH_SESSION_KEY,
    SESSION_KEY,
    get_user_model,
    load_backend,
)
from django.contrib.auth.models import AnonymousUser
from django.http import parse_cookie
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext_lazy as _

from ..policies import Verdict
from . import tickets
from .kinds import HIDDEN, TopicKind, kind_of
from .origins import headers_of
from .protocol import Close

logger = logging.getLogger("threadflow.realtime")

BROKEN = Verdict.no("server_error", _("That did not work. Try again in a moment."))


@dataclass(slots=True)
class Identity:
    """The person of a socket and what vouches for them: a session, a ticket, or nothing."""

    person: Any = field(default_factory=AnonymousUser)
    session_key: str = ""
    fingerprint: str = ""
    #: Unix time after which somebody must vouch anew; None means never.
    expires_at: float | None = None


def of_scope(scope: dict[str, Any]) -> Identity:
    """The identity behind a connection: that of a middleware around us, else of the cookie.

    A middleware is not needed, and Channels' own costs a call for each frame that is sent.
    """
    if "user" in scope:
        return _of_middleware(scope["user"], scope.get("session"))
    cookies = parse_cookie(headers_of(scope).get("cookie", ""))
    key = cookies.get(settings.SESSION_COOKIE_NAME)
    store = _store(key) if key else None
    path = store.get(BACKEND_SESSION_KEY) if store is not None else None
    if store is None or path is None or path not in settings.AUTHENTICATION_BACKENDS:
        return Identity()
    user_id = get_user_model()._meta.pk.to_python(store[SESSION_KEY])
    person = load_backend(path).get_user(user_id)
    if person is None:
        return Identity()
    identity = Identity(person, session_key=key or "")
    return identity if _check_session(identity, store) is None else Identity()


def _of_middleware(person: Any, session: Any) -> Identity:
    if person is None or not person.is_authenticated or not session or not session.session_key:
        return Identity()
    return Identity(
        person, session_key=session.session_key, expires_at=session.get_expiry_date().timestamp()
    )


def _store(key: str) -> Any:
    return import_module(settings.SESSION_ENGINE).SessionStore(key)


def of_ticket(ticket: Any) -> Identity:
    """Use up a ticket. Raises `tickets.BadTicket`."""
    admission = tickets.redeem(ticket)
    return Identity(
        admission.person, fingerprint=admission.fingerprint, expires_at=admission.expires_at
    )


def still_valid(identity: Identity) -> Close | None:
    """None if the identity stands (it is then fresh), else the code to close with."""
    if not identity.person.is_authenticated:
        return None
    person = get_user_model()._default_manager.filter(pk=identity.person.pk).first()
    if person is None:
        return Close.REVOKED
    if not person.is_active:
        return Close.SUSPENDED
    identity.person = person
    if identity.session_key:
        return _check_session(identity, _store(identity.session_key))
    same = constant_time_compare(identity.fingerprint, tickets.fingerprint(person))
    return None if same else Close.REVOKED


def _check_session(identity: Identity, store: Any) -> Close | None:
    person = identity.person
    if store.get(SESSION_KEY) != person._meta.pk.value_to_string(person):
        ran_out = identity.expires_at is not None and identity.expires_at <= time.time()
        return Close.EXPIRED if ran_out else Close.REVOKED
    if hasattr(person, "get_session_auth_hash"):
        given = store.get(HASH_SESSION_KEY, "")
        valid = [person.get_session_auth_hash(), *person.get_session_auth_fallback_hash()]
        if not any(constant_time_compare(given, one) for one in valid):
            return Close.REVOKED
    identity.expires_at = store.get_expiry_date().timestamp()
    return None


def may_follow(person: Any, topics: list[str]) -> dict[str, Verdict]:
    """A verdict for each topic; an unknown topic is refused like a private one."""
    return {topic: _may_follow(person, topic) for topic in topics}


def _may_follow(person: Any, topic: str) -> Verdict:
    found = kind_of(topic)
    if found is None:
        return HIDDEN
    kind, key = found
    try:
        return kind.may_subscribe(person, key)
    except Exception:
        logger.exception("Nobody can tell who may follow %s", topic)
        return BROKEN


def tells_mine(topic: str) -> bool:
    """Whether `mine_of` can have an answer; asks nothing, so that others need no thread."""
    found = kind_of(topic)
    return found is not None and type(found[0]).mine is not TopicKind.mine


def mine_of(topic: str, person: Any) -> dict[str, Any] | None:
    """What the kind of topic tells only this person when they begin to follow."""
    found = kind_of(topic)
    if found is None:
        return None
    kind, key = found
    return kind.mine(key, person)


def page_of(topic: str, person: Any) -> dict[str, Any] | None:
    """What the kind of topic gives to a client that starts anew."""
    found = kind_of(topic)
    if found is None:
        return None
    kind, key = found
    return kind.page(key, person)
