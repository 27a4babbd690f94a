"""Files that people upload: one table, one pipeline, one door.

`store` takes a file in, `attach` ties it to an object, `get_visible` is the only way out.
"""

from __future__ import annotations

from .kinds import FILE, IMAGE, Refused, UploadKind, register_kind
from .services import attach, delete, get_visible, store

__all__ = [
    "FILE",
    "IMAGE",
    "Refused",
    "UploadKind",
    "attach",
    "delete",
    "get_visible",
    "register_kind",
    "store",
]
