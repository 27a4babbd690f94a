"""The only way out to an address that a person typed.

Each hop's name is resolved once, every address it has must be public, and the connection goes
to that very address: a name that changes its mind in between (DNS rebinding) gains nothing.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, quote, urljoin, urlsplit

from django.utils.translation import gettext_lazy as _

from .exceptions import Invalid, Unavailable

MAX_BYTES = 2 * 1024 * 1024
TIMEOUT = 5.0  # seconds for everything: names, connections, redirects and the body
MAX_REDIRECTS = 3
PORTS = {80, 443}

#: What is public is listed, not what is private: new special ranges are refused by default.
_V4_REFUSED = [
    ipaddress.IPv4Network(block)
    for block in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
        *("172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16"),
        *("198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
    )
]
_V6_PUBLIC = ipaddress.IPv6Network("2000::/3")
_V6_REFUSED = [
    ipaddress.IPv6Network(block)
    for block in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
]

Resolver = Callable[[str], Iterable[str]]


class Refused(Invalid):
    """The address may not be fetched, for any of the reasons of this module."""

    code = "address_refused"
    message = _("That address cannot be used.")


class FetchFailed(Unavailable):
    """The other side did not answer as it should: too slow, too large, broken."""

    code = "fetch_failed"
    message = _("That address did not answer.")


@dataclass(frozen=True, slots=True)
class Response:
    """The final answer; `url` is where it came from, header names are in lower case."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "").split(";")[0].strip().lower()


