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
    return _still_valid([identity])[0]


def _still_valid(identities: list[Identity]) -> list[Close | None]:
    """The same of many: their people are one query."""
    keys = {one.person.pk for one in identities if one.person.is_authenticated}
    people = get_user_model()._default_manager.in_bulk(keys) if keys else {}
    return [
        _stands(one, people.get(one.person.pk)) if one.person.is_authenticated else None
        for one in identities
    ]


def _stands(identity: Identity, person: Any) -> Close | None:
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


@dataclass(frozen=True, slots=True)
class Asked:
    """A socket whose rights are asked again: who it stands for and what it follows."""

    identity: Identity
    topics: list[str]


@dataclass(frozen=True, slots=True)
class Rights:
    """What came out: the code to close with, and else a verdict for each topic."""

    code: Close | None
    verdicts: dict[str, Verdict]


def rights_of(asked: Asked) -> Rights:
    """Ask about one socket, each topic by itself."""
    code = still_valid(asked.identity)
    return Rights(code, {} if code else may_follow(asked.identity.person, asked.topics))


def recheck(asked: list[Asked]) -> list[Rights]:
    """Ask again for many sockets at once, which costs a fraction of asking for each."""
    codes = _still_valid([one.identity for one in asked])
    rights = [Rights(code, {}) for code in codes]
    followers: dict[str, list[int]] = {}
    for index, one in enumerate(asked):
        if rights[index].code is None:
            for topic in one.topics:
                followers.setdefault(topic, []).append(index)
    for topic, indexes in followers.items():
        people = [asked[index].identity.person for index in indexes]
        for index, verdict in zip(indexes, _may_all_follow(people, topic), strict=True):
            rights[index].verdicts[topic] = verdict
    return rights


def _may_all_follow(people: list[Any], topic: str) -> list[Verdict]:
    """A verdict for each of the people; strangers are all alike, so one answers for them."""
    stranger = next((one for one in people if not one.is_authenticated), None)
    nobody = HIDDEN if stranger is None else _may_follow(stranger, topic)
    known = {one.pk: one for one in people if one.is_authenticated}
    found = kind_of(topic)
    verdicts: dict[Any, Verdict] = {}
    if found is not None and known:
        kind, key = found
        try:
            each = kind.may_subscribe_each(list(known.values()), key)
            verdicts = dict(zip(known, each, strict=True))
        except Exception:
            logger.exception("Nobody can tell who may follow %s", topic)
            verdicts = dict.fromkeys(known, BROKEN)
    return [verdicts.get(one.pk, HIDDEN) if one.is_authenticated else nobody for one in people]


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
