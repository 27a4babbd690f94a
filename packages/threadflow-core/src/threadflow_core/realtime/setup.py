"""What `AppConfig.ready` does for the live events."""

from __future__ import annotations


def ready() -> None:
    """Connect the signals that end or re-check sockets, and the jobs that prune."""
    from . import builtin, checks, signals  # noqa: F401 - they register themselves

    signals.connect()
