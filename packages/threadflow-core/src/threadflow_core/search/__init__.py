"""Full-text search over what packages declare: one port, two engines.

A package registers a `SearchKind` and calls `index` in the transaction that changes an object.
`query` finds what the asking person may see: rights are part of the query, never a filter
afterwards, so that nothing hidden shows in a page's length.
"""

from __future__ import annotations

from .grammar import Query, parse
from .highlighting import highlight
from .registry import Document, SearchKind, kinds, register
from .services import Hit, SearchPage, index, query, rebuild, remove, write

__all__ = [
    "Document",
    "Hit",
    "Query",
    "SearchKind",
    "SearchPage",
    "highlight",
    "index",
    "kinds",
    "parse",
    "query",
    "rebuild",
    "register",
    "remove",
    "write",
]
