"""Care for database connections in threads that live longer than a request."""

from __future__ import annotations

from django.db import connections


def refresh_connections() -> None:
    """Close this thread's connections that broke; healthy ones are kept for the next use."""
    for connection in connections.all(initialized_only=True):
        if connection.errors_occurred and not connection.in_atomic_block:
            if connection.connection is not None and connection.is_usable():
                connection.errors_occurred = False
            else:
                connection.close()