def fetch(
    url: str,
    *,
    method: str = "GET",
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    max_bytes: int = MAX_BYTES,
    timeout: float = TIMEOUT,
    max_redirects: int = MAX_REDIRECTS,
    resolver: Resolver | None = None,
    unsafe_permit: frozenset[tuple[str, int]] = frozenset(),
) -> Response:
    """Fetch `url` and return the answer, whatever its status. Raises Refused and FetchFailed.

    http and https on ports 80 and 443 only; at most `max_redirects` hops, each checked anew;
    only GET and HEAD are redirected. `unsafe_permit` is for tests: (address, port) pairs of
    servers on this machine. Blocks for up to `timeout` seconds: call it in jobs, not in views.
    """
    deadline = time.monotonic() + timeout
    for _hop in range(max_redirects + 1):
        target = _Target.of(url, unsafe_permit)
        address = _address(target, resolver or _lookup, deadline, unsafe_permit)
        found = _ask(target, address, method, body, headers or {}, max_bytes, deadline)
        location = found.headers.get("location")
        if found.status not in {301, 302, 303, 307, 308} or not location:
            return found
        if method not in {"GET", "HEAD"}:
            raise FetchFailed(code="fetch_redirected")
        url = urljoin(url, location)
    raise FetchFailed(code="fetch_redirected")


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the open internet, and wraps no other address."""
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv4Address):
        return not any(ip in block for block in _V4_REFUSED)
    return ip in _V6_PUBLIC and not any(ip in block for block in _V6_REFUSED)


@dataclass(frozen=True, slots=True)
class _Target:
    parts: SplitResult
    host: str
    port: int

    @classmethod
    def of(cls, url: str, permit: frozenset[tuple[str, int]]) -> _Target:
        if any(c <= " " or c in "\\\x7f" for c in url):
            raise Refused()
        try:
            parts = urlsplit(url)
            port = parts.port or (443 if parts.scheme == "https" else 80)
            host = (parts.hostname or "").encode("idna").decode("ascii")
        except ValueError as error:  # UnicodeError included
            raise Refused() from error
        if parts.scheme not in {"http", "https"} or not host or "@" in parts.netloc:
            raise Refused()
        if port not in PORTS and port not in {allowed for _, allowed in permit}:
            raise Refused()
        return cls(parts, host, port)

    @property
    def path(self) -> str:
        path = quote(self.parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
        query = quote(self.parts.query, safe="/%:@!$&'()*+,;=~-._?")
        return f"{path}?{query}" if query else path


def _address(
    target: _Target, resolver: Resolver, deadline: float, permit: frozenset[tuple[str, int]]
) -> str:
    """The one address to connect to; all addresses of the name must be fit for it."""
    found = _in_time(lambda: list(resolver(target.host)), deadline)
    if not found:
        raise FetchFailed(code="fetch_unknown_host")
    for address in found:
        try:
            fit = is_public(address) or (address, target.port) in permit
        except ValueError:
            fit = False
        if not fit:
            raise Refused()
    return str(found[0])


def _lookup(host: str) -> list[str]:
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def _in_time(call: Callable[[], list[str]], deadline: float) -> list[str]:
    """Run a lookup that knows no time limit of its own."""
    result: list[Any] = []

    def run() -> None:
        try:
            result.append(call())
        except (OSError, UnicodeError) as error:
            result.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(max(0.0, deadline - time.monotonic()))
    if not result:
        raise FetchFailed(code="fetch_timeout")
    if isinstance(result[0], Exception):
        raise FetchFailed(code="fetch_unknown_host") from result[0]
    return list(result[0])


def _ask(
    target: _Target,
    address: str,
    method: str,
    body: bytes | None,
    headers: Mapping[str, str],
    max_bytes: int,
    deadline: float,
) -> Response:
    connection = _Pinned(target, address, deadline)
    sent = {"User-Agent": "Threadflow", "Accept-Encoding": "identity", **headers}
    # Reads are bounded one by one; a server that drips bytes is stopped from outside.
    alarm = threading.Timer(max(0.0, deadline - time.monotonic()), connection.cut)
    alarm.daemon = True
    alarm.start()
    try:
        connection.request(method, target.path, body=body, headers=sent)
        answer = connection.getresponse()
        found = {name.lower(): value for name, value in answer.getheaders()}
        content = _read(answer, found.get("content-encoding", ""), max_bytes, deadline)
    except (OSError, http.client.HTTPException, zlib.error, ValueError) as error:
        code = "fetch_timeout" if time.monotonic() >= deadline else "fetch_failed"
        raise FetchFailed(code=code) from error
    finally:
        alarm.cancel()
        connection.close()
    return Response(target.parts.geturl(), answer.status, found, content)


def _read(answer: http.client.HTTPResponse, encoding: str, most: int, deadline: float) -> bytes:
    """The body, unpacked, if it has at most `most` bytes; nothing larger is ever held."""
    unpack = _unpacker(encoding)
    content = bytearray()
    while chunk := answer.read1(16 * 1024):
        content += unpack(chunk, most + 1 - len(content))
        if len(content) > most:
            raise FetchFailed(code="fetch_too_large")
        if time.monotonic() >= deadline:
            raise FetchFailed(code="fetch_timeout")
    if time.monotonic() >= deadline:
        raise FetchFailed(code="fetch_timeout")  # the alarm ended it: the body is not whole
    return bytes(content)


def _unpacker(encoding: str) -> Callable[[bytes, int], bytes]:
    name = encoding.strip().lower()
    if name in {"", "identity"}:
        return lambda chunk, room: chunk
    if name in {"gzip", "x-gzip", "deflate"}:
        unpacker = zlib.decompressobj(wbits=47)  # zlib or gzip, by their headers
        return lambda chunk, room: unpacker.decompress(chunk, max(1, room))
    raise FetchFailed(code="fetch_encoding")


class _Pinned(http.client.HTTPConnection):
    """A connection to one address under the name of the target, for TLS as for `Host`."""

    def __init__(self, target: _Target, address: str, deadline: float) -> None:
        super().__init__(target.host, target.port, timeout=max(0.01, deadline - time.monotonic()))
        self._address = address
        self._secure = target.parts.scheme == "https"
        self.default_port = 443 if self._secure else 80

    def connect(self) -> None:
        sock = socket.create_connection((self._address, self.port), self.timeout)
        self.sock = sock
        if self._secure:
            context = ssl.create_default_context()
            self.sock = context.wrap_socket(sock, server_hostname=self.host)

    def cut(self) -> None:
        """End whatever is being waited for; called from the alarm's thread."""
        sock = self.sock
        if sock is None:
            return
        try:
            sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # closed already: there is nothing to end
