"""What everything here stands on: the store, the clock, the making of objects and of events."""

from __future__ import annotations

import contextlib
import secrets
import string
import time

from . import shapes
from .errors import missing
from .store import Store
from .vendor import StripeMock, description

LETTERS = string.ascii_letters + string.digits
# Prefixes as Stripe's; the parts after them are random.
PREFIX = {
    "product": "prod", "price": "price", "customer": "cus", "promotion_code": "promo", "discount": "di",
    "payment_method": "pm", "setup_intent": "seti", "payment_intent": "pi", "charge": "ch", "refund": "re",
    "dispute": "du", "balance_transaction": "txn", "invoice": "in", "line_item": "il", "invoiceitem": "ii",
    "invoice_payment": "inpay", "subscription": "sub", "subscription_item": "si",
    "subscription_schedule": "sub_sched", "checkout.session": "cs_test", "item": "li",
    "billing_portal.session": "bps", "billing_portal.configuration": "bpc", "event": "evt",
    "webhook_endpoint": "we", "customer_balance_transaction": "cbtxn", "tax_rate": "txr", "coupon": "",
    "_delivery": "dlv", "entitlements.feature": "feat", "product_feature": "prodft",
}  # fmt: skip
DEFAULTS = {
    "dunning_days": [3, 5, 7],  # after the first failure
    "dunning_end": "cancel",  # or "unpaid"
    "draft_seconds": 3600,  # a renewal stays a draft for about an hour
    "upcoming_days": 7,
}
WEBHOOKS = {"lose": 0, "duplicate": 0, "delay": 0, "reorder": 0}  # -1: all; n: the next n


class World:
    """One account of the stand-in. Every write happens inside `work()`."""

    def __init__(self, path=None, settings=None):
        self.store = Store(path)
        self.base_url = "http://127.0.0.1"
        self.request = {"id": None, "idempotency_key": None}
        self.expand = shapes.Expander(self)
        self._at = None
        self._deferred = []
        with self.work():
            defaults = {"clock": {"offset": 0}, "settings": DEFAULTS, "webhooks": WEBHOOKS}
            for name, values in defaults.items():
                saved = self.store.get("_meta", name) or self.store.add("_meta", {"id": name})
                saved.update({k: v for k, v in values.items() if k not in saved})
            self.settings.update(settings or {})

    # Units of work, time

    def work(self):
        return self.store.work()

    def meta(self, name):
        return self.store.get("_meta", name)

    @property
    def settings(self):
        return self.meta("settings")

    def now(self):
        """Seconds: the instant that is being replayed, else this machine's time plus the offset."""
        return self._at if self._at is not None else int(time.time()) + self.meta("clock")["offset"]

    @contextlib.contextmanager
    def at(self, instant):
        before, self._at = self._at, instant
        try:
            yield
        finally:
            self._at = before

    def later(self, action):
        """Run `action` at the end of this request, after what it follows from."""
        self._deferred.append(action)

    def run_later(self):
        while self._deferred:
            self._deferred.pop(0)()

    # Objects

    def new_id(self, kind):
        stem = PREFIX[kind]
        length = 56 if kind == "checkout.session" else 24
        tail = "".join(secrets.choice(LETTERS) for _ in range(length if stem else 8))
        return f"{stem}_{tail}" if stem else tail

    def new(self, kind, **fields):
        """A new object of `kind` in the store."""
        return self.store.add(kind, self.blank(kind, **fields))

    def blank(self, kind, **fields):
        body = shapes.blank(kind, **{"id": self.new_id(kind), **fields})
        if "created" in body and "created" not in fields:
            body["created"] = self.now()
        return body

    def get(self, kind, oid, param="id"):
        """The object; Stripe's `resource_missing` when there is none."""
        found = self.store.get(kind, oid) if isinstance(oid, str) else None
        if found is None:
            raise missing(kind, oid, param)
        return found

    def find(self, kind, where=None, **equals):
        return self.store.find(kind, where, **equals)

    def included(self, node, key):
        """What `expand` adds to an object that does not carry it otherwise."""
        from .includes import include

        return include(self, node, key)

    # Events

    def emit(self, type, obj, previous=None):
        """Write down that something happened, with a snapshot, and line up its delivery."""
        body = shapes.public(obj)
        spec = description()
        if type not in spec.doc["x-event-types"]:
            raise ValueError(f"no such event type: {type}")
        name = next(
            (n for p, n in StripeMock.EVENT_OBJECT if type.startswith(p)), type.rsplit(".", 1)[0]
        )
        spec.check(body, {"$ref": f"#/components/schemas/{name}"})
        data = {"object": body, **({"previous_attributes": previous} if previous else {})}
        event = self.new(
            "event", type=type, api_version=spec.doc["info"]["version"], data=data,
            request=dict(self.request), pending_webhooks=0,
        )  # fmt: skip
        del event["account"], event["context"]
        spec.check(shapes.public(event), {"$ref": "#/components/schemas/event"})
        for endpoint in self.store.peek("webhook_endpoint"):
            wanted = endpoint["enabled_events"]
            if endpoint["status"] == "enabled" and ("*" in wanted or type in wanted):
                event["pending_webhooks"] += 1
                self.deliver(event, endpoint)
        return event

    def deliver(self, event, endpoint):
        self.store.add(
            "_delivery",
            {
                "id": self.new_id("_delivery"), "event": event["id"], "endpoint": endpoint["id"],
                "type": event["type"], "state": "pending", "attempts": 0, "due": time.time(), "answer": None,
            },
        )  # fmt: skip

    @contextlib.contextmanager
    def changing(self, obj, type):
        """Emit `type` with what changed inside the block, if anything did."""
        before = shapes.public(obj)
        yield obj
        after = shapes.public(obj)
        previous = {k: before.get(k) for k in after if before.get(k) != after[k]}
        if previous:
            self.emit(type, obj, previous)

    def update(self, obj, type, **fields):
        with self.changing(obj, type):
            obj.update(fields)
        return obj
