"""How often a server process looks for garbage."""

from __future__ import annotations

import gc

#: Allocations between looks at the youngest objects, and looks between those at older ones. A page
#: makes some ten thousand objects and nearly no cycles: Python's 700 would look a dozen times.
THRESHOLDS = (50_000, 20, 50)


def settle() -> None:
    """Call it once everything is loaded: what is there stays, and no look walks over it again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
