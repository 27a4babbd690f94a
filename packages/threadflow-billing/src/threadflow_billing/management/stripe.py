"""What commands say when Stripe does not do as asked."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from django.core.management.base import CommandError

from ..exceptions import GatewayAway, GatewayRefused, PaymentsOff


@contextlib.contextmanager
def spoken() -> Iterator[None]:
    """A sentence instead of a traceback."""
    try:
        yield
    except PaymentsOff as error:
        raise CommandError("THREADFLOW_BILLING['SECRET_KEY'] is empty.") from error
    except GatewayAway as error:
        if error.text == "AuthenticationError":
            text = "Stripe does not know this key. Look at THREADFLOW_BILLING['SECRET_KEY']."
        else:
            text = f"Stripe does not answer ({error.text}). Nothing was done twice; try again."
        raise CommandError(text) from error
    except GatewayRefused as error:
        raise CommandError(f"Stripe refused: {error.message} ({error.code})") from error
