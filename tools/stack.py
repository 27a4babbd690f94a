"""The site as in production, on this machine: two web processes and a worker, PostgreSQL, Redis.

`nox -s stack` runs it. `DATABASE_URL` and `REDIS_URL` name the services, `HOST` and `PORT` the
address. The first process that ends takes the others with it; Ctrl-C ends all in order.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

EXAMPLE = Path(__file__).resolve().parent.parent / "example_project"


def main() -> int:
    for name in ("DATABASE_URL", "REDIS_URL"):
        if not os.environ.get(name):
            sys.exit(f"Set {name}; without services take `nox -s demo`.")
    os.environ.setdefault("THREADFLOW_ENV", "development")
    os.environ.setdefault("JOBS_DRIVER", "worker")
    host, port = os.environ.get("HOST", "127.0.0.1"), os.environ.get("PORT", "8000")
    manage = [sys.executable, "manage.py"]
    for command in ("migrate", "createcachetable"):
        subprocess.run([*manage, command, "-v", "0"], cwd=EXAMPLE, check=True)
    web = [sys.executable, "-m", "uvicorn", "threadflow_site.asgi:application", "--workers", "2"]
    running = [
        subprocess.Popen(command, cwd=EXAMPLE)
        for command in ([*web, "--host", host, "--port", port], [*manage, "threadflow_worker"])
    ]
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        while all(process.poll() is None for process in running):
            time.sleep(0.5)
    except KeyboardInterrupt:
        print("Stopping …")
    finally:
        for process in running:
            process.terminate()
        codes = [process.wait(30) for process in running]
    return max(map(abs, codes))


if __name__ == "__main__":
    sys.exit(main())
