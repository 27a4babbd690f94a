"""A vendor's description: validates values against it, and makes samples that it allows."""
from __future__ import annotations

import copy
import json
import pathlib
import re
from urllib.parse import unquote, urlsplit

from jsonschema import Draft202012Validator, ValidationError
from jsonschema.exceptions import best_match
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

SPECS = pathlib.Path(__file__).parents[1] / "specs"


class Invalid(Exception):
    """A request (or a fake object) that the vendor's description does not allow."""

    def __init__(self, message, param=None, kind="invalid"):
        super().__init__(message)
        self.param, self.kind = param, kind


class Spec:
    def __init__(self, doc):
        self.doc = _modernise(doc)  # also in 3.1 files: OpenAI's still says `nullable`
        self.registry = Registry().with_resource("urn:spec", Resource(self.doc, DRAFT202012))
        self._validators, self.closed = {}, {}
        self.routes = []
        base = urlsplit(self.doc.get("servers", [{"url": ""}])[0]["url"]).path.rstrip("/")
        for path, item in self.doc["paths"].items():
            rx = re.compile("^" + re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(base + path)) + "$")
            for method in ("get", "post", "put", "patch", "delete"):
                if method in item:
                    op = dict(item[method], parameters=item.get("parameters", []) + item[method].get("parameters", []))
                    self.routes.append((path.count("{"), method, path, rx, op))
        self.routes.sort(key=lambda r: r[0])  # literal segments win over parameters

    @classmethod
    def load(cls, name):
        return cls(json.loads((SPECS / name).read_text()))

    def match(self, method, path):
        for _, m, template, rx, op in self.routes:
            hit = rx.match(path)
            if hit and m == method.lower():
                return template, op, {k: unquote(v) for k, v in hit.groupdict().items()}
        return None

    def deref(self, schema):
        while isinstance(schema, dict) and "$ref" in schema:
            node = self.doc
            for part in schema["$ref"][2:].split("/"):
                node = node[part.replace("~1", "/").replace("~0", "~")]
            schema = node
        return schema

    def merged(self, schema):
        """allOf of objects -> one object (for building samples only; validation uses the original)."""
        if "allOf" not in schema:
            return schema
        props, need = dict(schema.get("properties", {})), list(schema.get("required", []))
        for part in map(self.deref, schema["allOf"]):
            part = self.merged(part)
            props.update(part.get("properties", {}))
            need += part.get("required", [])
        return {"type": "object", "properties": props, "required": need}

    def validator(self, schema):
        key = id(schema) if set(schema) != {"$ref"} else schema["$ref"]
        if key not in self._validators:  # keeps `schema` too, so that its id stays taken
            self._validators[key] = (Draft202012Validator(_absolute(schema), registry=self.registry), schema)
        return self._validators[key][0]

    def ok(self, value, schema):
        return self.validator(schema).is_valid(value)

    def check(self, value, schema):
        err = best_match(self.validator(schema).iter_errors(value), key=_depth_first)
        if err is not None:
            raise _explain(err)

    # ---- wire strings -> typed values, led by the schema
    def coerce(self, value, schema):
        schema = self.deref(schema)
        if not isinstance(schema, dict):
            return value
        branches = schema.get("anyOf") or schema.get("oneOf")
        if branches:
            tries = [self.coerce(value, b) for b in branches]
            for t, b in zip(tries, branches):
                if self.ok(t, b):
                    return t
            same = [t for t, b in zip(tries, branches) if self._kind(b) == type(value)]
            return (same or tries)[-1]
        types = schema.get("type")
        types = types if isinstance(types, list) else [types]
        if "array" in types and isinstance(value, (dict, list, str)):
            if isinstance(value, dict) and all(k.isdigit() or k == "" for k in value):
                value = [value[k] for k in sorted(value, key=lambda k: int(k or 0))]
                value = [x for v in value for x in (v if isinstance(v, list) else [v])]
            elif isinstance(value, str):
                value = [value]
            return [self.coerce(v, schema.get("items", {})) for v in value] if isinstance(value, list) else value
        if isinstance(value, dict):
            props, extra = schema.get("properties", {}), schema.get("additionalProperties", {})
            return {k: self.coerce(v, props.get(k, extra if isinstance(extra, dict) else {})) for k, v in value.items()}
        if isinstance(value, str):
            if "string" in types:
                return value
            if "integer" in types and re.fullmatch(r"-?\d+", value):
                return int(value)
            if "number" in types and re.fullmatch(r"-?\d+(\.\d+)?", value):
                return float(value)
            if "boolean" in types and value in ("true", "false"):
                return value == "true"
        return value

    def _kind(self, schema):
        t = self.deref(schema).get("type")
        return {"object": dict, "array": list, "string": str}.get(t)

    # ---- sample objects
    def sample(self, schema, depth=0):
        schema = self.deref(schema)
        if not schema:
            return None
        for key in ("example", "default", "const"):
            if key in schema and self.ok(schema[key], schema):
                return copy.deepcopy(schema[key])
        if "enum" in schema:
            return schema["enum"][0]
        for key in ("anyOf", "oneOf"):
            if key in schema:
                order = sorted(schema[key], key=lambda b: {"null": 0, "string": 1}.get(self.deref(b).get("type"), 2)
                               if depth else 0)
                return self.sample(order[0], depth + 1)
        schema = self.merged(schema)
        t = schema.get("type", "object" if "properties" in schema else None)
        t = ("null" if "null" in t and depth else t[0]) if isinstance(t, list) else t
        if t == "object":
            need = schema.get("required", []) if depth else [
                k for k in schema.get("properties", {}) if k in schema.get("required", [])]
            return {k: self.sample(schema["properties"][k], depth + 1) for k in need if k in schema.get("properties", {})}
        if t == "array":
            return [self.sample(schema.get("items", {}), depth + 1) for _ in range(schema.get("minItems", 0))]
        if t == "string":
            return {"date-time": "2026-01-01T00:00:00Z", "uri": "https://example.com"}.get(schema.get("format"), "string")
        return {"integer": schema.get("minimum", 1), "number": 1.0, "boolean": False}.get(t)

    def fit(self, value, schema, depth=0):
        """Prune what the schema does not know, add what it requires: old fixtures survive a new API version."""
        schema = self.deref(schema)
        if not isinstance(schema, dict) or (value is not None and self.ok(value, schema)):
            return value
        schema = self.merged(schema)
        branches = schema.get("anyOf") or schema.get("oneOf")
        if branches:
            fitted = [self.fit(value, b, depth + 1) for b in branches]
            return next((f for f, b in zip(fitted, branches) if self.ok(f, b)), self.sample(schema, depth + 1))
        if isinstance(value, dict) and "properties" in schema:
            props = schema["properties"]
            out = {k: self.fit(v, props[k], depth + 1) for k, v in value.items() if k in props} \
                if schema.get("additionalProperties") is False else \
                {k: self.fit(v, props.get(k, {}), depth + 1) for k, v in value.items()}
            for k in schema.get("required", []):
                if k not in out:
                    out[k] = self.sample(props.get(k, {}), depth + 1)
            return {k: v for k, v in out.items() if k in schema.get("required", []) or self.ok(v, props.get(k, {}))}
        if isinstance(value, list) and "items" in schema:
            return [self.fit(v, schema["items"], depth + 1) for v in value]
        return value if self.ok(value, schema) else self.sample(schema, depth + 1)


