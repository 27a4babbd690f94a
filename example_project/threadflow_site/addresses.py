"""Small questions that the settings ask."""

from __future__ import annotations

HERE = ["localhost", "127.0.0.1", "[::1]"]
EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 - compared, not bound


def names_of(host: str) -> list[str]:
    """Names that a demo listening on `host` answers to."""
    if host in EVERYWHERE:
        return ["*"]
    return [*HERE, *(name for name in [in_url(host)] if name not in HERE)]


def in_url(host: str) -> str:
    """`host` as it is written in an address: IPv6 goes into brackets."""
    return f"[{host}]" if ":" in host else host


def weak(secret: str) -> bool:
    """Whether `check --deploy` would complain of this key: short, monotonous, or made by Django."""
    return len(secret) < 50 or len(set(secret)) < 5 or secret.startswith("django-insecure-")
