"""How frames are encoded, and the envelopes that carry them between processes."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.utils.crypto import salted_hmac

#: The channel of orders to every process. No topic can have this name.
CONTROL = "~control"


@dataclass(slots=True)
class Envelope:
    """What travels: a numbered `frame`, a `hint`, a `drop` of cached frames, or a `control`."""

    what: str
    seq: int = 0
    epoch: str = ""
    ids: dict[str, Any] = field(default_factory=dict)
    body: str = ""


def encode(frame: dict[str, Any]) -> str:
    return json.dumps(frame, cls=DjangoJSONEncoder, ensure_ascii=False, separators=(",", ":"))


def pack_frame(seq: int, epoch: str, ids: dict[str, Any], frame: str) -> bytes:
    head = json.dumps(["frame", seq, epoch, ids], separators=(",", ":"))
    return f"{head}\n{frame}".encode()


def pack_hint(frame: str) -> bytes:
    return f'["hint"]\n{frame}'.encode()


def pack_drop(ids: dict[str, Any]) -> bytes:
    return json.dumps(["drop", 0, "", ids], separators=(",", ":")).encode()


def pack_control(message: dict[str, Any]) -> bytes:
    return json.dumps(["control", 0, "", message], separators=(",", ":")).encode()


def unpack(data: bytes) -> Envelope:
    """The envelope in `data`. Raises ValueError for anything that we did not pack."""
    head, _newline, body = data.partition(b"\n")
    parts = json.loads(head)
    if not isinstance(parts, list) or not parts or parts[0] not in _KNOWN:
        raise ValueError("Not an envelope of ours.")
    what, seq, epoch, ids = (*parts, 0, "", {})[:4] if len(parts) == 1 else parts
    return Envelope(what, seq, epoch, ids, body.decode())


def session_mark(session_key: str) -> str:
    """Stands for a session between processes; the key itself never travels."""
    return salted_hmac("threadflow.realtime.session", session_key, algorithm="sha256").hexdigest()


_KNOWN = frozenset(("frame", "hint", "drop", "control"))
