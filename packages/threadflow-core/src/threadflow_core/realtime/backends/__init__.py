"""Ways for frames to travel between processes."""

from __future__ import annotations

from typing import Any

from django.core.signals import setting_changed

from ...app_settings import app_settings
from .base import Backend, Receiver

__all__ = ["Backend", "Receiver", "get_backend"]

_backend: Backend | None = None


def get_backend() -> Backend:
    """The backend of this process, made on first use."""
    global _backend
    if _backend is None:
        _backend = app_settings.load("REALTIME_BACKEND")()
    return _backend


def _forget(*, setting: str, **kwargs: Any) -> None:
    global _backend
    if setting == "THREADFLOW_CORE":
        _backend = None


setting_changed.connect(_forget, dispatch_uid="threadflow.realtime.backend")
