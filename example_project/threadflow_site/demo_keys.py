"""Keys for the demo and for development, made on the first start and kept beside its data."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def secret(var: Path) -> str:
    """A random Django secret key."""
    return _kept(var / "secret_key", lambda: secrets.token_urlsafe(50))


def jwt(var: Path) -> str:
    """A random RSA key for signing tokens, as PEM."""
    return _kept(var / "jwt_key.pem", _rsa)


def _rsa() -> str:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def _kept(path: Path, make: object) -> str:
    if not path.exists():
        fresh = path.with_suffix(f".{os.getpid()}")
        fresh.touch(mode=0o600)
        fresh.write_text(make())  # type: ignore[operator]
        fresh.replace(path)
    return path.read_text()
