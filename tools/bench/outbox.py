"""Events per second of one worker on the database of the settings.

`python -m bench.outbox` prints it for a fresh SQLite file, as in the demo.
"""

from __future__ import annotations

import time
from typing import Any

EVENTS = 1_000


def rate() -> float:
    """Emit in one transaction, then run in this thread until nothing is due."""
    from django.db import transaction

    from threadflow_core import jobs
    from threadflow_core.jobs import drain, registry

    drain()  # what earlier parts left is not ours
    seen: list[Any] = []
    jobs.handler("bench.event", name="bench.count")(lambda event: seen.append(event.id))
    try:
        with transaction.atomic():
            for n in range(EVENTS):
                jobs.emit("bench.event", n=n)
        began = time.perf_counter()
        drain()
        return len(seen) / (time.perf_counter() - began)
    finally:
        registry.forget("bench.count")


if __name__ == "__main__":
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    print(rate())
