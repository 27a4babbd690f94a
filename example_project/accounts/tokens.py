"""Who asks for a socket ticket with a token instead of a cookie."""

from __future__ import annotations

from typing import Any

from allauth.headless.contrib.rest_framework.authentication import JWTTokenAuthentication


def authenticate(request: Any) -> Any:
    """The person behind the request's JWT, or None."""
    found = JWTTokenAuthentication().authenticate(request)
    return found[0] if found else None
