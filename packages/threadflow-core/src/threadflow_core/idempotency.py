"""A request that is sent twice takes effect once, and is answered alike both times.

The key's row is written in the transaction of the effect: either both exist or neither does.
An error leaves no row, so a failed request may be repeated with the same key.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .app_settings import app_settings
from .exceptions import Conflict, Invalid, ThreadflowError
from .records import IdempotencyKey

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
#: Name of the hidden field that carries a form's one-time key.
FIELD = "_once"
MOST_BODY = 64 * 1024
#: Headers that are repeated with a stored answer.
KEPT_HEADERS = ("Content-Type", "Content-Language", "ETag", "Location")

_KEY = re.compile(r"[\x21-\x7e]{1,200}")


class KeyMissing(ThreadflowError):
    status = 400
    code = "idempotency_key_invalid"
    message = _("Send an Idempotency-Key of 1 to 200 visible ASCII characters.")


class InProgress(Conflict):
    """The first request with this key is still running; `retry_after` is in seconds."""

    code = "idempotency_in_progress"
    message = _("This is being done right now. Ask again in a moment.")
    retry_after = 1


class KeyReused(Invalid):
    code = "idempotency_key_reused"
    message = _("This Idempotency-Key was used for another request.")


class NotRepeatable(Conflict):
    code = "idempotency_answer_not_kept"
    message = _("This was done. Its answer was too large to be kept.")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request was answered; `replayed` when it is the stored answer of an earlier one."""

    status: int = 200
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    replayed: bool = False


def run(
    key: str,
    scope: str,
    fingerprint: str,
    fn: Callable[[], Answer],
    *,
    owner: str,
    wait: bool = False,
) -> Answer:
    """Do `fn` once for `key` of `owner` in `scope` (method and path, or a form's name).

    Again with the same `fingerprint`: the stored answer, `replayed`. Raises KeyReused (422) for
    another fingerprint, InProgress (409) while the first runs, or with `wait` waits for it
    (SQLite always waits), KeyMissing (400) for a malformed key. What `fn` raises, and an answer
    of 500 and more, undoes everything and leaves the key unused.
    """
    if not _KEY.fullmatch(key):
        raise KeyMissing()
    with transaction.atomic():
        if not wait:
            _refuse_if_running(f"{owner}|{scope}|{key}")
        row = _claim(owner, scope[:200], key, fingerprint)
        if row.state == IdempotencyKey.State.DONE:
            return _replay(row, fingerprint)
        answer = fn()
        if answer.status >= 500:
            transaction.set_rollback(True)
            return answer
        _keep(row.pk, answer)
    return answer


def once(key: str, scope: str, fn: Callable[[], str], *, owner: str) -> str:
    """Do `fn` once per form key and return its string (a public id, a URL) each time.

    For services behind forms: a double click, a resent form and a retry all end at the first
    result. An empty or malformed key does `fn` without remembering.
    """
    if not _KEY.fullmatch(key):
        return fn()
    answer = run(key, f"form:{scope}", "", lambda: Answer(body=fn()), owner=owner, wait=True)
    return answer.body


def new_form_key() -> str:
    """A fresh key for the hidden field `FIELD` of one rendered form."""
    return secrets.token_urlsafe(16)


def form_key(request: Any) -> str:
    """The one-time key that came with a posted form, "" when there was none."""
    return str(request.POST.get(FIELD, ""))


def owner_of(request: Any) -> str:
    """Whose keys a request uses: the person's, else the session's, else the address'."""
    from . import limits

    person = getattr(request, "user", None)
    session = getattr(request, "session", None)
    if (person is None or not person.is_authenticated) and session and session.session_key:
        return "s:" + hashlib.sha256(session.session_key.encode()).hexdigest()[:40]
    return limits.identity(request)


def fingerprint(*parts: Any) -> str:
    """A hash of what was asked; dicts count as equal in any order of their keys."""
    text = json.dumps(parts, sort_keys=True, default=_plain, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def forget_owner(person: Any) -> int:
    """Delete the stored answers of a person; returns how many there were."""
    return IdempotencyKey.objects.filter(owner=f"u:{person.pk}").delete()[0]


def prune() -> int:
    """Delete keys that are too old to be repeated; returns how many."""
    return IdempotencyKey.objects.filter(created_at__lt=_oldest()).delete()[0]


def _oldest() -> Any:
    return timezone.now() - timedelta(hours=app_settings.IDEMPOTENCY_HOURS)


def _refuse_if_running(name: str) -> None:
    """Raise InProgress while another transaction holds this key, without waiting for it."""
    if connection.vendor != "postgresql":
        return  # SQLite has one writer at a time: the insert waits
    number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [number])
        if not cursor.fetchone()[0]:
            raise InProgress()


def _claim(owner: str, scope: str, key: str, fingerprint: str) -> IdempotencyKey:
    """The row of the key, new and RUNNING or as an earlier request left it.

    One statement for a new key. The unique constraint is the lock: a second transaction waits
    here until the first has ended, and then finds its answer, or its place.
    """
    row = IdempotencyKey(owner=owner, scope=scope, key=key, fingerprint=fingerprint)
    rows = IdempotencyKey.objects.filter(owner=owner, scope=scope, key=key)
    for _try in range(3):  # the row that is in the way may be pruned, or be due for it
        row.pk = _insert(row)
        if row.pk is not None:
            return row
        found = rows.select_for_update().first()
        if found is not None and found.created_at >= _oldest():
            return found
        rows.delete()
    raise InProgress()


def _insert(row: IdempotencyKey) -> Any:
    """Insert the row and return its key, None where its owner, scope and key are taken."""
    fields = [field for field in row._meta.local_concrete_fields if not field.primary_key]
    values = [f.get_db_prep_save(getattr(row, f.attname), connection) for f in fields]
    quote = connection.ops.quote_name
    columns = ", ".join(quote(str(field.column)) for field in fields)
    marks = ", ".join("%s" for _ in fields)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {quote(row._meta.db_table)} ({columns}) VALUES ({marks}) "  # noqa: S608
            "ON CONFLICT DO NOTHING RETURNING id",
            values,
        )
        made = cursor.fetchone()
    return made[0] if made else None


def _replay(row: IdempotencyKey, fingerprint: str) -> Answer:
    if row.fingerprint != fingerprint:
        raise KeyReused()
    if row.headers.get("kept") is False:
        raise NotRepeatable()
    return Answer(row.status, row.body, row.headers, replayed=True)


def _keep(pk: Any, answer: Answer) -> None:
    kept = len(answer.body.encode()) <= MOST_BODY
    headers: dict[str, Any] = {k: v for k, v in answer.headers.items() if k in KEPT_HEADERS}
    IdempotencyKey.objects.filter(pk=pk).update(
        state=IdempotencyKey.State.DONE,
        status=answer.status,
        body=answer.body if kept else "",
        headers=headers if kept else {"kept": False},
    )


def _plain(value: Any) -> Any:
    chunks = getattr(value, "chunks", None)
    if chunks is None:
        return str(value)
    digest = hashlib.sha256()
    for chunk in chunks():
        digest.update(chunk)
    value.seek(0)
    return [value.name, digest.hexdigest()]
