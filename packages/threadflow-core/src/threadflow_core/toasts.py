"""Toasts as out-of-band pieces of an htmx answer, Django's messages among them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib.messages import constants, get_messages
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.safestring import SafeString


def toasts_html(
    request: HttpRequest, errors: Iterable[Any] = (), *, success: Iterable[Any] = ()
) -> SafeString:
    """All toasts of this answer. Pending Django messages are taken along and so used up."""
    polite = [{"text": text} for text in success]
    urgent = [{"text": text, "level": "error"} for text in errors]
    for message in get_messages(request):
        if message.level >= constants.ERROR:
            urgent.append({"text": message.message, "level": "error"})
        else:
            polite.append({"text": message.message})
    if not polite and not urgent:
        return SafeString("")
    return render_to_string(
        "threadflow/components/_toasts.html", {"toasts": polite, "alerts": urgent}
    )
