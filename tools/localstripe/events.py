"""Lists of events, and webhook endpoints."""

from __future__ import annotations

import secrets
from fnmatch import fnmatch

from .errors import refused
from .params import assign, at_most_one, metadata
from .wire import list_filter, plain, route


@list_filter("event")
def events(w, p):
    """With `delivery_success`, by what became of the webhooks; those on their way count as failed."""
    at_most_one(p, "type", "types")
    names = p.get("types") or ([p["type"]] if "type" in p else None)
    wanted = p.get("delivery_success")
    states: dict[str, set] = {}
    for row in w.store.peek("_delivery"):
        states.setdefault(row["event"], set()).add((row["endpoint"], row["state"]))

    def fits(row):
        if names and not any(fnmatch(row["type"], name) for name in names):
            return False
        return wanted is None or wanted == _arrived(states.get(row["id"], set()))

    return w.find(
        "event", lambda row: fits(row) and plain(row, p, skip=("type", "types", "delivery_success"))
    )


def _arrived(states):
    """Delivered to each endpoint at least once."""
    reached = {endpoint for endpoint, state in states if state == "delivered"}
    return {endpoint for endpoint, _ in states} <= reached


@route("POST", "/v1/webhook_endpoints")
def create_endpoint(w, p):
    secret = f"whsec_{secrets.token_hex(16)}"
    made = add_endpoint(w, p["url"], secret, p["enabled_events"], description=p.get("description"),
                        metadata=metadata(None, p.get("metadata")), api_version=p.get("api_version"))  # fmt: skip
    return {**made, "secret": secret}


def add_endpoint(w, url, secret, events=("*",), **fields):
    if not url.startswith(("http://", "https://")):
        raise refused(
            "Invalid URL: An explicit scheme (such as https) must be provided.", param="url"
        )
    return w.new("webhook_endpoint", url=url, enabled_events=list(events), status="enabled", _secret=secret,
                 **{"metadata": {}, **fields})  # fmt: skip


@route("POST", "/v1/webhook_endpoints/{webhook_endpoint}")
def update_endpoint(w, p, oid):
    made = w.get("webhook_endpoint", oid)
    assign(made, p, "url", "enabled_events", "description")
    if "disabled" in p:
        made["status"] = "disabled" if p["disabled"] else "enabled"
    return made


@route("DELETE", "/v1/webhook_endpoints/{webhook_endpoint}")
def delete_endpoint(w, p, oid):
    made = w.get("webhook_endpoint", oid)
    w.store.remove("webhook_endpoint", oid)
    return {"id": made["id"], "object": "webhook_endpoint", "deleted": True}
