"""Reading: thread and feed pages against the bare view, in CPU, queries and latency."""

from __future__ import annotations

import statistics
import time
from typing import Any

from . import load, planted
from .report import Report
from .site import Site, cookie_of

#: Turns in which the pages and the bare view are asked.
ROUNDS = 40


class Content:
    """The things of the seeded site that are measured, and somebody who reads them."""

    def __init__(self) -> None:
        from django.contrib.auth import get_user_model

        from threadflow_forum.models import Block, Membership, ThreadMark
        from threadflow_forum.swaps import get_sub_model, get_thread_model

        threads = get_thread_model().objects.exclude(slug__startswith=planted.SLUG)
        self.giant = threads.order_by("-comment_count").first()
        near = threads.filter(comment_count__gte=60, comment_count__lte=80, state="visible")
        near = near.exclude(sub__visibility="private")
        self.small = near.order_by("id").first() or threads.order_by("-comment_count")[1]
        if self.giant.sub.is_private:
            type(self.giant.sub).objects.filter(pk=self.giant.sub_id).update(visibility="public")
        users = get_user_model()
        # Neither staff nor the crowd of the chat's rows: a reader like any other.
        readers = users._default_manager.filter(is_staff=False)
        self.person = readers.exclude(username__startswith="talker").order_by("-pk").first()
        subs = list(get_sub_model().objects.order_by("id")[:500])
        Membership.objects.bulk_create(
            [Membership(sub=sub, person=self.person, role="member") for sub in subs],
            update_conflicts=True, unique_fields=["person", "sub"], update_fields=["role"],
        )  # fmt: skip
        others = users._default_manager.exclude(pk=self.person.pk).order_by("pk")[:1000]
        Block.objects.bulk_create(
            [Block(person=self.person, blocked=other) for other in others], ignore_conflicts=True
        )
        for thread in (self.giant, self.small):
            ThreadMark.objects.update_or_create(
                person=self.person, thread=thread, defaults={"read_number": thread.last_number}
            )
        self.vote(self.giant)
        self.vote(self.small)
        self.cookie = cookie_of(self.person)

    def vote(self, thread: Any) -> None:
        """Some own votes on the first view, so that there is something to fill in."""
        from threadflow_forum import tree
        from threadflow_forum.services.votes import Vote, cast_comment_vote

        page = tree.read(thread, sort=tree.CommentSort.BEST)
        for comment in page.comments()[:10]:
            if comment.author_id != self.person.pk:
                cast_comment_vote(voter=self.person, comment=comment, value=Vote.UP)


def measure(site: Site, content: Content, report: Report) -> None:
    giant, small = content.giant.get_absolute_url(), content.small.get_absolute_url()
    from django.test import Client

    for name, path in (("giant", giant), ("small", small)):
        (site.var / name).write_bytes(Client().get(path).content)
    with site.web() as port:
        ratios = against_bare(port, {"giant": giant, "small": small}, content.cookie)
        report.add("anonymous thread page, cached / bare view (req/s)", ratios["small"], "x", least=0.5,
                   note=f"{content.small.comment_count} comments")  # fmt: skip
        report.add("the same in the giant thread", ratios["giant"], "x", least=0.5,
                   note=f"{content.giant.comment_count} comments")  # fmt: skip
        report.add("giant / small, anonymous", ratios["apart"], "x", least=0.9)
        report.add(
            "signed in, own votes shown / bare view (req/s)", ratios["member"], "x", least=0.06
        )
    report.add("signed in, cached: queries", queries(giant, content), "queries", most=8)
    uncached(site, content, report)


def against_bare(port: int, paths: dict[str, str], cookie: str) -> dict[str, float]:
    """Requests per second of each page over those of the bare view, means of interleaved runs.

    Many short runs, because the four connections of one fall on the two workers as they come:
    two and two is nearly twice as fast as four and none.
    """
    plans = {
        "bare_small": [load.request("/bare/small")],
        "bare_giant": [load.request("/bare/giant")],
        "small": [load.request(paths["small"])],
        "giant": [load.request(paths["giant"])],
        "member": [load.request(paths["giant"], cookie)],
    }
    for raws in plans.values():
        warm = load.run(port, raws, clients=4, count=5)
        if set(warm.statuses) != {200}:
            raise RuntimeError(f"A measured page answers {warm.statuses}.")
    seen: dict[str, list[float]] = {name: [] for name in plans}
    for _ in range(ROUNDS):
        for name, raws in plans.items():
            count = 6 if name == "member" else 40
            seen[name].append(load.run(port, raws, clients=4, count=count).per_second)
    mean = {name: statistics.fmean(values) for name, values in seen.items()}
    return {
        "small": mean["small"] / mean["bare_small"],
        "giant": mean["giant"] / mean["bare_giant"],
        "apart": min(mean["small"], mean["giant"]) / max(mean["small"], mean["giant"]),
        "member": mean["member"] / mean["bare_giant"],
    }


