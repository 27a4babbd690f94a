"""Somebody with a thread open, over a network."""

from __future__ import annotations

import json
from typing import Any

from threadflow_core.testing.live import Follower


class Reader(Follower):
    """Keeps what the page shows, in the order of the events."""

    def __init__(self, topic: str) -> None:
        super().__init__(topic)
        #: What came, in its order: the op, and the comment that it is about.
        self.heard: list[tuple[str, str]] = []
        self.shown: dict[str, str] = {}
        #: What each answer to coming back held, with the number that it led to.
        self.resumes: list[tuple[int, str]] = []

    def begin(self, frame: dict[str, Any]) -> None:
        self.resumes.append((frame["seq"], json.dumps(frame)))

    def apply(self, frame: dict[str, Any]) -> None:
        comment = frame.get("comment", "")
        self.heard.append((frame["op"], comment))
        if frame.get("gone"):
            self.shown.pop(comment, None)
        elif "html" in frame:
            self.shown[comment] = frame["html"]
