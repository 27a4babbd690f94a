"""The socket guard: a test that talks to the outside fails, wherever the call was made."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class LeftLoopback(AssertionError):
    """A test tried to reach an address that is not this machine."""


@contextmanager
def only_loopback() -> Iterator[list[str]]:
    """Refuse every connection and datagram that leaves loopback, and every name lookup.

    Yields the list of refused addresses, so that a caller can fail even where the code under
    test swallowed the exception. Unix sockets and `localhost` are fine.
    """
    refused: list[str] = []
    real = {name: getattr(socket.socket, name) for name in ("connect", "connect_ex", "sendto")}
    lookup = socket.getaddrinfo

    def check(address: Any) -> None:
        if isinstance(address, tuple) and address and not is_loopback(str(address[0])):
            refused.append(f"{address[0]}:{address[1]}")
            raise LeftLoopback(f"Tests stay on this machine; {address[0]} is elsewhere.")

    def guarded(name: str) -> Any:
        def call(self: socket.socket, *args: Any) -> Any:
            if self.family in (socket.AF_INET, socket.AF_INET6):
                check(args[-1] if name == "sendto" else args[0])
            return real[name](self, *args)

        return call

    def guarded_lookup(host: Any, *args: Any, **kwargs: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name and not is_loopback(name):
            refused.append(str(name))
            raise LeftLoopback(f"Tests look up no names; asked for {name}.")
        return lookup(host, *args, **kwargs)

    for name in real:
        setattr(socket.socket, name, guarded(name))
    socket.getaddrinfo = guarded_lookup
    try:
        yield refused
    finally:
        for name, method in real.items():
            setattr(socket.socket, name, method)
        socket.getaddrinfo = lookup


def is_loopback(host: str) -> bool:
    if host in {"localhost", ""}:
        return True
    try:
        ip = ipaddress.ip_address(host.split("%")[0])
    except ValueError:
        return False
    return ip.is_loopback or ip.is_unspecified