def queries(path: str, content: Content, *, expect: int = 200) -> int:
    """Statements of one signed-in request, session and user included."""
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    client = Client()
    client.cookies["sessionid"] = content.cookie.split("=")[1]
    client.get(path)
    with CaptureQueriesContext(connection) as found:
        status = client.get(path).status_code
    if status != expect:
        raise RuntimeError(f"{path} answers {status}.")
    return len(found)


def uncached(site: Site, content: Content, report: Report) -> None:
    """The same without the cache: what a request costs the server and the database."""
    from django.test import override_settings

    from threadflow_forum import blocks

    giant = content.giant.get_absolute_url()
    forum = {**_forum_settings(), "CACHE_ALIAS": None}
    with override_settings(
        THREADFLOW_FORUM=forum, SESSION_ENGINE="django.contrib.sessions.backends.db"
    ):
        report.add("thread page, cache cut: queries", queries(giant, content), "queries", most=12)
        for sort in ("hot", "new", "top", "active", "controversial"):
            first, deep = f"/?sort={sort}", page_50(content, sort)
            for name, path in (("page 1", first), ("page 50", deep)):
                n = queries(path, content)
                report.add(
                    f"feed, 500 subs, 1,000 blocks, {sort}, {name}: queries", n, "queries", most=10
                )
    blocks._store.cache_clear()
    with site.web(BENCH_CACHE="off") as port:
        plans = {
            "feed, anonymous, cache off": ("/all/", "", 7.0),
            "thread page of 60 comments, anonymous, cache off": (giant, "", 15.0),
            "thread page of 60 comments, signed in, cache off": (giant, content.cookie, 20.0),
        }
        bare = cost(site, port, "/bare/giant", "", 400)
        report.add("the bare view, for comparison: CPU", bare, "ms")
        for name, (path, cookie, most) in plans.items():
            raws = [load.request(path, cookie)]
            spent = cost(site, port, path, cookie, 150)
            report.add(
                f"{name}: CPU", spent, "ms", most=most, note=f"{spent / bare:.1f} bare views"
            )
            if "thread" in name:
                one = load.run(port, raws, clients=1, count=100)
                report.add(f"{name}: p95", one.quantile(0.95) * 1000, "ms", most=150)
        for sort in ("hot", "new", "top", "active", "controversial"):
            for name, path in (("page 1", f"/?sort={sort}"), ("page 50", page_50(content, sort))):
                raws = [load.request(path, content.cookie)]
                load.run(port, raws, clients=1, count=3)
                one = load.run(port, raws, clients=1, count=40)
                report.add(f"feed, 500 subs, 1,000 blocks, {sort}, {name}: p95", one.quantile(0.95) * 1000,
                           "ms", most=120)  # fmt: skip


def cost(site: Site, port: int, path: str, cookie: str, count: int) -> float:
    """Milliseconds of CPU that a request takes of server and database, both workers at work."""
    raws = [load.request(path, cookie)]
    load.run(port, raws, clients=2, count=10)
    began = site.cpu()
    done = load.run(port, raws, clients=2, count=count)
    if set(done.statuses) != {200}:
        raise RuntimeError(f"{path} answers {done.statuses}.")
    return (site.cpu() - began) / len(done.times) * 1000


def page_50(content: Content, sort: str) -> str:
    """The address of page 50 of the home feed, reached by its cursors."""
    from threadflow_forum import feeds
    from threadflow_forum.feeds import Feed, Sort

    feed, cursor = Feed("home", Sort(sort)), None
    for _ in range(49):
        page = feeds.read(feeds.home_threads(content.person), feed, cursor)
        if page.next is None:
            break
        cursor = page.next
    return f"/?sort={sort}&cursor={cursor}"


def _forum_settings() -> dict[str, Any]:
    from django.conf import settings

    return dict(settings.THREADFLOW_FORUM)


def timed(call: Any, n: int) -> list[float]:
    times = []
    for _ in range(n):
        began = time.perf_counter()
        call()
        times.append(time.perf_counter() - began)
    return times
