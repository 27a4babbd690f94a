"""Points at which a test may kill the process, to prove that nothing is lost there."""

from __future__ import annotations

import os
import signal

_countdown: dict[str, int] = {}


def hit(point: str) -> None:
    """Die by SIGKILL if `THREADFLOW_FAILPOINT` is `point` or `point:n` and this is hit n."""
    wanted = os.environ.get("THREADFLOW_FAILPOINT")
    if not wanted:
        return
    name, _colon, number = wanted.partition(":")
    if name != point:
        return
    _countdown[point] = _countdown.get(point, int(number or 1)) - 1
    if _countdown[point] <= 0:
        os.kill(os.getpid(), signal.SIGKILL)
