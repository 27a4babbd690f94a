"""One conversation in `threadflow.v1`: hello, subscriptions, pings, and the ops of siblings."""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
import secrets
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from django.db import DatabaseError
from django.utils.translation import gettext as _

from ..exceptions import LimitExceeded, ThreadflowError
from ..policies import Verdict
from . import access, kinds, protocol, rechecks, wire
from .access import Asked, Identity, Rights
from .hub import Hub
from .protocol import Close
from .sockets import Send, Socket
from .threads import in_thread
from .tickets import BadTicket

logger = logging.getLogger("threadflow.realtime")

Frame = dict[str, Any]
#: The topics that a URL joins at once, by the person.
DefaultTopics = Callable[[Any], list[str]]


class Refused(ThreadflowError):
    """Answered by `err`, with the code of the protocol."""


class Session(Socket):
    """A socket that speaks the protocol. What ops of siblings get as their first argument."""

    def __init__(
        self, hub: Hub, send: Send, identity: Identity, *, topics: DefaultTopics | None = None
    ) -> None:
        super().__init__(send, person=identity.person)
        self.hub = hub
        self.identity = identity
        self.connection_id = secrets.token_hex(8)
        self._default_topics = topics
        self._strikes = 0
        self._rate_strikes: deque[float] = deque(maxlen=protocol.RATE_STRIKES)
        self._tokens, self._tokens_at = protocol.OPS_BURST, time.monotonic()
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._rechecking: asyncio.Task[None] | None = None
        self._ops: dict[str, Callable[[Frame], Any]] = {
            "auth": self._auth,
            "ping": self._ping,
            "sub": self._sub,
            "unsub": self._unsub,
        }
        self._take_identity(identity)

    # ------------------------------------------------------------------ life

    def begin(self) -> None:
        """The client must say hello in time, and rights are asked again from now on."""
        self._later("hello", protocol.HELLO_SECONDS, self._close_silent)
        self.due = rechecks.next_time()

    def end(self) -> None:
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        if self._rechecking is not None:
            self._rechecking.cancel()
        self.detach()

    async def receive(self, text: str) -> None:
        """Act on one frame of the client. Never raises for what a client may send."""
        if len(text) > protocol.FRAME_BYTES or len(text.encode()) > protocol.FRAME_BYTES:
            self.close(Close.TOO_BIG, "frame too big")
            return
        wait = self._spend()
        if wait:
            self._refuse_for_speed(wait)
            return
        try:
            frame = json.loads(text)
        except (ValueError, RecursionError):
            frame = None
        if not isinstance(frame, dict) or not isinstance(frame.get("op"), str):
            self._strike()
            return
        await self._answer(frame)

    async def _answer(self, frame: Frame) -> None:
        op, number = frame["op"], frame.get("i")
        if not isinstance(number, int | str | None):
            number = None
        try:
            reply = await self._act(op, frame)
        except ThreadflowError as error:
            retry_ms = error.retry_after * 1000 if isinstance(error, LimitExceeded) else None
            self._err(number, error.code, error.message, retry_ms=retry_ms)
        except DatabaseError:
            logger.exception("The database failed %s", op)
            self._err(number, "busy", _("Try again in a moment."), retry_ms=2000)
        except Exception:
            logger.exception("Frame %s could not be answered", op)
            self._err(number, "server_error", _("That did not work."))
        else:
            if reply is not None:
                self.push_frame(reply if number is None else {**reply, "i": number})

    async def _act(self, op: str, frame: Frame) -> Frame | None:
        if not self.is_greeted:
            if op != "hello":
                self.close(Close.PROTOCOL, "hello comes first")
                return None
            return await self._hello(frame)
        own = self._ops.get(op)
        if own is not None:
            reply: Any = own(frame)
            given: Frame | None = await reply if inspect.isawaitable(reply) else reply
            return given
        handler = kinds.op_handler(op)
        if handler is None:
            raise Refused(_("This is not understood."), code="bad_request")
        if inspect.iscoroutinefunction(handler):
            answer: Frame | None = await handler(self, frame)
        else:
            answer = await in_thread(handler, self, frame)
        return answer

    # ------------------------------------------------------------------ ops

    async def _hello(self, frame: Frame) -> Frame | None:
        if frame.get("v", protocol.VERSION) != protocol.VERSION:
            self.close(Close.VERSION, "version not served")
            return None
        if "ticket" in frame and not await self._admit(frame["ticket"]):
            return None
        if not self.user_id and self._is_one_too_many():
            self.close(Close.TOO_MANY, "too many sockets")
            return None
        self.is_greeted = True
        self._timers.pop("hello").cancel()
        self.push_frame(self._welcome())
        wanted = frame.get("topics")
        asked = [one for one in wanted if isinstance(one, dict)] if isinstance(wanted, list) else []
        named = {one.get("topic") for one in asked}
        if self._default_topics is not None:
            topics = await in_thread(self._default_topics, self.person)
            asked += [{"topic": topic} for topic in topics if topic not in named]
        await self._follow(asked)
        return None

    def _is_one_too_many(self) -> bool:
        """Whether as many strangers as may be have said hello from this address."""
        known = [one for one in self.hub.strangers_at(self.address) if one.is_greeted]
        return len(known) >= protocol.SOCKETS_PER_ADDRESS

    def _welcome(self) -> Frame:
        key = kinds.user_key(self.person.pk) if self.person.is_authenticated else None
        return {
            "op": "welcome",
            "v": protocol.VERSION,
            "conn": self.connection_id,
            "user": key,
            "now": int(time.time() * 1000),
            "exp": self._expiry(),
            "ping_s": protocol.PING_SECONDS,
            "limits": {
                "frame": protocol.FRAME_BYTES,
                "rate": protocol.OPS_PER_SECOND,
                "topics": protocol.TOPICS_PER_SOCKET,
            },
        }

    def _expiry(self) -> int | None:
        at = self.identity.expires_at
        return None if at is None else int(at)

    async def _auth(self, frame: Frame) -> Frame | None:
        if not await self._admit(frame.get("ticket")):
            return None
        return {"op": "ok", "exp": self._expiry()}

    def _ping(self, frame: Frame) -> Frame:
        return {"op": "pong", "t": frame.get("t"), "now": int(time.time() * 1000)}

    async def _sub(self, frame: Frame) -> None:
        await self._follow([frame])

    def _unsub(self, frame: Frame) -> Frame:
        topic = frame.get("topic")
        if isinstance(topic, str):
            self.hub.leave(topic, self)
        return {"op": "ok"}

    # ------------------------------------------------------------------ following

    async def _follow(self, asked: list[Frame]) -> None:
        """Subscribe to what is asked for, and answer each with `subd` or `err`."""
        names = [str(one.get("topic")) for one in asked]
        verdicts = await in_thread(access.may_follow, self.person, names)
        for one, name in zip(asked, names, strict=True):
            verdict = verdicts[name]
            full = len(self.topics) >= protocol.TOPICS_PER_SOCKET and name not in self.topics
            if verdict and full:
                verdict = Verdict.no("too_many_topics", _("Too many topics on one socket."))
            number = {"i": one["i"]} if isinstance(one.get("i"), int | str) else {}
            if verdict:
                await self._join(name, one, number)
            else:
                self.push_frame({**_refusal(name, verdict), **number})

    async def _join(self, topic: str, asked: Frame, number: Frame) -> None:
        since, epoch = asked.get("since"), asked.get("epoch")
        # Before joining: nothing may be awaited between joining and the answer.
        tells = access.tells_mine(topic)
        mine = await in_thread(access.mine_of, topic, self.person) if tells else None
        if isinstance(since, bool) or not isinstance(since, int):
            since = None
        joined = await self.hub.join(
            topic, self, since=since, epoch=epoch if isinstance(epoch, str) else ""
        )
        head: Frame = {"op": "subd", "topic": topic, "seq": joined.seq, "epoch": joined.epoch}
        if mine is not None:
            head["me"] = mine
        if joined.texts is not None:
            # Frames are cached as text; here they become a list inside another frame.
            events = [json.loads(text) for text in joined.texts]
            self.push_frame({**head, "mode": "resume", "ev": events, **number})
            return
        page = await in_thread(access.page_of, topic, self.person)
        since_page = await self.hub.join(topic, self, since=joined.seq, epoch=joined.epoch)
        shown = {} if page is None else {"page": page}
        self.push_frame({**head, "mode": "reset", **shown, **number})
        if since_page.texts is None:
            self.push_frame({"op": "gap", "topic": topic})
        for text in since_page.texts or []:
            self.push(text)

    # ------------------------------------------------------------------ identity

    async def _admit(self, ticket: Any) -> bool:
        """Take the identity of the ticket; False when the socket was closed instead."""
        try:
            identity = await in_thread(access.of_ticket, ticket)
        except BadTicket:
            self.close(Close.BAD_TICKET, "bad ticket")
            return False
        known = self.person
        if known.is_authenticated and known.pk != identity.person.pk:
            self.close(Close.BAD_TICKET, "another person's ticket")
            return False
        if not identity.person.is_active:
            self.close(Close.SUSPENDED, "account closed")
            return False
        others = [one for one in self.hub.sockets_of(identity.person.pk) if one is not self]
        if len(others) >= protocol.SOCKETS_PER_USER:
            self.close(Close.TOO_MANY, "too many sockets")
            return False
        self._take_identity(identity)
        return True

    def _take_identity(self, identity: Identity) -> None:
        self.identity = identity
        self.person = identity.person
        self.user_id = str(self.person.pk) if self.person.is_authenticated else ""
        self.session_mark = wire.session_mark(identity.session_key) if identity.session_key else ""
        if identity.expires_at is not None:
            left = identity.expires_at - time.time()
            # A loop's timer reaches about a month; a recheck in between plans anew.
            self._later("expiry", min(max(left, 0.0), 86_400.0), self.recheck)

    def recheck(self) -> None:
        """Ask at once and of this person alone, as after a ban or at the end of a session."""
        if self._rechecking is None and self.closing is None:
            self._rechecking = asyncio.get_running_loop().create_task(self._recheck())

    async def _recheck(self) -> None:
        try:
            asked = self.ask()
            self.take(asked, await in_thread(access.rights_of, asked))
        except Exception:
            logger.exception("The rights of a socket could not be checked; trying again")
            self.due = time.monotonic()
        finally:
            self._rechecking = None

    def ask(self) -> Asked:
        return Asked(self.identity, sorted(self.topics))

    def take(self, asked: Asked, rights: Rights) -> None:
        """Close if the identity fell; leave the topics that may no longer be followed."""
        if self.closing is not None:
            return
        identity, code = asked.identity, rights.code
        if code is None and identity.expires_at and identity.expires_at <= time.time():
            code = Close.EXPIRED
        if code is not None:
            self.close(code, code.name.lower())
            return
        if identity is self.identity:  # else `auth` was faster
            self._take_identity(identity)
        for topic, verdict in rights.verdicts.items():
            if not verdict and verdict is not access.BROKEN and topic in self.topics:
                self.hub.leave(topic, self)
                self.push_frame({**_refusal(topic, verdict), "op": "kicked"})
        self.due = rechecks.next_time()

    # ------------------------------------------------------------------ limits

    def _spend(self) -> float:
        """Take one token of the client's allowance; else the seconds until there is one."""
        now = time.monotonic()
        gained = (now - self._tokens_at) * protocol.OPS_PER_SECOND
        self._tokens = min(protocol.OPS_BURST, self._tokens + gained)
        self._tokens_at = now
        if self._tokens < 1:
            return (1 - self._tokens) / protocol.OPS_PER_SECOND
        self._tokens -= 1
        return 0.0

    def _refuse_for_speed(self, wait: float) -> None:
        now = time.monotonic()
        self._rate_strikes.append(now)
        full = len(self._rate_strikes) == protocol.RATE_STRIKES
        if full and now - self._rate_strikes[0] < 60:
            self.close(Close.RATE, json.dumps({"retry_ms": 5000}))
        else:
            self._err(None, "rate", _("Slower, please."), retry_ms=max(1, int(wait * 1000)))

    def _strike(self) -> None:
        self._strikes += 1
        if self._strikes >= protocol.PROTOCOL_STRIKES:
            self.close(Close.PROTOCOL, "not understood")
        else:
            self._err(None, "bad_request", _("This is not understood."))

    def _err(self, number: Any, code: str, message: Any, *, retry_ms: int | None = None) -> None:
        frame: Frame = {"op": "err", "code": code, "msg": message}
        if number is not None:
            frame["i"] = number
        if retry_ms is not None:
            frame["retry_ms"] = retry_ms
        self.push_frame(frame)

    # ------------------------------------------------------------------ timers

    def _later(self, name: str, seconds: float, action: Callable[[], None]) -> None:
        if self.closing is not None:
            return
        if name in self._timers:
            self._timers[name].cancel()
        self._timers[name] = asyncio.get_running_loop().call_later(seconds, action)

    def _close_silent(self) -> None:
        self.close(Close.NO_HELLO, "no hello")


def _refusal(topic: str, verdict: Verdict) -> Frame:
    return {"op": "err", "topic": topic, "code": verdict.code, "msg": verdict.message}
