"""The API side: vendormock's validation of every request and answer, our rules in between."""

from __future__ import annotations

import collections
import secrets

from . import shapes
from .errors import StripeError, missing
from .money import DAY
from .vendor import Invalid, StripeMock, description

ROUTES = {}
FILTERS = {}


def route(method, template):
    """Register `handler(world, params, *path_ids)`; it returns an object, a list of them, or a body."""

    def register(handler):
        ROUTES[method.lower(), template] = handler
        return handler

    return register


def list_filter(kind):
    """Register `rows(world, params)` for a list that is more than "all of a kind"."""

    def register(handler):
        FILTERS[kind] = handler
        return handler

    return register


class Replays:
    """Saved answers by idempotency key, kept a day, in the store, so that they outlive a restart."""

    def __init__(self, world):
        self.world, self.store = world, world.store

    def __contains__(self, key):
        saved = self.store.get("_replay", key) if key is not None else None
        if saved and saved["at"] <= self.world.now() - DAY:
            self.store.remove("_replay", key)
            return False
        return saved is not None

    def __getitem__(self, key):
        saved = self.store.get("_replay", key)
        return saved["path"], saved["raw"].encode("latin-1"), tuple(saved["out"])

    def __setitem__(self, key, value):
        path, raw, out = value
        row = {"id": key, "path": path, "raw": raw.decode("latin-1"), "out": list(out)}
        self.store.add("_replay", {**row, "at": self.world.now()})


class Wire(StripeMock):
    """Stripe's HTTP in front of a `World`."""

    def __init__(self, world, clockwork):
        super().__init__(description())
        self.world, self.clockwork = world, clockwork
        self.lock = world.store.lock
        self.seen = collections.deque(maxlen=1000)
        self.idempotency = Replays(world)

    def serve(self, seen, query, raw):
        world = self.world
        self.clockwork.catch_up()
        rid = "req_" + secrets.token_hex(7)
        world.request = {"id": rid, "idempotency_key": seen.headers.get("idempotency-key")}
        try:
            with world.work():
                status, body, headers = super().serve(seen, query, raw)
                world.run_later()
        except StripeError as exc:
            status, body, headers = exc.status, exc.body(), {}
        finally:
            world.request = {"id": None, "idempotency_key": None}
        return status, body, {**headers, "Request-Id": rid, "Stripe-Version": self.version}

    def check_auth(self, headers):
        super().check_auth(headers)
        if "_live_" in headers["authorization"]:
            raise Invalid(
                "Invalid API Key provided: this stand-in has test mode only.", kind="auth"
            )

    def answer(self, seen, op, path_params):
        """As the mock's, but a declined payment is an answer too: it is kept and replayed."""
        try:
            return super().answer(seen, op, path_params)
        except StripeError as exc:
            if exc.keep:
                return exc.status, exc.body(), {}
            raise

    def default_body(self, seen, op, content, schema, path_params):
        handler = ROUTES.get((seen.method.lower(), seen.template))
        params = dict(seen.params)
        expand = params.pop("expand", [])
        if handler:
            body = handler(self.world, params, *path_params.values())
        elif seen.method == "GET" and schema.get("x-list") and self.whole(seen, path_params):
            body = self.rows(seen, schema, params)
        elif seen.method == "GET" and len(path_params) == 1 and "$ref" in schema:
            body = self.world.get(schema["$ref"].rsplit("/", 1)[-1], *path_params.values())
        else:
            raise StripeError(
                f"{seen.method} {seen.template} is not part of this stand-in (see its README).",
                status=501, kind="api_error",
            )  # fmt: skip
        if schema.get("x-list") and isinstance(body, list):
            body = self.page(body, seen.path, params)
        return self.world.expand(shapes.public(body), expand)

    def whole(self, seen, path_params):
        """Whether this lists all of a kind, not what belongs to an object or matches a query."""
        return not path_params and not seen.template.endswith("/search")

    def rows(self, seen, schema, params):
        kind = schema["properties"]["data"]["items"].get("$ref", "").rsplit("/", 1)[-1]
        if kind in FILTERS:
            return FILTERS[kind](self.world, params)
        return self.world.find(kind, lambda row: plain(row, params))

    def page(self, rows, url, params):
        """Newest first, by cursor."""
        rows = rows[::-1]
        limit = params.get("limit", 10)
        if not 1 <= limit <= 100:
            raise StripeError("Invalid limit: must be between 1 and 100.", param="limit")
        ids = [row["id"] for row in rows]
        for name in ("starting_after", "ending_before"):
            if name in params and params[name] not in ids:
                raise missing("object", params[name], name)
        if "starting_after" in params:
            rows = rows[ids.index(params["starting_after"]) + 1 :]
        elif "ending_before" in params:
            rows = rows[: ids.index(params["ending_before"])]
            return shapes.listing(rows[-limit:], url, len(rows) > limit)
        return shapes.listing(rows[:limit], url, len(rows) > limit)


RANGES = {
    "gt": lambda a, b: a > b, "gte": lambda a, b: a >= b,
    "lt": lambda a, b: a < b, "lte": lambda a, b: a <= b,
}  # fmt: skip


def within(value, wanted):
    """A timestamp against `{"gte": …}` or an exact value."""
    if not isinstance(wanted, dict):
        return value == wanted
    return all(RANGES[op](value, bound) for op, bound in wanted.items())


def plain(row, params, skip=()):
    """The filters that Stripe's lists have in common: equality and ranges of time."""
    for name, wanted in params.items():
        if name in ("limit", "starting_after", "ending_before", *skip) or name not in row:
            continue
        if name in ("created", "due_date", "canceled_at"):
            if not within(row[name], wanted):
                return False
        elif row[name] != wanted:
            return False
    return True
