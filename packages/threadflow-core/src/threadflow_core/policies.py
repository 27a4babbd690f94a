"""The answer to a permission question: yes, or no with a reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .exceptions import NotAllowed, SignInRequired


@dataclass(frozen=True, slots=True)
class Verdict:
    """True when allowed; otherwise `code` and `message` say why not."""

    allowed: bool
    code: str = ""
    message: Any = ""

    def __bool__(self) -> bool:
        return self.allowed

    @classmethod
    def yes(cls) -> Verdict:
        return YES

    @classmethod
    def no(cls, code: str, message: Any) -> Verdict:
        return cls(False, code, message)

    @classmethod
    def sign_in(cls) -> Verdict:
        return cls(False, SignInRequired.code, SignInRequired.message)


YES = Verdict(True)


def require(verdict: Verdict) -> None:
    """Raise SignInRequired or NotAllowed unless the verdict is a yes."""
    if verdict.allowed:
        return
    if verdict.code == SignInRequired.code:
        raise SignInRequired(verdict.message)
    raise NotAllowed(verdict.message, code=verdict.code)
