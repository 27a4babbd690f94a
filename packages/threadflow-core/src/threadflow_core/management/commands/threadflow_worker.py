"""Run the jobs in a process of their own."""

from __future__ import annotations

import signal
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from ...jobs import drain
from ...jobs.registry import QUEUES


class Command(BaseCommand):
    help = "Runs the jobs in the outbox until it is told to stop (SIGTERM or Ctrl-C)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--queues",
            action="append",
            metavar="QUEUE[,QUEUE…]",
            help="Queues of one thread, the most urgent first. Repeat it for more threads.",
        )
        parser.add_argument("--once", action="store_true", help="Run what is due, then end.")
        parser.add_argument(
            "--relay", action="store_true", help="Hand due jobs to Celery instead of running them."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        lanes = [_queues(text) for text in options["queues"] or []]
        if options["once"]:
            queues = tuple(queue for lane in lanes for queue in lane) or None
            count = drain(queues=queues, raise_errors=False)
            self.stdout.write(_("Ran %(count)s jobs.") % {"count": count})
            return
        loop = _relay() if options["relay"] else _worker(lanes)
        asked = 0

        def stop(signum: int, frame: Any) -> None:
            nonlocal asked
            asked += 1
            if asked > 1:
                raise SystemExit(1)
            loop.stop()

        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, stop)
        self.stdout.write(_("Worker %(owner)s is ready.") % {"owner": loop.owner})
        self.stdout.flush()
        loop.run()
        self.stdout.write(_("Stopped; nothing was left half-done."))


def _queues(text: str) -> list[str]:
    queues = [part.strip() for part in text.split(",") if part.strip()]
    unknown = [queue for queue in queues if queue not in QUEUES]
    if unknown or not queues:
        raise CommandError(f"Unknown queue in {text!r}; known: {', '.join(QUEUES)}.")
    return queues


def _worker(lanes: list[list[str]]) -> Any:
    from ...jobs.worker import Worker

    return Worker(lanes=lanes or None)


def _relay() -> Any:
    from ...jobs import runner
    from ...jobs.clock import database_clock
    from ...jobs.leaders import Leadership
    from ...jobs.outbox import using
    from ...jobs.relay import Relay

    clock = database_clock(using())
    owner = runner.new_owner("relay")
    return Relay(leadership=Leadership("relay", owner, clock), owner=owner, clock=clock)
