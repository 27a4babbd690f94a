"""Voice and video: a hook. A site names a class in CALLS that gives a link to the call of a room."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from django.utils.crypto import salted_hmac

from .app_settings import app_settings


@dataclass(frozen=True, slots=True)
class Call:
    """Where a call is held. `token` is empty unless the place wants one."""

    url: str
    token: str = ""


class Calls(Protocol):
    """Gives each person their way into the call of a room."""

    def join(self, *, room: Any, person: Any) -> Call: ...


class JitsiCalls:
    """A Jitsi room per room, under a name that nobody guesses; the same for all its members."""

    def join(self, *, room: Any, person: Any) -> Call:
        name = salted_hmac("threadflow.chat.call", str(room.pk), algorithm="sha256").hexdigest()
        return Call(f"{app_settings.JITSI_URL.rstrip('/')}/threadflow-{name[:32]}")


def backend() -> Calls | None:
    """The site's calls, None where there are none."""
    if not app_settings.CALLS:
        return None
    calls: Calls = app_settings.load("CALLS")()
    return calls
