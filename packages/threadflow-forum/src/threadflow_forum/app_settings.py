"""Settings of the forum: the keys of `THREADFLOW_FORUM`."""

from __future__ import annotations

from dataclasses import dataclass, field

from threadflow_core.conf import AppSettings, dotted


@dataclass(frozen=True)
class ForumSettings:
    #: Class whose methods a site overrides to change single decisions.
    ADAPTER: str = dotted("threadflow_forum.adapter.ForumAdapter")
    #: Seconds for which a rendered thread may be reused when only votes changed meanwhile.
    CACHE_SECONDS: int = 15
    #: Alias in CACHES for rendered threads. `None` switches the cache off.
    CACHE_ALIAS: str | None = None
    #: Longest text of a thread or a comment, in characters.
    BODY_MAX_LENGTH: int = 40_000
    #: Longest title of a thread, in characters.
    TITLE_MAX_LENGTH: int = 300
    #: Comments on the first view of a thread.
    COMMENTS_PER_PAGE: int = 60
    #: Comments that one "load more" adds.
    COMMENTS_PER_MORE: int = 40
    #: Levels that one view or one "load more" reads; deeper ones follow by "load more".
    COMMENT_LEVELS: int = 5
    #: Stored depth; deeper replies hang on the ancestor at the limit and name whom they answer.
    COMMENT_MAX_DEPTH: int = 100
    #: Threads on a page of a feed.
    FEED_PAGE_SIZE: int = 25
    #: At most so many threads of one sub on a page of a mixed feed. 0 switches the cap off.
    FEED_SUB_CAP: int = 6
    #: Who may open subs: `anyone` signed in, or `staff`.
    SUB_CREATION: str = "anyone"
    #: Seconds in which an own deletion can be taken back.
    UNDO_SECONDS: int = 600
    #: Names that no sub may take, besides those the URLs need.
    RESERVED_SUB_NAMES: tuple[str, ...] = field(default_factory=tuple)
    #: Whether a thread's vote arrows include the one that points down.
    DOWNVOTES: bool = True


app_settings = AppSettings("THREADFLOW_FORUM", ForumSettings)
