"""Context that follows an event from the request that emitted it into its handlers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any

Read = Callable[[], str | int | None]
Restore = Callable[[Any], AbstractContextManager[Any]]

_carried: dict[str, tuple[Read, Restore]] = {}


def carry(key: str, read: Read, restore: Restore) -> None:
    """Keep `read()` under `key` in the headers of every event; handlers run in `restore(it)`."""
    _carried[key] = (read, restore)


def pack() -> dict[str, Any]:
    """The headers of an event that is emitted now."""
    found = {key: read() for key, (read, _) in _carried.items()}
    return {key: value for key, value in found.items() if value is not None}


@contextmanager
def unpacked(headers: dict[str, Any]) -> Iterator[None]:
    """Run the body in the context that `headers` describe."""
    with ExitStack() as stack:
        for key, (_, restore) in _carried.items():
            if key in headers:
                stack.enter_context(restore(headers[key]))
        yield
