"""Public ids of rows with integer keys, and time-ordered UUIDs for rows that must not be guessed."""

from __future__ import annotations

import uuid
from functools import lru_cache
from random import Random
from zlib import crc32

import uuid_utils
from sqids import Sqids

from .app_settings import app_settings


@lru_cache(maxsize=64)
def _codec(alphabet: str, min_length: int, kind: str) -> Sqids:
    # One shuffle per kind: the ids of thread 7 and comment 7 differ and cannot be mixed up.
    letters = list(alphabet)
    Random(crc32(kind.encode())).shuffle(letters)  # noqa: S311 - obfuscation, not a secret
    return Sqids(alphabet="".join(letters), min_length=min_length)


@lru_cache(maxsize=50_000)  # a page asks for the same few ids several times, pages for the same
def _encoded(alphabet: str, min_length: int, kind: str, pk: int) -> str:
    return _codec(alphabet, min_length, kind).encode([pk])


@lru_cache(maxsize=50_000)
def _decoded(alphabet: str, min_length: int, kind: str, public_id: str) -> int | None:
    codec = _codec(alphabet, min_length, kind)
    numbers = codec.decode(public_id)
    if len(numbers) != 1 or numbers[0] >= 2**63 or codec.encode(numbers) != public_id:
        return None
    return numbers[0]


class PublicIds:
    """Encode and decode the public ids of one kind of row.

    Visibility never rests on an id: these are short and pleasant, not secret.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def encode(self, pk: int) -> str:
        return _encoded(app_settings.ID_ALPHABET, app_settings.ID_MIN_LENGTH, self.kind, pk)

    def decode(self, public_id: str) -> int | None:
        """Return the key, or None unless `public_id` is exactly what `encode` gives for it."""
        if not 1 <= len(public_id) <= 32 or not public_id.isascii():
            return None
        return _decoded(app_settings.ID_ALPHABET, app_settings.ID_MIN_LENGTH, self.kind, public_id)


def uuid7() -> uuid.UUID:
    """A new time-ordered UUID (RFC 9562, version 7) as the standard library's type."""
    return uuid.UUID(int=uuid_utils.uuid7().int)
