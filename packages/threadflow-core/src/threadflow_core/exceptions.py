"""What a service raises. Each error knows its HTTP status, a stable code and a text for people."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _


class ThreadflowError(Exception):
    """Base of all domain errors. `code` is for programs, `message` for people."""

    status = 400
    code = "error"
    message: Any = _("That did not work.")

    def __init__(self, message: Any = None, *, code: str | None = None) -> None:
        if message is not None:
            self.message = message
        if code is not None:
            self.code = code
        super().__init__(self.message)


class BadCursor(ThreadflowError):
    """A cursor that we did not issue, or issued for another list."""

    code = "bad_cursor"
    message = _("This page link is no longer valid. Start again from the top.")


class SignInRequired(ThreadflowError):
    status = 401
    code = "sign_in_required"
    message = _("Sign in to do that.")


class NotAllowed(ThreadflowError):
    status = 403
    code = "not_allowed"
    message = _("You may not do that.")


class NotFound(ThreadflowError):
    status = 404
    code = "not_found"
    message = _("There is nothing here.")


class Conflict(ThreadflowError):
    status = 409
    code = "conflict"
    message = _("Somebody else was faster. Look again and retry.")


class Gone(ThreadflowError):
    status = 410
    code = "gone"
    message = _("This has been removed.")


class PreconditionFailed(ThreadflowError):
    """An edit based on a version that is no longer the current one; `current` is the object."""

    status = 412
    code = "stale_version"
    message = _("This was changed in the meantime.")

    def __init__(self, message: Any = None, *, current: Any = None) -> None:
        super().__init__(message)
        self.current = current


class TooLarge(ThreadflowError):
    status = 413
    code = "too_large"
    message = _("That is too long.")


class Invalid(ThreadflowError):
    """Input that cannot be accepted; `fields` maps field names to lists of messages."""

    status = 422
    code = "invalid"
    message = _("Please check what you entered.")

    def __init__(
        self,
        message: Any = None,
        *,
        code: str | None = None,
        fields: dict[str, list[Any]] | None = None,
    ) -> None:
        super().__init__(message, code=code)
        self.fields = fields or {}


class LimitExceeded(ThreadflowError):
    """Too many tries; `retry_after` is in whole seconds."""

    status = 429
    code = "rate_limited"
    message = _("That was a lot at once. Wait a moment and try again.")

    def __init__(self, retry_after: int, message: Any = None) -> None:
        super().__init__(message)
        self.retry_after = max(1, retry_after)


class Unavailable(ThreadflowError):
    status = 503
    code = "unavailable"
    message = _("This part is resting. Try again in a minute.")
