"""A Celery application on the test Redis, for the drill with real workers."""

from __future__ import annotations

import os

import django
from celery import Celery
from django.conf import settings


def make(prefix: str) -> Celery:
    made = Celery("drill", broker=settings.REDIS_URL, set_as_current=True)
    made.conf.update(
        broker_transport_options={"global_keyprefix": prefix, "visibility_timeout": 5},
        task_acks_late=True,
        worker_prefetch_multiplier=1,
        broker_connection_retry_on_startup=True,
        worker_enable_remote_control=False,
    )
    return made


def forget(prefix: str) -> None:
    """Delete what the drill left in Redis."""
    import redis

    client = redis.Redis.from_url(settings.REDIS_URL)
    for key in client.scan_iter(f"{prefix}*"):
        client.delete(key)


if "CELERY_PREFIX" in os.environ:
    django.setup()
    app = make(os.environ["CELERY_PREFIX"])

    from threadflow_core.jobs import celery as tasks  # noqa: F401 - registers the tasks
