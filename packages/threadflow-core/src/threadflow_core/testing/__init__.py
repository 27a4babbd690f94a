"""What test suites of the packages and of sites share. Needs pytest only in `pytest_plugin`.

Names are imported when they are used, since settings modules read `testing.project`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .clocks import Clock, clock
    from .queries import assert_queries, assert_same_queries
    from .racing import race
    from .sockets import LeftLoopback, only_loopback
    from .swap_matrix import MatrixFailed, SiteMatrix, subsets

_HOME = {
    "Clock": "clocks",
    "LeftLoopback": "sockets",
    "MatrixFailed": "swap_matrix",
    "SiteMatrix": "swap_matrix",
    "assert_queries": "queries",
    "assert_same_queries": "queries",
    "clock": "clocks",
    "only_loopback": "sockets",
    "race": "racing",
    "subsets": "swap_matrix",
}
__all__ = [
    "Clock",
    "LeftLoopback",
    "MatrixFailed",
    "SiteMatrix",
    "assert_queries",
    "assert_same_queries",
    "clock",
    "only_loopback",
    "race",
    "subsets",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(name)