def _modernise(node):
    """OpenAPI 3.0 `nullable` -> JSON Schema."""
    if isinstance(node, list):
        return [_modernise(v) for v in node]
    if not isinstance(node, dict):
        return node
    node = {k: _modernise(v) for k, v in node.items()}
    if node.pop("nullable", False) is True:
        if isinstance(node.get("type"), str):
            node["type"] = [node["type"], "null"]
            if "enum" in node:
                node["enum"] = [*node["enum"], None]
        elif "$ref" in node or "allOf" in node:
            node = {"anyOf": [node, {"type": "null"}]}
    return node


def _absolute(node):
    if isinstance(node, list):
        return [_absolute(v) for v in node]
    if isinstance(node, dict):
        return {k: ("urn:spec" + v if k == "$ref" and isinstance(v, str) and v.startswith("#") else _absolute(v))
                for k, v in node.items()}
    return node


def _depth_first(err):
    return (-len(err.absolute_path), err.validator in ("anyOf", "oneOf"))


def _explain(err: ValidationError) -> Invalid:
    while err.validator in ("anyOf", "oneOf") and err.context:
        deepest = max(err.context, key=lambda e: (len(e.absolute_path), e.validator in ("additionalProperties", "required", "enum")))
        if deepest.validator == "type" and len(deepest.absolute_path) <= len(err.absolute_path):
            break
        err = deepest
    path = [str(p) for p in err.absolute_path]
    dotted = (path[0] + "".join(f"[{p}]" for p in path[1:])) if path else ""
    join = (lambda n: f"{dotted}[{n}]" if dotted else n)
    if err.validator == "required":
        name = join(re.match(r"'([^']+)'", err.message).group(1))
        return Invalid(f"Missing required param: {name}.", name, "required")
    if err.validator == "additionalProperties":
        names = [k for k in err.instance if k not in err.schema.get("properties", {})]
        return Invalid(f"Received unknown parameter: {join(names[0])}", join(names[0]), "unknown")
    if err.validator == "enum":
        return Invalid(f"Invalid {dotted}: must be one of {err.validator_value[:12]}", dotted, "enum")
    return Invalid(f"Invalid {dotted or 'body'}: {err.message[:200]}", dotted or None, "type")
