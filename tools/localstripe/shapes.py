"""Objects as the pinned description knows them: blank, public, expanded."""

from __future__ import annotations

import copy
import functools

from .errors import refused
from .vendor import description

# In answers only when asked for by `expand`; elsewhere the key is absent, not null.
INCLUDED = {
    "checkout.session": {"line_items"},
    "customer": {"sources", "subscriptions", "tax_ids", "invoice_credit_balance", "cash_balance"},
    "invoice": {"payments", "confirmation_secret", "status_details", "threshold_reason"},
    "charge": {"refunds", "level3", "transfer", "source_transfer", "transfer_data"},
    "price": {"currency_options", "tiers"},
    "coupon": {"applies_to", "currency_options"},
    "webhook_endpoint": {"secret"},
}
RARE = {  # keys that Stripe sends only when they have something to say
    "deleted", "customer_account", "managed_payments", "presentment_details", "hooks", "application_fee",
    "allowed_payment_method_types", "test_clock", "cash_balance", "rendering", "radar_options",
}  # fmt: skip


@functools.cache
def _schema(kind):
    return description().doc["components"]["schemas"][kind]


def _default(schema):
    spec = description()
    if spec.ok(None, schema):
        return None
    schema = spec.deref(schema)
    kind = schema.get("type")
    if kind == "array":
        return []
    if kind == "boolean":
        return False
    if kind == "integer":
        return 0
    if len(schema.get("enum", ())) == 1:
        return schema["enum"][0]
    if kind == "object" and set(schema.get("required", ())) >= {"object", "data", "has_more"}:
        return listing([], "")
    if kind == "object" and not schema.get("required"):
        return {}
    return ...  # the maker has to say


@functools.cache
def _blank(kind):
    skipped = RARE | INCLUDED.get(kind, set())
    body = {k: _default(v) for k, v in _schema(kind)["properties"].items() if k not in skipped}
    if kind == "payment_method":  # one key per type, and only that of its own type is there
        types = set(description().deref(_schema(kind)["properties"]["type"])["enum"])
        body = {k: v for k, v in body.items() if k not in types | {"custom"}}
    return {k: v for k, v in body.items() if v is not ...}


def blank(kind, **fields):
    """An object of `kind` with every key at its emptiest value, then `fields`."""
    return {**copy.deepcopy(_blank(kind)), **fields}


def listing(rows, url, has_more=False):
    return {"object": "list", "data": rows, "has_more": has_more, "url": url}


def public(value):
    """A copy without the keys that begin with an underscore: those are for us."""
    if isinstance(value, dict):
        return {k: public(v) for k, v in value.items() if not k.startswith("_")}
    return [public(v) for v in value] if isinstance(value, list) else value


class Expander:
    """Puts objects where ids stand, as `expand` asks."""

    def __init__(self, world):
        self.world = world

    def __call__(self, body, paths):
        for path in paths:
            if path.count(".") > 3:
                raise refused(
                    f"You cannot expand more than 4 levels of a property: {path}", param="expand"
                )
            self._into(body, path.split("."), path)
        return body

    def _into(self, node, parts, path):
        if isinstance(node, list):
            for part in node:
                self._into(part, parts, path)
            return
        if not isinstance(node, dict) or not parts:
            return
        key, rest = parts[0], parts[1:]
        if key not in node:
            self._include(node, key, path)
        value = node.get(key)
        if isinstance(value, str):
            node[key] = value = self._object(key, value, path)
        elif isinstance(value, list):
            node[key] = value = [
                self._object(key, v, path) if isinstance(v, str) else v for v in value
            ]
        self._into(value, rest, path)

    def _object(self, key, oid, path):
        kind = {"coupon": "coupon", "product": "product"}.get(key)
        found = self.world.store.get(kind or self.world.store.kind_of.get(oid, ""), oid)
        if found is None:
            raise refused(f"This property cannot be expanded ({path}).", param="expand")
        return public(found)

    def _include(self, node, key, path):
        kind = node.get("object")
        if kind and key in INCLUDED.get(kind, ()):
            value = self.world.included(node, key)
            if value is not None:
                node[key] = value
        elif kind and kind != "list" and key not in _schema(kind)["properties"]:
            raise refused(f"This property cannot be expanded ({path}).", param="expand")
