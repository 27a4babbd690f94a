"""The measured site: its database, its content, its server processes."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import psycopg

ROOT = Path(__file__).resolve().parent.parent.parent
EXAMPLE = ROOT / "example_project"
NAME = "threadflow_bench"


class Site:
    """PostgreSQL database, Redis and servers of one run."""

    def __init__(self, size: str, var: Path) -> None:
        self.size = size
        self.var = var
        self.admin = os.environ.get("DATABASE_URL") or "postgres://postgres@127.0.0.1:5432/postgres"
        self.database = self.admin.rsplit("/", 1)[0] + f"/{NAME}_{size}"
        self.redis = os.environ.get("REDIS_URL") or "redis://127.0.0.1:6379/5"
        self.env = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "bench.settings",
            "PYTHONPATH": f"{ROOT / 'tools'}{os.pathsep}{EXAMPLE}",
            "DATABASE_URL": self.database,
            "REDIS_URL": self.redis,
            "BENCH_VAR": str(var),
            "THREADFLOW_VAR": str(var),
        }

    def prepare(self, *, fresh: bool) -> float:
        """Create and seed the database unless it is there; returns the seconds of the seed."""
        name = self.database.rsplit("/", 1)[1]
        with psycopg.connect(
            self.admin.replace("postgres://", "postgresql://"), autocommit=True
        ) as c:
            there = c.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone()
            if there and fresh:
                c.execute(f'DROP DATABASE "{name}" WITH (FORCE)')  # type: ignore[arg-type]
                there = None
            if not there:
                c.execute(f'CREATE DATABASE "{name}"')  # type: ignore[arg-type]
        self.manage("migrate", "-v", "0")
        self.manage("createcachetable")
        began = time.monotonic()
        if not there:
            self.manage("threadflow_seed", "--size", self.size)
            with psycopg.connect(
                self.database.replace("postgres://", "postgresql://"), autocommit=True
            ) as c:
                c.execute("VACUUM ANALYZE")
        return time.monotonic() - began

    def manage(self, *command: str) -> None:
        subprocess.run([sys.executable, "-m", "django", *command], env=self.env, check=True)

    @contextlib.contextmanager
    def web(self, **env: str) -> Iterator[int]:
        """gunicorn with two workers on a free port, as in production."""
        port = free_port()
        command = [
            *(sys.executable, "-m", "gunicorn", "threadflow_site.wsgi:application"),
            *("--bind", f"127.0.0.1:{port}", "--workers", "2", "--threads", "2"),
            *("--worker-class", "gthread", "--keep-alive", "75", "--log-level", "error"),
            "--no-control-socket",
        ]
        process = subprocess.Popen(command, cwd=EXAMPLE, env={**self.env, **env})
        try:
            wait_for(port)
            yield port
        finally:
            process.terminate()
            process.wait(20)

    def cpu(self) -> float:
        """CPU seconds used so far by the web workers and the database together."""
        total = 0.0
        for process in psutil.process_iter(["cmdline", "name"]):
            line = " ".join(process.info["cmdline"] or ())
            if "gunicorn" in line or (process.info["name"] or "").startswith("postgres"):
                with contextlib.suppress(psutil.NoSuchProcess):
                    times = process.cpu_times()
                    total += times.user + times.system
        return total


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def wait_for(port: int, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.1)
    raise TimeoutError(f"Nothing answers on port {port}.")


def cookie_of(person: Any) -> str:
    """The Cookie header of a browser in which `person` is signed in."""
    from django.contrib.sessions.backends.cached_db import SessionStore

    session = SessionStore()
    session["_auth_user_id"] = str(person.pk)
    session["_auth_user_backend"] = "django.contrib.auth.backends.ModelBackend"
    session["_auth_user_hash"] = person.get_session_auth_hash()
    session.save()
    return f"sessionid={session.session_key}"
