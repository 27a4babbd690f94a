"""From Stripe to us: fetch one object, and make our rows say what it says.

A webhook only rings the bell. Whatever came, in whatever order and however often, the object is
fetched as it is now and applied; applying it again changes nothing.
"""

from . import payments, returns, subscriptions
from .engine import look_at, mark, run

__all__ = ["look_at", "mark", "payments", "returns", "run", "subscriptions"]
