"""Collects garbage less often while tests run: a few percent of a suite's time.

What importing and collecting left lives as long as the process, so that looking at it again finds
nothing. Load it as a plugin: `pytest -p threadflow_core.testing.collecting`.
"""

from __future__ import annotations

import gc

#: Objects made before the youngest generation is looked at, and how often the older ones follow.
THRESHOLDS = (50_000, 20, 100)


def pytest_collection_finish() -> None:
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
