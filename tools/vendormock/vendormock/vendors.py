"""The vendors: what differs from one stand-in to the next."""
from __future__ import annotations

import base64
import copy
import json
import re
import struct
import time

from .server import VendorMock
from .spec import Invalid, Spec


class StripeMock(VendorMock):
    def __init__(self, spec=None):
        super().__init__(spec or Spec.load("stripe.json"))
        self.version = self.spec.doc["info"]["version"]

    def serve(self, seen, query, raw):
        sent = seen.headers.get("stripe-version")
        if sent != self.version:
            raise Invalid(f"Stripe-Version {sent!r} sent, this description is {self.version!r}")
        return super().serve(seen, query, raw)

    def fixture(self, name):
        schema = {"$ref": f"#/components/schemas/{name}"}
        got = self.spec.doc["x-fixtures"].get(name)
        return self.spec.fit(copy.deepcopy(got) if got else self.spec.sample(schema), schema)

    def make(self, name, **fields):
        """An object of type `name`; raises Invalid when a field is not in this API version."""
        body = {**self.fixture(name), **fields}
        self.spec.check(body, {"$ref": f"#/components/schemas/{name}"})
        if "id" in body:
            self.store.setdefault(name, {})[body["id"]] = body
        return body

    def default_body(self, seen, op, content, schema, path_params):
        if schema.get("x-list"):
            name = schema["properties"]["data"]["items"].get("$ref", "").rsplit("/", 1)[-1]
            rows = [o for o in self.store.get(name, {}).values()
                    if all(o.get(k) == v for k, v in seen.params.items() if k in o and isinstance(v, (str, bool, int)))]
            rows = rows[::-1]
            after = seen.params.get("starting_after")
            if after:
                ids = [r["id"] for r in rows]
                rows = rows[ids.index(after) + 1:] if after in ids else []
            limit = seen.params.get("limit", 10)
            return {"object": "list", "url": seen.path, "has_more": len(rows) > limit, "data": rows[:limit]}
        if "$ref" not in schema:
            return {}
        name = schema["$ref"].rsplit("/", 1)[-1]
        table = self.store.setdefault(name, {})
        oid = list(path_params.values())[-1] if path_params else None
        old = table.get(oid) if oid else None
        if oid and not old and (self.strict_ids or seen.method == "GET" and self.strict_ids):
            raise Invalid(f"No such {name}: '{oid}'", param="id", kind="missing_object")
        body = copy.deepcopy(old) if old else self.fixture(name)
        if "id" in body and not old:
            stem = re.sub(r"[A-Za-z0-9]+$", "", str(body["id"])) or (name[:3] + "_")
            body["id"] = oid or f"{stem}mock{next(self.counter):06d}"
        if isinstance(body.get("created"), int) and not old:  # v2 objects carry a string
            body["created"] = int(time.time())
        if "livemode" in body:
            body["livemode"] = False
        props = self.spec.deref(schema)["properties"]
        if seen.method == "POST":  # echo what the caller set, where the object has such a field
            for k, v in seen.params.items():
                if k in props and k not in ("id", "object") and self.spec.ok(v, props[k]):
                    body[k] = v
        if seen.method == "DELETE" and "deleted" in props:
            body["deleted"] = True
        if seen.method == "DELETE" and name == "subscription":
            body.update(status="canceled", canceled_at=int(time.time()), ended_at=int(time.time()))
        if "id" in body:
            table[body["id"]] = body
        return body

    def error_body(self, status, exc):
        kind = {"auth": "invalid_request_error", "idempotency": "idempotency_error", "fault": "api_error"}.get(
            exc.kind, "invalid_request_error")
        code = {"required": "parameter_missing", "unknown": "parameter_unknown", "missing_object": "resource_missing"}
        return {"error": {"type": kind, "code": code.get(exc.kind), "param": exc.param, "message": str(exc)}}

    # ---- webhooks
    EVENT_OBJECT = [("customer.subscription.", "subscription"), ("customer.discount.", "discount"),
                    ("customer.tax_id.", "tax_id"), ("charge.dispute.", "dispute"), ("charge.refund.", "refund"),
                    ("entitlements.active_entitlement_summary.", "entitlements.active_entitlement_summary"),
                    ("billing_portal.session.", "billing_portal.session"), ("checkout.session.", "checkout.session"),
                    ("test_helpers.test_clock.", "test_helpers.test_clock")]

    def event(self, type, obj=None, previous=None, *, id=None, created=None, account=None, **fields):
        """A `snapshot` event whose data.object is valid for this API version (unknown fields raise Invalid)."""
        if type not in self.spec.doc["x-event-types"]:
            raise Invalid(f"no such event type: {type}", kind="unknown")
        name = next((n for p, n in self.EVENT_OBJECT if type.startswith(p)), type.rsplit(".", 1)[0])
        body = copy.deepcopy(obj) if obj else self.make(name)
        body.update(fields)
        self.spec.check(body, {"$ref": f"#/components/schemas/{name}"})
        ev = {"id": id or f"evt_mock{next(self.counter):06d}", "object": "event", "type": type,
              "api_version": self.version, "created": created or int(time.time()), "livemode": False,
              "pending_webhooks": 1, "request": {"id": None, "idempotency_key": None},
              "data": {"object": body, **({"previous_attributes": previous} if previous else {})}}
        if account:
            ev["account"] = account
        self.spec.check(ev, {"$ref": "#/components/schemas/event"})
        self.store.setdefault("event", {})[ev["id"]] = ev
        return ev

    @staticmethod
    def signed(event, secret, timestamp=None):
        """(body bytes, {'Stripe-Signature': …}) made by the vendor's own signing code."""
        import stripe

        body = json.dumps(event, separators=(",", ":"))
        sig = stripe.WebhookSignature.generate_signature_header(body, secret, timestamp=timestamp)
        return body.encode(), {"Stripe-Signature": sig, "Content-Type": "application/json"}


