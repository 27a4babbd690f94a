"""System checks of settings whose values depend on each other."""

from __future__ import annotations

from typing import Any

from django.core.checks import CheckMessage, Error, Warning

from .app_settings import app_settings

KINDS = {"bound", "direct", "group"}


def check_values(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    unknown = set(app_settings.GATED_KINDS) - KINDS
    if unknown:
        found.append(
            Error(
                f"THREADFLOW_CHAT['GATED_KINDS'] names {', '.join(sorted(unknown))}.",
                hint="Kinds of rooms are bound, direct and group.",
                id="threadflow_chat.E010",
            )
        )
    if app_settings.PRESENCE_LEASE_SECONDS <= app_settings.PRESENCE_RENEW_SECONDS:
        found.append(
            Error(
                "THREADFLOW_CHAT['PRESENCE_LEASE_SECONDS'] must be longer than "
                "PRESENCE_RENEW_SECONDS, or everybody leaves between two signs of life.",
                id="threadflow_chat.E011",
            )
        )
    if app_settings.HERE_MAX < app_settings.HERE_WARN:
        found.append(
            Warning(
                "THREADFLOW_CHAT['HERE_MAX'] is below HERE_WARN, so nobody is ever asked.",
                id="threadflow_chat.W010",
            )
        )
    return found
