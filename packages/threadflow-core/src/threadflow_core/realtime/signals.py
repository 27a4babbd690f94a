"""Signing out, a changed password and a closed account reach open sockets at once."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_out
from django.db.models.signals import post_delete, post_save

from .publishing import control


def connect() -> None:
    user_logged_out.connect(_signed_out, dispatch_uid="threadflow.realtime.signed_out")
    user = get_user_model()
    post_save.connect(_changed, sender=user, dispatch_uid="threadflow.realtime.changed")
    post_delete.connect(_deleted, sender=user, dispatch_uid="threadflow.realtime.deleted")


def _signed_out(*, request: Any, user: Any, **kwargs: Any) -> None:
    key = getattr(getattr(request, "session", None), "session_key", None)
    if user is not None and key:
        control(user.pk, "revoked", session=key)


def _changed(*, instance: Any, created: bool, update_fields: Any = None, **kwargs: Any) -> None:
    # A sign-in saves `last_login` and nothing else.
    if not created and set(update_fields or ("",)) != {"last_login"}:
        control(instance.pk, "recheck")


def _deleted(*, instance: Any, **kwargs: Any) -> None:
    control(instance.pk, "revoked")
