"""The pages: checkout, 3-D Secure, portal, invoices, and `/_local/`. No scripts."""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from ..errors import StripeError, missing
from .pieces import error_page

STYLE = Path(__file__).with_name("local.css")
PAGES = []
SAFE = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action *; base-uri 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
}  # fmt: skip


def page(method, pattern, *, steps=False):
    """Register `view(desk, form, *groups)`; it returns HTML, a `Redirect`, bytes with a type, or JSON.

    A view is one unit of work; with `steps` it makes its own, and others get their turn between.
    """

    def register(view):
        PAGES.append((method, re.compile(f"^{pattern}$"), view, steps))
        return view

    return register


class Redirect(str):
    """An address to go to by GET."""


class Desk:
    """What a page works with."""

    def __init__(self, world, clockwork, delivery):
        self.world, self.clockwork, self.delivery = world, clockwork, delivery


class Pages:
    def __init__(self, world, clockwork, delivery):
        from . import invoice, local, pay, portal  # noqa: F401 - they register themselves

        self.desk = Desk(world, clockwork, delivery)

    def answer(self, method, target, headers, raw):
        url = urlsplit(target)
        if url.path == "/_local/style.css":
            return 200, {"Content-Type": "text/css; charset=utf-8", **SAFE}, STYLE.read_bytes()
        wants_json = "json" in headers.get("content-type", "") + headers.get("accept", "")
        try:
            self._same_origin(method, headers)
            out = self._view(method, url, headers, raw)
        except StripeError as exc:
            if wants_json:
                return exc.status, dict(SAFE), json.dumps(exc.body()).encode()
            return _html(exc.status, getattr(exc, "page", None) or error_page(str(exc)))
        except (ValueError, UnicodeDecodeError) as exc:
            return _html(400, error_page(f"This could not be read: {exc}"))
        return self._render(out, headers, wants_json)

    def _same_origin(self, method, headers):
        """A form of another site must not move the clock here."""
        origin = headers.get("origin")
        if (
            method == "POST"
            and origin not in (None, "null")
            and urlsplit(origin).netloc != headers.get("host")
        ):
            raise StripeError("Forms of other sites are not accepted.", status=403)

    def _view(self, method, url, headers, raw):
        wanted = "GET" if method == "HEAD" else method
        for verb, pattern, view, steps in PAGES:
            hit = pattern.match(url.path)
            if hit and verb == wanted:
                form = dict(parse_qsl(url.query))
                form.update(self._body(headers, raw))
                self.desk.clockwork.catch_up()
                if steps:
                    return view(self.desk, form, *hit.groups())
                with self.desk.world.work():
                    out = view(self.desk, form, *hit.groups())
                    self.desk.world.run_later()
                return out
        raise missing("page", url.path)

    def _body(self, headers, raw):
        if "json" in headers.get("content-type", ""):
            sent = json.loads(raw or b"{}")
            if not isinstance(sent, dict):
                raise ValueError("a JSON object is expected")
            return sent
        return dict(parse_qsl(raw.decode(), keep_blank_values=True))

    def _render(self, out, headers, wants_json):
        if isinstance(out, Redirect):
            return 303, {"Location": str(out), **SAFE}, b""
        if isinstance(out, tuple):
            body, kind = out
            if isinstance(body, int):
                return _html(body, kind)
            return 200, {"Content-Type": kind, **SAFE}, body
        if isinstance(out, dict):
            back = headers.get("referer", "")
            if wants_json or urlsplit(back).netloc != headers.get("host"):
                return 200, dict(SAFE), json.dumps(out).encode()
            return 303, {"Location": back, **SAFE}, b""
        return _html(200, out)


def _html(status, body):
    return status, {"Content-Type": "text/html; charset=utf-8", **SAFE}, body.encode()
