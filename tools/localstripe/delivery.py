"""Webhooks: one background thread that signs, sends, retries and writes down what became of it."""

from __future__ import annotations

import http.client
import json
import threading
import time
from urllib.parse import urlsplit

import stripe

from . import shapes
from .errors import refused

RETRIES = (1, 5, 30, 300, 3600)  # seconds of real time after each failed try
REORDER_WINDOW = 0.3


class Delivery:
    """Sends what `World.deliver` lined up. The switches make it lose, double, delay and reorder."""

    def __init__(self, world, retries=RETRIES):
        self.world, self.retries = world, tuple(retries)
        self.ready = threading.Condition()
        self._stop = False
        self._stirred = False
        self.thread = threading.Thread(target=self._loop, name="localstripe-webhooks", daemon=True)
        world.store.after_commit = self.stir

    def start(self):
        self.thread.start()

    def stop(self):
        with self.ready:
            self._stop = True
            self.ready.notify_all()
        self.thread.join(15)

    def stir(self):
        if threading.current_thread() is self.thread:
            return  # its own notes are no news to it
        with self.ready:
            self._stirred = True
            self.ready.notify_all()

    def settle(self, timeout=10.0):
        """Wait until nothing is on its way any more; False when it took longer."""
        with self.ready:
            return self.ready.wait_for(lambda: not self._pending(), timeout)

    def tried(self, timeout=10.0):
        """Wait until everything was sent once; what failed and waits for its next try is let be."""
        with self.ready:
            return self.ready.wait_for(lambda: all(d["attempts"] for d in self._pending()), timeout)

    def send_again(self, event_id):
        """Line up an event once more for every endpoint."""
        w = self.world
        with w.work():
            event = w.get("event", event_id)
            endpoints = w.find("webhook_endpoint", status="enabled")
            if not endpoints:
                raise refused("There is no webhook endpoint.")
            for endpoint in endpoints:
                w.deliver(event, endpoint)

    def switch(self, **changes):
        """Set `lose`, `duplicate`, `reorder` (how many events; -1: all) or `delay` (seconds)."""
        w = self.world
        with w.work():
            knobs = w.meta("webhooks")
            for name, value in changes.items():
                if name not in knobs or name == "id":
                    raise refused(f"There is no switch {name}.", param=name)
                knobs[name] = -1 if value is True else value or 0
        return {k: v for k, v in knobs.items() if k != "id"}

    def _pending(self):
        return [d for d in self.world.store.peek("_delivery") if d["state"] == "pending"]

    def _loop(self):
        while True:
            with self.ready:
                if self._stop:
                    return
                wait = self._wait()
                if wait is None or wait > 0:
                    self.ready.notify_all()
                    self.ready.wait_for(lambda: self._stop or self._stirred, wait)
                self._stirred = False
                if self._stop:
                    return
            picked = self._pick() if self._pending() else None
            if picked:
                self._handle(picked)

    def _wait(self):
        """Seconds until the next delivery is due; None: nothing to do."""
        due = [d["due"] for d in self._pending()]
        return max(0.0, min(due) - time.time()) if due else None

    def _pick(self):
        w = self.world
        with w.work():
            rows = [d for d in self._pending() if d["due"] <= time.time()]
            knobs = w.meta("webhooks")
            fresh = [d for d in rows if not d.get("held")]
            if (knobs["delay"] or knobs["reorder"]) and fresh:
                self._hold(fresh, knobs)
                return None
            if not rows:
                return None
            order = -1 if knobs["reorder"] and _use(knobs, "reorder") else 0
            row = rows[order]
            row = w.store.get("_delivery", row["id"])
            if row["attempts"] == 0 and _use(knobs, "lose"):
                row["state"] = "lost"
                return None
            event = w.store.get("event", row["event"])
            endpoint = w.store.get("webhook_endpoint", row["endpoint"])
            if endpoint is None:
                row["state"] = "failed"
                return None
            twice = row["attempts"] == 0 and _use(knobs, "duplicate")
            return row["id"], json.dumps(shapes.public(event)), dict(endpoint), 2 if twice else 1

    def _hold(self, fresh, knobs):
        """Put new ones aside; to be reordered, those that are held wait for them and go together."""
        together = [d for d in self._pending() if d.get("held") and not d["attempts"]]
        for row in fresh + (together if knobs["reorder"] else []):
            row = self.world.store.get("_delivery", row["id"])
            row.update(held=True, due=time.time() + (knobs["delay"] or REORDER_WINDOW))

    def _handle(self, picked):
        oid, body, endpoint, times = picked
        for _ in range(times):  # outside of any lock: the receiver may call us back
            answer = post(endpoint["url"], body.encode(), endpoint["_secret"])
        w = self.world
        with w.work():
            row = w.store.get("_delivery", oid)
            row["attempts"] += 1
            row["answer"] = answer
            if isinstance(answer, int) and 200 <= answer < 300:
                row["state"] = "delivered"
                event = w.store.get("event", row["event"])
                event["pending_webhooks"] = max(0, event["pending_webhooks"] - 1)
            elif row["attempts"] > len(self.retries):
                row["state"] = "failed"
            else:
                row["due"] = time.time() + self.retries[row["attempts"] - 1]


def _use(knobs, name):
    """Whether the switch is on; a counted one counts down."""
    if knobs[name] > 0:
        knobs[name] -= 1
        return True
    return knobs[name] < 0


def post(url, body, secret):
    """The status of the answer, or what went wrong. Signed now, whatever the clock here says."""
    parts = urlsplit(url)
    header = stripe.WebhookSignature.generate_signature_header(body.decode(), secret)
    make = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = make(parts.hostname, parts.port, timeout=10)
    try:
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", target or "/", body, {
            "Content-Type": "application/json; charset=utf-8", "Stripe-Signature": header,
            "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)"})  # fmt: skip
        return connection.getresponse().status
    except (OSError, http.client.HTTPException) as exc:
        return f"{type(exc).__name__}: {exc}"
    finally:
        connection.close()
