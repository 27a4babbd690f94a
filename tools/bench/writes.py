"""Writing: what a reply costs, whether a big thread costs more, how fast the outbox empties."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from typing import Any
from urllib.parse import urlencode

from . import outbox, planted
from .load import FORM
from .pages import Content, timed
from .report import Report
from .site import ROOT, Site

HUGE = 100_000
NOT_COUNTED = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE")


def measure(site: Site, content: Content, report: Report) -> None:
    reply(content, report)
    size(content, report)
    outboxes(site, report)
    wake(site, content, report)


def reply(content: Content, report: Report) -> None:
    """One comment by form post, view and session included, as the browser sends it."""
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext
    from django.urls import reverse

    client = Client()
    client.cookies["sessionid"] = content.cookie.split("=")[1]
    url = reverse("threadflow_forum:comment_on", args=[content.small.public_id])

    typed = urlencode({"body": "A reply of ordinary length, with a second thought."})

    def post() -> None:
        answer = client.post(url, typed, content_type=FORM)
        if answer.status_code != 303:
            raise RuntimeError(f"Posting answers {answer.status_code}.")

    timed(post, 5)
    report.add(
        "a reply by form post: p50", statistics.median(timed(post, 100)) * 1000, "ms", most=9
    )
    with CaptureQueriesContext(connection) as found:
        post()
    counted = [q for q in found if not q["sql"].startswith(NOT_COUNTED)]
    report.add("a reply by form post: statements", len(counted), "stmts", most=18)


def size(content: Content, report: Report) -> None:
    """The same service in a thread of 100,000 comments and in one of ten, turn by turn."""
    from threadflow_forum.services.comments import add_comment
    from threadflow_forum.services.threads import post_thread

    huge = planted.thread(HUGE)
    tiny = post_thread(author=content.person, sub=huge.sub, title="Ten comments")
    for n in range(10):
        add_comment(author=content.person, thread=tiny, body=f"Number {n}")

    def into(thread: Any) -> float:
        return timed(lambda: add_comment(author=content.person, thread=thread, body="One more"), 1)[
            0
        ]

    for thread in (huge, tiny) * 5:
        into(thread)
    pairs = [(into(huge), into(tiny)) for _ in range(200)]
    big, small = (statistics.median(side) for side in zip(*pairs, strict=True))
    report.add("posting into a thread of 100,000 / into one of ten", big / small, "x", most=1.1,
               note=f"{small * 1000:.1f} ms")  # fmt: skip


def outboxes(site: Site, report: Report) -> None:
    """Events per second of one worker, on both databases."""
    report.add("outbox on PostgreSQL, one worker", outbox.rate(), "events/s", least=300)
    with tempfile.TemporaryDirectory() as folder:
        env = {**site.env, "DATABASE_URL": f"sqlite:///{folder}/bench.sqlite3", "REDIS_URL": ""}
        done = subprocess.run(
            [sys.executable, "-m", "bench.outbox"], cwd=ROOT / "tools", env=env, check=True,
            capture_output=True, text=True,
        )  # fmt: skip
    rate = float(done.stdout.split()[-1])
    report.add("outbox on SQLite, one worker", rate, "events/s", least=100)


def wake(site: Site, content: Content, report: Report) -> None:
    """From the commit of a vote here to the karma of it in a worker process, by the database's clock."""
    from threadflow_core.jobs import embedded
    from threadflow_core.jobs.models import Leader, OutboxEvent
    from threadflow_forum.services.comments import add_comment
    from threadflow_forum.services.votes import Vote, cast_comment_vote

    comment = add_comment(author=content.giant.author, thread=content.small, body="Vote on me")
    OutboxEvent.objects.exclude(state=OutboxEvent.State.DONE).delete()
    worker = subprocess.Popen(
        [sys.executable, "-m", "django", "threadflow_worker"], env=site.env,
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    embedded.start()
    try:
        time.sleep(4)  # the worker is up and asleep
        first = OutboxEvent.objects.order_by("-id").first()
        for n in range(60):
            value = Vote.UP if n % 2 == 0 else Vote.NONE
            cast_comment_vote(voter=content.person, comment=comment, value=value)
            time.sleep(0.1 + 0.17 * (n % 3))
        time.sleep(1)
        rows = OutboxEvent.objects.filter(handler="forum.comment_karma")
        rows = rows.filter(id__gt=first.pk) if first else rows
        delays = sorted((row.done_at - row.created_at).total_seconds() * 1000 for row in rows)
        if len(delays) != 60:
            raise RuntimeError(f"{len(delays)} of 60 votes were followed.")
    finally:
        embedded.stop()
        worker.terminate()
        worker.wait(20)
        Leader.objects.all().delete()
    report.add("wake-up of a worker process, commit to done: median", statistics.median(delays),
               "ms", most=50, note=f"p95 {delays[56]:.0f} ms")  # fmt: skip
