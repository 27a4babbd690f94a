"""Asking again whether the people behind open sockets, and what they follow, still stand.

Many sockets follow the same few topics, so they are asked about in slices: one call into the
database's thread for a hundred of them, one answer for all strangers.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable, Coroutine, Iterable
from itertools import islice
from typing import Any

from ..app_settings import app_settings
from . import access
from .sockets import Socket
from .threads import in_thread

logger = logging.getLogger("threadflow.realtime")

#: Sockets of one call. Small, because frames wait while Python works in another thread.
SLICE = 100
#: Looks for sockets that are due, per period of the regular question.
LOOKS = 12

Spawn = Callable[[Coroutine[Any, Any, None]], "asyncio.Task[None]"]


class Rechecks:
    """The questions of one hub's sockets. Its methods belong to the hub's event loop."""

    def __init__(self, sockets: set[Socket], spawn: Spawn) -> None:
        self._sockets = sockets
        self._spawn = spawn
        self._wanted: dict[Socket, None] = {}
        self._working = False

    def want(self, sockets: Iterable[Socket]) -> None:
        """Ask about these soon: whoever is waiting to be asked about is so once."""
        self._wanted.update(dict.fromkeys(sockets))
        if self._wanted and not self._working:
            self._working = True
            self._spawn(self._work())

    async def keep_asking(self) -> None:
        """Ask about each socket once in REALTIME_RECHECK_SECONDS, whatever else was said."""
        while True:
            await asyncio.sleep(app_settings.REALTIME_RECHECK_SECONDS / LOOKS)
            now = time.monotonic()
            self.want(one for one in self._sockets if one.due is not None and one.due <= now)

    async def _work(self) -> None:
        try:
            while self._wanted:
                some = list(islice(self._wanted, SLICE))
                for socket in some:
                    del self._wanted[socket]
                await self._ask([one for one in some if one.closing is None])
        finally:
            self._working = False

    async def _ask(self, sockets: list[Socket]) -> None:
        questions = [(one, asked) for one in sockets if (asked := one.ask()) is not None]
        if not questions:
            return
        try:
            found = await in_thread(access.recheck, [asked for _socket, asked in questions])
        except Exception:
            logger.exception("The rights of sockets could not be checked; trying again")
            for socket in sockets:
                socket.due = time.monotonic()
            return
        for (socket, asked), rights in zip(questions, found, strict=True):
            socket.take(asked, rights)


def next_time() -> float:
    """When a socket is due again. Spread, so that a crowd that came at once is not asked at once."""
    seconds: float = app_settings.REALTIME_RECHECK_SECONDS
    return time.monotonic() + seconds * random.uniform(0.8, 1.2)  # noqa: S311
