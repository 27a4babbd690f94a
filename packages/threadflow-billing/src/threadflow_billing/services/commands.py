"""Asking Stripe to do something: the row is committed first, then the same request is sent with
the same key until there is an answer.

A kind of command is two functions: `send` talks to Stripe outside of any transaction, `apply`
takes the answer in, inside one. What Stripe refuses goes to `refused`.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from threadflow_core import jobs

from .. import clock
from ..app_settings import app_settings
from ..exceptions import GatewayRefused
from ..gateway import Gateway, gateway
from ..models import BillingAccount, Command
from .locks import locked

logger = logging.getLogger("threadflow.billing")

Result = dict[str, Any]


def _nothing(command: Command, error: GatewayRefused) -> None:
    """A refusal that concerns nothing but the command itself."""


@dataclass(frozen=True)
class Kind:
    send: Callable[[Gateway, Command], Any]
    apply: Callable[[Command, Any], Result]
    refused: Callable[[Command, GatewayRefused], None] = _nothing


kinds: dict[str, Kind] = {}


def plan(
    *,
    kind: str,
    account: BillingAccount | None,
    params: dict[str, Any],
    target_id: Any = None,
    actor: Any = None,
) -> Command:
    """Keep a command in the caller's transaction; it is sent after the commit."""
    if kind not in kinds:
        raise ValueError(f"no command is called {kind!r}")
    command = Command.objects.create(
        kind=kind,
        account=account,
        params=params,
        target_id=target_id,
        actor=actor if getattr(actor, "pk", None) else None,
    )
    jobs.emit("billing.command", command_id=str(command.pk))
    return command


def run(pk: Any) -> Command | None:
    """Send a command and take in its answer. Raises GatewayAway to be tried again.

    Two workers may send it at once: the key is the same, so Stripe does it once, and the answer
    is taken in once.
    """
    command = _begin(pk)
    if command is None or command.is_finished:
        return command
    kind = kinds[command.kind]
    try:
        answer = kind.send(gateway(), command)
    except GatewayRefused as error:
        refusal = error
        return _finish(pk, lambda row: _take_refusal(kind, row, refusal))
    return _finish(pk, lambda row: _take_answer(kind, row, answer))


def _begin(pk: Any) -> Command | None:
    with transaction.atomic():
        row = locked(Command.objects.filter(pk=pk)).first()
        if row is None or row.is_finished:
            return row  # type: ignore[no-any-return]
        now = clock.now()
        oldest = now - dt.timedelta(hours=app_settings.COMMAND_HOURS)
        if row.sent_at is not None and row.sent_at < oldest:
            give_up(row, now)
            return row  # type: ignore[no-any-return]
        row.state = Command.State.SENT
        row.sent_at = row.sent_at or now
        row.attempts += 1
        row.save(update_fields=["state", "sent_at", "attempts"])
    return row  # type: ignore[no-any-return]


def give_up(row: Command, now: dt.datetime) -> None:
    """Stop sending a locked command whose key Stripe may have forgotten by now."""
    row.state = Command.State.UNKNOWN
    row.error_code = "outcome_unknown"
    row.finished_at = now
    row.save(update_fields=["state", "error_code", "finished_at"])
    logger.error(
        "Command %s (%s) has no outcome; reconcile tells what became of it", row.pk, row.kind
    )


def _finish(pk: Any, take: Callable[[Command], None]) -> Command:
    with transaction.atomic():
        row = Command.objects.select_related("account", "actor").get(pk=pk)
        take_in = locked(Command.objects.filter(pk=pk)).get()
        if take_in.is_finished:
            return take_in  # type: ignore[no-any-return]
        take(row)
        row.finished_at = clock.now()
        row.save(update_fields=["state", "result", "error", "error_code", "finished_at"])
    return row


def _take_answer(kind: Kind, row: Command, answer: Any) -> None:
    row.result = kind.apply(row, answer)
    row.state = Command.State.DONE
    row.error = row.error_code = ""


def _take_refusal(kind: Kind, row: Command, error: GatewayRefused) -> None:
    row.state = Command.State.FAILED
    row.error_code = error.code[:80]
    row.error = str(error.message)[:300]
    kind.refused(row, error)


#: What a result holds is for the moment: links of Stripe's open pages without a password.
LINKS_HOURS = 24


def forget_links(now: dt.datetime) -> int:
    """Empty the results of commands that opened a page; return how many."""
    old = Command.objects.filter(
        kind__in=("checkout", "portal", "invoice"),
        finished_at__lt=now - dt.timedelta(hours=LINKS_HOURS),
    ).exclude(result={})
    return old.update(result={})


def stuck(now: dt.datetime) -> int:
    """Give up commands that nobody sends any more; return how many."""
    oldest = now - dt.timedelta(hours=app_settings.COMMAND_HOURS)
    waiting = Command.objects.filter(state=Command.State.SENT, sent_at__lt=oldest)
    done = 0
    for pk in list(waiting.values_list("pk", flat=True)[:200]):
        with transaction.atomic():
            row = locked(waiting.filter(pk=pk)).first()
            if row is not None:
                give_up(row, now)
                done += 1
    return done
