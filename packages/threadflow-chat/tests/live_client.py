"""Somebody with a room open, over a network as an API client does it."""

from __future__ import annotations

from typing import Any

from threadflow_core.realtime.threads import in_thread
from threadflow_core.testing.live import Follower


def do(function: Any, **given: Any) -> Any:
    """Call a service beside the event loop."""
    return in_thread(lambda: function(**given))


class Reader(Follower):
    """What a client shows, made of the frames by the protocol's rules."""

    def __init__(self, topic: str) -> None:
        super().__init__(topic)
        self.seen: list[str] = []
        self.messages: dict[str, dict[str, Any]] = {}
        self.reactions: dict[str, dict[str, int]] = {}
        self.pinned: set[str] = set()
        self.room: dict[str, Any] = {}

    def begin(self, frame: dict[str, Any]) -> None:
        if frame["mode"] != "reset":
            return
        self.messages, self.reactions = {}, {}
        for one in frame["page"]["messages"]:
            self._show(one)
            counts = {mark["emoji"]: mark["count"] for mark in one.get("reactions", [])}
            self.reactions[one["id"]] = counts

    def apply(self, frame: dict[str, Any]) -> None:
        op = frame["op"]
        if op in {"msg.new", "msg.edit", "msg.del", "msg.restore", "msg.enrich"}:
            if op == "msg.new":
                self.seen.append(frame["id"])
            self._show(frame)
        elif op == "react":
            counts = self.reactions.setdefault(frame["id"], {})
            counts[frame["emoji"]] = frame["count"]
            if not frame["count"]:
                del counts[frame["emoji"]]
        elif op == "pin":
            (self.pinned.add if frame["on"] else self.pinned.discard)(frame["id"])
        elif op == "room.update":
            self.room = {key: frame[key] for key in ("about", "state", "slow_seconds")}

    def _show(self, frame: dict[str, Any]) -> None:
        if frame.get("gone"):
            self.messages.pop(frame["id"], None)
            self.pinned.discard(frame["id"])
        else:
            self.messages[frame["id"]] = {"text": frame["text"], "ver": frame["ver"]}