class TwilioMock(VendorMock):
    auth = "basic"

    def __init__(self, spec):
        super().__init__(Spec.load(spec) if isinstance(spec, str) else spec)

    def error_body(self, status, exc):
        code = {"auth": 20003, "route": 20404, "required": 21604, "fault": 20500}.get(exc.kind, 20001)
        return {"code": code, "message": str(exc), "more_info": f"https://www.twilio.com/docs/errors/{code}", "status": status}


class OpenAIMock(VendorMock):
    def __init__(self, spec=None):
        super().__init__(spec or Spec.load("openai.json"))
        self.chunks = ["Hello", " there", "!"]

    def default_body(self, seen, op, content, schema, path_params):
        body = super().default_body(seen, op, content, schema, path_params)
        if seen.template.endswith("/embeddings"):  # the description's own example is not JSON
            texts = seen.params["input"] if isinstance(seen.params["input"], list) else [seen.params["input"]]
            size = seen.params.get("dimensions", 8)
            rows = [[((hash((str(t), i)) % 2001) - 1000) / 1000 for i in range(size)] for t in texts]
            if seen.params.get("encoding_format") == "base64":
                rows = [base64.b64encode(struct.pack(f"<{size}f", *r)).decode() for r in rows]
            body["data"] = [{"object": "embedding", "index": n, "embedding": r} for n, r in enumerate(rows)]
        return body

    def answer(self, seen, op, path_params):
        if not seen.params.get("stream"):
            return super().answer(seen, op, path_params)
        made = {"id": "chatcmpl-mock1", "object": "chat.completion.chunk", "created": int(time.time()),
                "model": seen.params["model"]}
        if not seen.template.endswith("/chat/completions"):
            raise Invalid("the mock streams chat completions only; use .on() for others")
        parts = [{"role": "assistant", "content": ""}, *({"content": c} for c in self.chunks)]
        events = [{**made, "choices": [{"index": 0, "delta": p, "finish_reason": None, "logprobs": None}]} for p in parts]
        events.append({**made, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop", "logprobs": None}]})
        for e in events:
            self.spec.check(e, {"$ref": "#/components/schemas/CreateChatCompletionStreamResponse"})
        text = "".join(f"data: {json.dumps(e)}\n\n" for e in events) + "data: [DONE]\n\n"
        return 200, text.encode(), {"Content-Type": "text/event-stream"}
