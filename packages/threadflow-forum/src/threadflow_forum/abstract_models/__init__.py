"""Abstract models: fields, Meta and domain methods. `models.py` holds only the concrete shells."""

from .comments import AbstractComment
from .subs import AbstractSub, Visibility
from .threads import AbstractThread, ThreadKind
from .votable import State

__all__ = ["AbstractComment", "AbstractSub", "AbstractThread", "State", "ThreadKind", "Visibility"]
