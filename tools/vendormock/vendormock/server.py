"""The server of a stand-in: takes a request, holds it to the description, answers, fails on demand."""
from __future__ import annotations

import base64
import contextlib
import copy
import dataclasses
import itertools
import json
import re
import socket
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

from .spec import Invalid


@dataclasses.dataclass
class Seen:
    method: str
    path: str
    template: str | None
    params: dict
    headers: dict
    status: int = 0
    problem: str | None = None
    body: object = None


class Server(ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        if not isinstance(sys.exception(), ConnectionError):  # a client may hang up, and so do we
            super().handle_error(request, client_address)


class VendorMock:
    auth = "bearer"

    def __init__(self, spec):
        self.spec, self.seen, self.faults, self.overrides = spec, [], [], {}
        self.idempotency, self.store, self.counter, self.lock = {}, {}, itertools.count(1), threading.RLock()
        self.strict_ids = False
        self.open = set()  # connections, which clients like to keep

    # ---- lifecycle
    def __enter__(self):
        mock = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # else 40 ms a request

            def setup(self):
                super().setup()
                mock.open.add(self.connection)

            def finish(self):
                mock.open.discard(self.connection)
                super().finish()

            def _go(self):
                raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                out = mock.handle(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, raw)
                if out is None:  # dropped connection
                    self.connection.shutdown(socket.SHUT_RDWR)
                    self.close_connection = True
                    return
                status, headers, body = out
                self.send_response(status)
                for k, v in {"Content-Type": "application/json", **headers, "Content-Length": str(len(body))}.items():
                    self.send_header(k, v)
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _go

            def log_message(self, *args):
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *exc):
        self.server.shutdown()
        self.server.server_close()
        # Else a client that kept a connection would go on talking to this mock, although another
        # one listens at the port by now.
        for connection in list(self.open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    # ---- knobs for tests
    def fail_next(self, *, times=1, status=500, body=None, delay=0.0, drop=False, before=True, match=""):
        """Next `times` requests whose path contains `match` fail.  before=False: do the work, then lose the answer."""
        self.faults += [dict(status=status, body=body, delay=delay, drop=drop, before=before, match=match)] * times

    def on(self, method, template, answer):
        """answer: dict merged over the default body | (status, dict) | callable(Seen, default_body) -> dict."""
        self.overrides[(method.lower(), template)] = answer

    def problems(self):
        return [f"{s.method} {s.path}: {s.problem}" for s in self.seen if s.problem]

    def calls(self, method=None, contains=""):
        return [s for s in self.seen if (not method or s.method == method.upper()) and contains in s.path]

    # ---- the request
    def handle(self, method, target, headers, raw):
        url = urlsplit(target)
        seen = Seen(method, url.path, None, {}, headers)
        with self.lock:
            self.seen.append(seen)
            fault = next((f for f in self.faults if f["match"] in url.path), None)
            if fault:
                self.faults.remove(fault)
        if fault:
            time.sleep(fault["delay"])
            if fault["before"]:
                seen.status = 0 if fault["drop"] else fault["status"]
                return None if fault["drop"] else self.render(fault["status"], fault["body"] or self.error_body(
                    fault["status"], Invalid("injected fault", kind="fault")))
        try:
            with self.lock:
                status, body, extra = self.serve(seen, url.query, raw)
        except Invalid as exc:
            status = {"auth": 401, "route": 404, "missing_object": 404}.get(exc.kind, 400)
            if exc.kind != "missing_object":
                seen.problem = str(exc)
            body, extra = self.error_body(status, exc), {}
        except Exception as exc:  # a fault of this file, not of the caller: say so, do not hang up
            status, body, extra = 500, self.error_body(500, Invalid(f"vendormock: {exc!r}", kind="fault")), {}
            seen.problem = f"vendormock itself failed: {exc!r}"
        seen.status, seen.body = status, body
        if fault and not fault["before"]:
            return None if fault["drop"] else self.render(fault["status"], fault["body"] or {})
        return self.render(status, body, extra)

    def render(self, status, body, headers=None):
        if isinstance(body, bytes):
            return status, headers or {}, body
        return status, headers or {}, json.dumps(body).encode()

    def serve(self, seen, query, raw):
        hit = self.spec.match(seen.method, seen.path)
        if not hit:
            raise Invalid(f"Unrecognized request URL ({seen.method}: {seen.path})", kind="route")
        seen.template, op, path_params = hit
        self.check_auth(seen.headers)
        for p in op["parameters"]:
            if p["in"] == "path":
                self.spec.check(path_params[p["name"]], p["schema"])
        seen.params = self.read_params(seen, op, query, raw)
        replay = self.replay(seen, raw)
        if replay:
            return replay
        out = self.answer(seen, op, path_params)
        key = seen.headers.get("idempotency-key")
        if key and seen.method == "POST":
            self.idempotency[key] = (seen.path, raw, copy.deepcopy(out))
        return out

    def check_auth(self, headers):
        value = headers.get("authorization", "")
        if not re.match(rf"(?i){self.auth} \S+", value):
            raise Invalid("You did not provide an API key", kind="auth")
        if self.auth == "basic" and b":" not in base64.b64decode(value.split()[1]):
            raise Invalid("bad basic credentials", kind="auth")

    def read_params(self, seen, op, query, raw):
        spec = self.spec
        qs = _nest(parse_qsl(query, keep_blank_values=True))
        qschema = op.get("x-query")
        if qschema is None:
            qparams = {p["name"]: p for p in op["parameters"] if p["in"] == "query"}
            qschema = {"type": "object", "additionalProperties": False,
                       "properties": {n: p["schema"] for n, p in qparams.items()},
                       "required": [n for n, p in qparams.items() if p.get("required")]}
        if seen.method == "DELETE" and raw:
            qs.update(_nest(parse_qsl(raw.decode(), keep_blank_values=True)))
        qs = spec.coerce(qs, qschema)
        spec.check(qs, qschema)
        body = op.get("requestBody") if seen.method != "DELETE" else None
        if not body:
            if raw and seen.method not in ("DELETE",):
                raise Invalid("this operation takes no body")
            return qs
        ctype = seen.headers.get("content-type", "").split(";")[0]
        if ctype not in body["content"]:
            raise Invalid(f"Content-Type {ctype!r}; expected one of {sorted(body['content'])}")
        schema = body["content"][ctype]["schema"]
        if ctype.endswith("json"):
            value = json.loads(raw or b"{}")
        else:
            value = spec.coerce(_nest(parse_qsl(raw.decode(), keep_blank_values=True)), schema)
            if seen.method == "POST" and not isinstance(value, dict):
                value = {}
            if "additionalProperties" not in spec.deref(schema):  # an unlisted form parameter is an error all the same
                schema = spec.closed.setdefault(id(schema), {**spec.deref(schema), "additionalProperties": False})
        if body.get("required") or value:
            spec.check(value, schema)
        return {**qs, **value}

    def replay(self, seen, raw):
        key = seen.headers.get("idempotency-key")
        if seen.method != "POST" or key not in self.idempotency:
            return None
        path, old, out = self.idempotency[key]
        if (path, old) != (seen.path, raw):
            raise Invalid("Keys for idempotent requests can only be used with the same parameters", kind="idempotency")
        status, body, extra = copy.deepcopy(out)
        return status, body, {**extra, "Idempotent-Replayed": "true"}

    # ---- the answer
    def answer(self, seen, op, path_params):
        status, content = next(((int(k), v) for k, v in op["responses"].items() if k.startswith("2")), (204, {}))
        content = self.spec.deref(content).get("content", {}).get("application/json")
        if content is None:
            return status, b"", {}
        schema = content["schema"]
        body = self.default_body(seen, op, content, schema, path_params)
        override = self.overrides.get((seen.method.lower(), seen.template))
        if callable(override):
            body = override(seen, body)
        elif isinstance(override, tuple):
            return override[0], override[1], {}
        elif override:
            body = {**body, **override}
        try:
            self.spec.check(body, schema)
        except Invalid as exc:  # a test's fake answer must be one the vendor could send
            raise RuntimeError(f"the answer to {seen.method} {seen.template} is not one the vendor gives: {exc}") from exc
        return status, body, {}

    def default_body(self, seen, op, content, schema, path_params):
        examples = [e.get("value") for e in (content.get("examples") or {}).values()]
        docs = (op.get("x-oaiMeta") or {}).get("examples", [])
        for e in docs if isinstance(docs, list) else [docs]:
            try:
                examples.append(json.loads(e.get("response")) if isinstance(e.get("response"), str) else e.get("response"))
            except ValueError:
                pass
        examples = [e for e in examples if isinstance(e, dict)]
        good = [e for e in examples if self.spec.ok(e, schema)]
        body = copy.deepcopy((good or examples or [self.sample_for(schema)])[0])
        return self.spec.fit(body, schema)

    def sample_for(self, schema):
        return self.spec.sample(schema)

    def error_body(self, status, exc):
        return {"error": {"message": str(exc), "type": "invalid_request_error", "param": exc.param, "code": None}}


def _nest(pairs):
    """a[b][0]=x  ->  {'a': {'b': {'0': 'x'}}};  a[]=x&a[]=y and a=x&a=y -> lists."""
    out = {}
    for key, value in pairs:
        parts = re.findall(r"[^\[\]]+|(?<=\[)(?=\])", key) or [key]
        node = out
        for p in parts[:-1]:
            nxt = node.setdefault(p, {})
            if not isinstance(nxt, dict):
                raise Invalid(f"Invalid parameter shape at {key}", param=key)
            node = nxt
        last = parts[-1]
        if last in node:
            node[last] = (node[last] if isinstance(node[last], list) else [node[last]]) + [value]
        else:
            node[last] = value
    return out
