"""System checks of what carries live frames."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

from ..app_settings import app_settings


@register
def check_realtime(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    if app_settings.REALTIME_ENABLED and find_spec("channels") is None:
        found.append(
            Error(
                "THREADFLOW_CORE['REALTIME_ENABLED'] needs Channels.",
                hint="pip install 'threadflow-core[realtime]'",
                id="threadflow_core.E020",
            )
        )
    return found


@register
def check_channel_layer(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """channels-redis on redis-py 8 drops idle sockets after five seconds unless told not to."""
    if _major("redis") < 8:
        return []
    found: list[CheckMessage] = []
    for alias, layer in (getattr(settings, "CHANNEL_LAYERS", None) or {}).items():
        if "channels_redis.core" not in str(layer.get("BACKEND", "")):
            continue
        hosts = layer.get("CONFIG", {}).get("hosts") or ["redis://localhost:6379"]
        if not all(isinstance(host, dict) and "socket_timeout" in host for host in hosts):
            found.append(
                Warning(
                    f"Channel layer {alias!r} will close idle sockets after five seconds.",
                    hint='Give each host as {"address": …, "socket_timeout": None}.',
                    id="threadflow_core.W020",
                )
            )
    return found


def _major(package: str) -> int:
    try:
        return int(version(package).partition(".")[0])
    except PackageNotFoundError:
        return 0
