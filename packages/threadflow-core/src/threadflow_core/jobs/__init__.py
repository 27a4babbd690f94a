"""The outbox: work that is decided in a transaction and done after it, at least once.

`emit` writes one row per handler in the caller's transaction; a driver runs the rows. The
database is the truth: a wake-up may be lost, a process may die, and nothing is forgotten.
"""

from __future__ import annotations

from .outbox import emit, once
from .registry import GiveUp, JobEvent, Retry, handler, schedule
from .runner import drain

__all__ = ["GiveUp", "JobEvent", "Retry", "drain", "emit", "handler", "once", "schedule"]
