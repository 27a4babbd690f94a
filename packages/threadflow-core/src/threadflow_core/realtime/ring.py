"""What one process knows of one topic: its position, recent frames and who follows it. No I/O."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from . import protocol

if TYPE_CHECKING:
    from .sockets import Socket


@dataclass(slots=True)
class Entry:
    """A cached frame; `text` is None when it must be rendered anew before it is used."""

    text: str | None
    marks: frozenset[tuple[str, Any]]


def marks_of(ids: dict[str, Any]) -> frozenset[tuple[str, Any]]:
    return frozenset((name, str(value)) for name, value in ids.items())


@dataclass(eq=False)
class TopicState:
    """The frames of a topic up to `seq`, without holes from the oldest kept one on."""

    name: str
    sequenced: bool
    seq: int = 0
    epoch: str = ""
    live: set[Socket] = field(default_factory=set)
    #: Sockets that are about to follow; they keep the topic open.
    joining: int = 0
    #: Monotonic time at which the last follower left.
    empty_since: float | None = None
    #: Done when the position is known.
    ready: asyncio.Future[None] | None = None
    filling: asyncio.Task[None] | None = None
    backfill: asyncio.Task[None] | None = None
    #: Frames that came before an earlier one: number to (epoch, ids, text).
    held: dict[int, tuple[str, dict[str, Any], str]] = field(default_factory=dict)
    _entries: dict[int, Entry] = field(default_factory=dict)
    _by_mark: dict[tuple[str, Any], set[int]] = field(default_factory=dict)

    @property
    def is_open(self) -> bool:
        ready = self.ready
        return bool(ready and ready.done() and not ready.cancelled() and not ready.exception())

    def append(self, seq: int, ids: dict[str, Any], text: str) -> None:
        """Take the next frame. Cached frames about the same object are stale from now on."""
        self.seq = seq
        self.uncache(ids)
        self.put(seq, ids, text)
        self._remove(seq - 2 * protocol.RESUME)  # `trim` does the fine work now and then

    def put(self, seq: int, ids: dict[str, Any], text: str) -> None:
        marks = marks_of(ids)
        self._entries[seq] = Entry(text, marks)
        for mark in marks:
            self._by_mark.setdefault(mark, set()).add(seq)

    def uncache(self, ids: dict[str, Any]) -> None:
        """Forget the texts of frames about the object with all of `ids`, not their places."""
        found = [self._by_mark.get(mark, set()) for mark in marks_of(ids)]
        if found:
            for seq in set.intersection(*found):
                self._entries[seq].text = None

    def uncache_all(self) -> None:
        for entry in self._entries.values():
            entry.text = None

    def since(self, seq: int) -> list[str] | None:
        """The frames after `seq`, or None if one of them is not at hand."""
        texts: list[str] = []
        for number in range(seq + 1, self.seq + 1):
            entry = self._entries.get(number)
            if entry is None or entry.text is None:
                return None
            texts.append(entry.text)
        return texts

    def at_hand(self) -> frozenset[int]:
        """Numbers whose frames need not be rendered."""
        return frozenset(seq for seq, entry in self._entries.items() if entry.text is not None)

    def trim(self) -> None:
        for seq in [seq for seq in self._entries if seq <= self.seq - protocol.RING]:
            self._remove(seq)

    def start_anew(self, seq: int, epoch: str) -> None:
        self.seq, self.epoch = seq, epoch
        self._entries.clear()
        self._by_mark.clear()
        self.held.clear()

    def _remove(self, seq: int) -> None:
        entry = self._entries.pop(seq, None)
        if entry is None:
            return
        for mark in entry.marks:
            seqs = self._by_mark[mark]
            seqs.discard(seq)
            if not seqs:
                del self._by_mark[mark]
