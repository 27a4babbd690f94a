"""The server: API, pages and the clock behind one address on this machine."""

from __future__ import annotations

import contextlib
import os
import socket
import sqlite3
import threading
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from . import (
    catalog,
    changes,
    checkout,
    customers,
    disputes,
    events,
    invoices,
    pausing,
    payments,
    portal,
    schedules,
    subscriptions,
)  # fmt: skip
from .clockwork import Clockwork
from .delivery import RETRIES, Delivery
from .pages import Pages
from .wire import Wire
from .world import World

HANDLERS = (catalog, changes, checkout, customers, disputes, events, invoices, pausing, payments, portal, schedules,
            subscriptions)  # fmt: skip  # importing them registers their routes
LOCAL = "we_local"
BIGGEST = 1 << 20  # bytes of a request


class LocalStripe:
    """Stripe on 127.0.0.1, for a laptop without network; no money moves.

    `state` is one SQLite file (None: memory). With `port=0` the port of the last run is taken
    again if it is free. Webhooks go to `webhook_url`, signed with `webhook_secret`. A `companion`
    goes by the same clock: see README. Raises RuntimeError when THREADFLOW_ENV says production.
    """

    def __init__(self, state=None, webhook_url=None, webhook_secret=None, port=0, *, settings=None,
                 retries=RETRIES, companion=None):  # fmt: skip
        if os.environ.get("THREADFLOW_ENV", "").lower() == "production":
            raise RuntimeError(
                "The local Stripe does not run in production: nothing here is paid for."
            )
        if webhook_url and not webhook_secret:
            raise ValueError("webhook_url needs webhook_secret")
        if state:
            Path(state).parent.mkdir(parents=True, exist_ok=True)
        try:
            self.world = World(state, settings)
        except sqlite3.OperationalError as exc:
            raise RuntimeError(f"{state} is in use by another process: {exc}") from exc
        except sqlite3.DatabaseError as exc:
            raise ValueError(f"{state} is not a state file of the local Stripe: {exc}") from exc
        self.delivery = Delivery(self.world, retries)
        self.clockwork = Clockwork(self.world, companion, self.delivery.tried)
        self.wire = Wire(self.world, self.clockwork)
        self.pages = Pages(self.world, self.clockwork, self.delivery)
        self.wanted = port
        self.server, self.stopped = None, False
        self._endpoint(webhook_url, webhook_secret)

    def _endpoint(self, url, secret):
        with self.world.work():
            old = self.world.store.get("webhook_endpoint", LOCAL)
            if old is None and url:
                events.add_endpoint(self.world, url, secret, id=LOCAL)
            elif old is not None:
                old.update(url=url or old["url"], _secret=secret or old["_secret"],
                           status="enabled" if url else "disabled")  # fmt: skip

    def start(self):
        """Listen, in threads of this process; returns self, whose `url` is the address."""
        self.server = self._bind()
        self.port = self.server.server_port
        self.url = self.world.base_url = f"http://127.0.0.1:{self.port}"
        with self.world.work():
            self.world.meta("clock")["port"] = self.port
            if self.clockwork.companion is not None:
                self.clockwork.companion.moved(self.world.meta("clock")["offset"])
        self.delivery.start()
        self.listener = threading.Thread(target=self.server.listen, name="localstripe", daemon=True)
        self.listener.start()
        return self

    def _bind(self):
        last = self.world.meta("clock").get("port")
        if not self.wanted and last:
            try:
                return _Server(("127.0.0.1", last), self)
            except OSError:  # taken by someone else meanwhile: any other will do
                return _Server(("127.0.0.1", 0), self)
        return _Server(("127.0.0.1", self.wanted), self)

    def stop(self):
        """Stop listening and delivering; what is on its way goes out at the next start."""
        self.stopped = True
        if self.server:
            self.server.hang_up()
            self.listener.join(10)
        self.delivery.stop()
        self.world.store.close()

    def __enter__(self):
        return self.start()

    def __exit__(self, *exc):
        self.stop()

    # Shortcuts for those who hold the object

    def advance(self, *, seconds=None, to=None):
        return self.clockwork.travel(seconds=seconds, to=to)

    def settle(self, timeout=10.0):
        return self.delivery.settle(timeout)

    def answer(self, method, target, headers, raw):
        """(status, headers, body), or None to hang up."""
        if self.stopped:  # a connection that was kept open
            return None
        path = urlsplit(target).path
        host = headers.get("host", "").rsplit(":", 1)[0]
        if host not in ("127.0.0.1", "localhost"):
            return 421, {"Content-Type": "text/plain"}, b"This server is for this machine only."
        if path.startswith(("/v1/", "/v2/")):
            return self.wire.handle(method, target, headers, raw)
        try:
            return self.pages.answer(method, target, headers, raw)
        except Exception:  # a fault of ours: say so here and there, do not hang up
            traceback.print_exc()
            return 500, {"Content-Type": "text/plain"}, b"The stand-in itself failed; see its log."


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    allow_reuse_address = True
    open = True

    def __init__(self, address, stripe):
        super().__init__(address, _Handler)
        self.stripe = stripe

    def listen(self):
        """Wait for requests without looking at the clock."""
        while self.open:
            self.handle_request()
        self.server_close()

    def hang_up(self):
        self.open = False
        # Wakes the listener, which finds that it is over; or it was awake and is gone already.
        with contextlib.suppress(ConnectionError):
            socket.create_connection(self.server_address, timeout=5).close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 60

    def _go(self):
        length = int(self.headers.get("Content-Length") or 0)
        if length > BIGGEST:
            return self._too_much(length)
        raw = self.rfile.read(length)
        headers = {k.lower(): v for k, v in self.headers.items()}
        out = self.server.stripe.answer(self.command, self.path, headers, raw)
        if out is None:
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
            return
        status, more, body = out
        self.send_response(status)
        for name, value in {
            "Content-Type": "application/json",
            **more,
            "Content-Length": str(len(body)),
        }.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _too_much(self, length):
        """Read past it, or the sender would not see the answer; but not without end."""
        left = min(length, 16 * BIGGEST)
        while left and (chunk := self.rfile.read(min(left, 65_536))):
            left -= len(chunk)
        self.send_error(413)
        self.close_connection = True

    do_GET = do_POST = do_DELETE = do_HEAD = _go

    def log_message(self, *args):
        """Quiet: the page `/_local/` shows what happened."""
