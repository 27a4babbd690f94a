"""Time: what is due, in order."""

from __future__ import annotations

import threading

from . import changes, checkout, disputes, invoices, money, schedules, subscriptions
from .errors import refused

LIMIT = 20_000  # steps in one move of the clock
STRIDE = money.DAY  # the longest that a companion is left behind


class Clockwork:
    """Moves the clock and does what falls due on the way, each at its own instant."""

    def __init__(self, world, companion=None, tried=None):
        self.world = world
        self.companion, self.tried = companion, tried
        self._travelling = threading.Lock()

    def catch_up(self):
        """Do what has fallen due since the last request; cheap when nothing has."""
        w = self.world
        with w.store.lock:
            due = self._next()
            if due and due[0] <= w.now():
                with w.work():
                    self._run_until(w.now())

    def advance(self, *, seconds=None, to=None):
        """Move forward, never back. Returns what was done, as (instant, what, id)."""
        w = self.world
        with w.work():
            target = to if to is not None else w.now() + (seconds or 0)
            if target < w.now():
                raise refused("The clock only moves forward.", param="to")
            done = self._run_until(target)
            w.meta("clock")["offset"] += target - w.now()
        return done

    def travel(self, *, seconds=None, to=None):
        """As `advance`, with the companion: it never hears of something before its time.

        Stops wherever something is due, and at least once a day. At each stop the companion's
        clock is moved first, then things happen here, then what the webhooks said is done there.
        """
        if self.companion is None:
            return self.advance(seconds=seconds, to=to)
        w, done = self.world, []
        with self._travelling:
            target = to if to is not None else w.now() + (seconds or 0)
            if target < w.now():
                raise refused("The clock only moves forward.", param="to")
            while True:
                with w.work():
                    due = self._next()
                    stop = min(target, w.now() + STRIDE, due[0] if due else target)
                    stop = max(stop, w.now())
                    self.companion.moved(w.meta("clock")["offset"] + stop - w.now())
                    done += self.advance(to=stop)
                self.tried()
                self.companion.settled()
                if stop >= target:
                    return done

    def to_next(self):
        """Move to the next thing that is due and do it."""
        due = self._next()
        return self.travel(to=max(due[0], self.world.now())) if due else []

    def _run_until(self, target):
        done = []
        while (due := self._next()) and due[0] <= target:
            if len(done) >= LIMIT:
                raise refused("That is too far: move the clock in smaller steps.")
            at, _, what, kind, oid = due
            with self.world.at(at):
                getattr(self, "do_" + what)(self.world.get(kind, oid))
                self.world.run_later()
            done.append((at, what, oid))
        return done

    def coming(self, limit=10):
        """The next things to happen, for the page."""
        rows = sorted(self._all())
        return [
            {"at": at, "what": what.replace("_", " "), "id": oid}
            for at, _, what, _, oid in rows[:limit]
        ]

    def _next(self):
        return min(self._all(), default=None)

    def _all(self):
        """Every due thing as (instant, rank, what, kind, id); the rank orders one instant."""
        peek = self.world.store.peek
        for s in peek("subscription_schedule"):
            if s["status"] == "active":
                yield (
                    s["current_phase"]["end_date"],
                    0,
                    "schedule",
                    "subscription_schedule",
                    s["id"],
                )
        for s in peek("subscription"):
            if s["status"] not in subscriptions.OVER:
                yield from self._of_subscription(s)
        for i in peek("invoice"):
            if i["status"] == "draft" and i.get("_finalize_at"):
                yield i["_finalize_at"], 5, "finalize", "invoice", i["id"]
            elif i["status"] == "open" and i["next_payment_attempt"]:
                yield i["next_payment_attempt"], 6, "retry", "invoice", i["id"]
        for c in peek("checkout.session"):
            if c["status"] == "open":
                yield c["expires_at"], 7, "expire", "checkout.session", c["id"]
        for r in peek("refund"):
            if r.get("_fails_at"):
                yield r["_fails_at"], 8, "refund_failure", "refund", r["id"]

    def _of_subscription(self, s):
        kind, oid, status = "subscription", s["id"], s["status"]
        if status == "incomplete":
            yield s["created"] + subscriptions.HOURS_23, 1, "abandon", kind, oid
            return
        if s["cancel_at"] and not s["cancel_at_period_end"]:
            yield s["cancel_at"], 1, "cancel", kind, oid
        if s["pending_update"]:
            yield s["pending_update"]["expires_at"], 2, "drop_change", kind, oid
        if s["pause_collection"] and s["pause_collection"]["resumes_at"]:
            yield s["pause_collection"]["resumes_at"], 2, "collect_again", kind, oid
        if status == "paused":
            return
        end = subscriptions.period_of(s)[1]
        if status == "trialing":
            if s.get("_warned") != s["trial_end"]:
                yield (
                    max(s["trial_end"] - 3 * money.DAY, s["created"]),
                    3,
                    "trial_will_end",
                    kind,
                    oid,
                )
            yield s["trial_end"], 4, "trial_end", kind, oid
            return
        days = self.world.settings["upcoming_days"]
        if s.get("_upcoming") != end and not s["cancel_at_period_end"]:
            yield (
                max(end - days * money.DAY, subscriptions.period_of(s)[0]),
                3,
                "upcoming",
                kind,
                oid,
            )
        yield end, 4, "renew", kind, oid

    # Each of them

    def do_schedule(self, schedule):
        schedules.advance(self.world, schedule)

    def do_abandon(self, sub):
        subscriptions.end(self.world, sub, reason="expired")

    def do_cancel(self, sub):
        subscriptions.end(self.world, sub, reason="cancellation_requested")

    def do_drop_change(self, sub):
        changes.drop_pending(self.world, sub)

    def do_collect_again(self, sub):
        self.world.update(sub, "customer.subscription.updated", pause_collection=None)

    def do_trial_will_end(self, sub):
        sub["_warned"] = sub["trial_end"]
        self.world.emit("customer.subscription.trial_will_end", sub)

    def do_trial_end(self, sub):
        subscriptions.end_trial(self.world, sub)

    def do_upcoming(self, sub):
        sub["_upcoming"] = subscriptions.period_of(sub)[1]
        invoice = subscriptions.upcoming(self.world, sub)
        self.world.emit("invoice.upcoming", invoice)

    def do_renew(self, sub):
        subscriptions.renew(self.world, sub)

    def do_finalize(self, invoice):
        invoices.finalize(self.world, invoice)
        if invoice["status"] == "open":
            invoices.collect(self.world, invoice)

    def do_retry(self, invoice):
        invoice["_retries"] = invoice.get("_retries", 0) + 1
        invoices.collect(self.world, invoice)

    def do_expire(self, session):
        checkout.expire(self.world, session)

    def do_refund_failure(self, row):
        disputes.fail_refund(self.world, row)
