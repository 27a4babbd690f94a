"""Places in a comment tree as bytes: four big-endian bytes per level, the comment's number.

Bytes compare alike in SQLite and PostgreSQL, so a subtree is one range of an index and an
ancestor is a prefix. Numbers count from 1 within a thread, up to 2³² − 1.
"""

from __future__ import annotations

WIDTH = 4


def child(path: bytes, number: int) -> bytes:
    """The path of comment `number` below the comment at `path` (`b""` for a root)."""
    return bytes(path) + number.to_bytes(WIDTH, "big")


def numbers(path: bytes) -> list[int]:
    """Numbers from the root down to the comment itself."""
    raw = bytes(path)
    return [int.from_bytes(raw[i : i + WIDTH], "big") for i in range(0, len(raw), WIDTH)]


def depth(path: bytes) -> int:
    """0 for a root."""
    return len(path) // WIDTH - 1


def after_subtree(path: bytes) -> bytes:
    """The smallest path that sorts after `path` and everything below it."""
    head, last = bytes(path)[:-WIDTH], int.from_bytes(bytes(path)[-WIDTH:], "big")
    if last < 2**32 - 1:
        return head + (last + 1).to_bytes(WIDTH, "big")
    return bytes(path) + b"\xff" * (WIDTH + 1)
