"""Settings of the chat: the keys of `THREADFLOW_CHAT`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from threadflow_core.conf import AppSettings, dotted


@dataclass(frozen=True)
class ChatSettings:
    #: Class whose methods a site overrides to change single decisions.
    ADAPTER: str = dotted("threadflow_chat.adapter.ChatAdapter")
    #: Files on one message.
    ATTACHMENTS_MAX: int = 10
    #: How many bots may answer each other in a row before the last one is refused.
    BOT_DEPTH: int = 2
    #: Seconds after which a bot's message that was never finished is closed as cut off.
    BOT_TIMEOUT_SECONDS: int = 600
    #: Alias in CACHES for each person's list of rooms. `None` switches the cache off.
    CACHE_ALIAS: str | None = None
    #: Seconds for which a person's list of rooms may be reused. Counts are always fresh.
    CACHE_SECONDS: int = 15
    #: Class that gives links to calls (see `calls`); empty switches calls off.
    CALLS: str = dotted("")
    #: Seconds in which an edit leaves neither a mark nor a revision.
    EDIT_GRACE_SECONDS: int = 30
    #: Seconds in which authors may edit; 0 for no bound.
    EDIT_SECONDS: int = 0
    #: Features (of `chat.live` and `chat.write`) that everybody has on a site that sells nothing.
    FREE_FEATURES: tuple[str, ...] = ("chat.live", "chat.write")
    #: Kinds of rooms that the two features below are asked for.
    GATED_KINDS: tuple[str, ...] = ("bound", "direct", "group")
    #: People in a group when it is opened.
    GROUP_MAX_PEOPLE: int = 50
    #: `@here` in a room with more members asks the writer once more.
    HERE_WARN: int = 10
    #: `@here` in a room with more members is for moderators.
    HERE_MAX: int = 200
    #: Messages on a page of history.
    HISTORY_PAGE_SIZE: int = 50
    #: Where calls are held, for `calls.JitsiCalls`.
    JITSI_URL: str = "https://meet.jit.si"
    #: Seconds for which somebody counts as present without a sign of life of their process.
    PRESENCE_LEASE_SECONDS: int = 40
    #: Rooms with more people present show their number and no names.
    PRESENCE_NAMES_MAX: int = 100
    #: Seconds between two signs of life.
    PRESENCE_RENEW_SECONDS: int = 15
    #: Whether titles of linked pages are fetched.
    PREVIEWS: bool = True
    #: Previews of one message.
    PREVIEWS_MAX: int = 3
    #: Seconds over which the pointers of readers are gathered before they are written.
    READ_GATHER_SECONDS: float = 2.0
    #: Feature that reading needs; empty: none.
    READ_FEATURE: str = "chat.live"
    #: Feature that writing needs besides; empty: none.
    WRITE_FEATURE: str = "chat.write"
    #: Different emoji on one message.
    REACTIONS_MAX: int = 20
    #: Seconds in which the same text again is refused; 0 switches it off.
    REPEAT_SECONDS: int = 10
    #: Who opens the room of an object: `anyone` who sees it and is signed in, or `moderators`.
    ROOM_OPENING: Literal["anyone", "moderators"] = "anyone"
    #: Binding whose rooms `ws/chat/<id>/` joins.
    SOCKET_BINDING: str = "thread"
    #: Longest message, in characters.
    TEXT_MAX_LENGTH: int = 4_000
    #: With more people present nobody is told who is writing.
    TYPING_MAX_PEOPLE: int = 200
    #: Seconds in which an own deletion can be taken back.
    UNDO_SECONDS: int = 600
    #: In rooms with more members, new messages are not pushed to the badge of each.
    UNREAD_PUSH_MEMBERS: int = 50


app_settings = AppSettings("THREADFLOW_CHAT", ChatSettings)
