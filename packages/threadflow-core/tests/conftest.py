from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import pytest_asyncio
from django.conf import settings
from django.db import connection

from threadflow_core.testing.live import signed_in

pytest_plugins = [
    "threadflow_core.testing.pytest_plugin",
    "threadflow_core.testing.live_fixtures",
    "pytester",
]

# A busy machine makes any example slow; what time things may take is tested where it is the subject.
hypothesis.settings.register_profile("unhurried", deadline=None)
hypothesis.settings.load_profile("unhurried")


def _redis_is_there() -> bool:
    try:
        import redis

        client = redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=1)
        return bool(client.ping())
    except Exception:  # whatever it is, there is no Redis for us
        return False


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    postgres = settings.DATABASES["default"]["ENGINE"].endswith("postgresql")
    redis = any(item.get_closest_marker("redis") for item in items) and _redis_is_there()
    for item in items:
        if item.get_closest_marker("postgres") and not postgres:
            item.add_marker(pytest.mark.skip(reason="needs PostgreSQL: set DATABASE_URL"))
        if item.get_closest_marker("redis") and not redis:
            item.add_marker(pytest.mark.skip(reason=f"no Redis at {settings.REDIS_URL}"))


@pytest.fixture(scope="session")
def database_url(django_db_setup: None) -> str:
    """The address of the test database, for processes that a test starts."""
    it = settings.DATABASES["default"]
    name = connection.settings_dict["NAME"]
    if connection.vendor == "sqlite":
        return f"sqlite:///{Path(name).resolve()}"
    return f"postgres://{it['USER']}:{it['PASSWORD']}@{it['HOST']}:{it['PORT']}/{name}"


@pytest.fixture
def process(database_url: str) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start Python processes on the test database: `process("-m", "django", …, env=…, core=…)`."""
    started: list[subprocess.Popen[str]] = []

    def start(
        *args: str, env: dict[str, str] | None = None, core: dict[str, Any] | None = None
    ) -> subprocess.Popen[str]:
        one = subprocess.Popen(
            [sys.executable, *args],
            cwd=Path(__file__).parent.parent,
            env={
                **os.environ,
                "DJANGO_SETTINGS_MODULE": "tests.settings",
                "PYTHONPATH": ".",
                "DATABASE_URL": database_url,
                "THREADFLOW_CORE": json.dumps({"JOBS_DRIVER": "worker", **(core or {})}),
                **(env or {}),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(one)
        return one

    yield start
    for one in started:
        if one.poll() is None:
            one.kill()
        one.communicate()


@pytest.fixture
def eventually() -> Callable[..., None]:
    """Wait until `condition()` holds; fail after `seconds`."""

    def wait(condition: Callable[[], Any], seconds: float = 60.0, what: str = "it") -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, f"{what} did not happen within {seconds} s"
            time.sleep(0.01)

    return wait


@pytest.fixture
def ada(django_user_model: Any) -> Any:
    return django_user_model.objects.create_user("ada", password="x")


@pytest.fixture
def bo(django_user_model: Any) -> Any:
    return django_user_model.objects.create_user("bo", password="x")


@pytest.fixture
def session_of() -> Callable[[Any], Any]:
    """A signed-in session in the database, like the one behind a cookie."""
    return signed_in


@pytest_asyncio.fixture
async def hub(live_clients: Any) -> Any:
    """The hub that the clients meet in; it ends with them."""
    from threadflow_core.realtime.hub import current_hub

    return current_hub()
