"""Reading a comment tree in pages, at a cost that does not depend on the size of the thread.

A page is a list of siblings and what hangs below them. Rows are read level by level, the first
few per parent, and the cheapest are kept: a comment costs its parent's cost plus one, plus two
for each sibling before it. Below every parent the kept ones are a prefix of its sorted children,
so one cursor per parent says what is missing, and every comment is reached exactly once.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from threadflow_core import cursors
from threadflow_core.exceptions import BadCursor

from . import branches
from .app_settings import app_settings
from .swaps import get_comment_model

SIBLING_STEP = 2


class CommentSort(StrEnum):
    BEST = "best"
    TOP = "top"
    NEW = "new"
    OLD = "old"
    CONTROVERSIAL = "controversial"


ORDERS: dict[CommentSort, tuple[str, ...]] = {
    CommentSort.BEST: ("-best", "id"),
    CommentSort.TOP: ("-score", "id"),
    CommentSort.NEW: ("-number",),
    CommentSort.OLD: ("number",),
    CommentSort.CONTROVERSIAL: ("-controversy", "id"),
}


@dataclass(slots=True)
class Node:
    """A comment on a page, its kept replies, and the cursor to those that were not kept.

    `comment` is a `branches.Row`, or a comment where the page was asked for below one.
    """

    comment: Any
    level: int
    cost: int
    replies: list[Node] = field(default_factory=list)
    more: str | None = None
    more_count: int = 0
    has_more: bool = False


@dataclass(slots=True)
class Tree:
    """A page of a comment tree. `more` continues the top-level siblings."""

    nodes: list[Node]
    more: str | None = None
    more_count: int = 0

    def walk(self) -> list[Node]:
        """All nodes in reading order."""
        found: list[Node] = []
        stack = self.nodes[::-1]
        while stack:
            node = stack.pop()
            found.append(node)
            stack.extend(reversed(node.replies))
        return found

    def comments(self) -> list[Any]:
        return [node.comment for node in self.walk()]


def read(
    thread: Any, *, sort: CommentSort, after: str | None = None, limit: int | None = None
) -> Tree:
    """The page of `thread` that begins at the top, or where the cursor `after` points.

    At most `limit` comments in at most 1 + COMMENT_LEVELS queries. Raises BadCursor.
    """
    below = 0
    rest: int = thread.comment_count
    place: Sequence[Any] = ()
    if after:
        below, rest, *place = _open(thread, sort, after)
    limit = limit or (app_settings.COMMENTS_PER_MORE if after else app_settings.COMMENTS_PER_PAGE)
    model = get_comment_model()
    siblings = branches.read(model, thread.pk, [below], ORDERS[sort], limit + 1, place)
    level = siblings[0].depth if siblings else 0
    nodes = [Node(c, level, cost) for cost, c in enumerate(siblings)]
    kept = _grow(thread, nodes, sort, limit)
    tree = Tree(kept)
    tree.more_count = rest - sum(_weight(node.comment) for node in kept)
    if len(kept) < len(siblings):
        tree.more = _cursor(thread, below, tree.more_count, sort, kept[-1].comment)
    return tree


def read_below(thread: Any, comment: Any, *, sort: CommentSort) -> Tree:
    """The page that a permalink shows: `comment` and what hangs below it."""
    return Tree(_grow(thread, [Node(comment, 0, 0)], sort, app_settings.COMMENTS_PER_PAGE))


def _grow(thread: Any, siblings: list[Node], sort: CommentSort, limit: int) -> list[Node]:
    """Read levels below `siblings`, keep the `limit` cheapest nodes; returns the kept siblings."""
    costs = [node.cost for node in siblings]
    level = siblings
    below: dict[int, tuple[list[Node], bool]] = {}
    levels = app_settings.COMMENT_LEVELS
    if levels > 1:
        costs.extend(_promised(siblings, limit))
    for depth in range(1, levels):
        bound = heapq.nsmallest(limit, costs)[-1] if len(costs) >= limit else None
        parents = [n for n in level if n.comment.descendant_count and _fits(n.cost + 1, bound)]
        if not parents:
            break
        each = _width(parents, bound, limit)
        level = []
        for parent, replies in _replies(thread.pk, parents, sort, each + 1):
            nodes = [
                Node(reply, parent.level + 1, parent.cost + 1 + SIBLING_STEP * place)
                for place, reply in enumerate(replies)
            ]
            # One row more than needed was read: it only tells that there are more.
            below[parent.comment.pk] = (nodes[:each], len(nodes) > each)
            level.extend(nodes[:each])
        if depth < levels - 1:
            costs.extend(_promised(level, limit))
    return _keep(thread, siblings, below, sort, limit)


def _keep(
    thread: Any,
    siblings: list[Node],
    below: dict[int, tuple[list[Node], bool]],
    sort: CommentSort,
    limit: int,
) -> list[Node]:
    nothing: tuple[list[Node], bool] = ([], False)
    heap = [(node.cost, place, node) for place, node in enumerate(siblings)]
    heapq.heapify(heap)
    tie = len(heap)
    kept: set[int] = set()
    while heap and len(kept) < limit:
        _, _, node = heapq.heappop(heap)
        kept.add(node.comment.pk)
        for reply in below.get(node.comment.pk, nothing)[0]:
            heapq.heappush(heap, (reply.cost, tie, reply))
            tie += 1
    shown = [node for node in siblings if node.comment.pk in kept]
    stack = list(shown)
    while stack:
        node = stack.pop()
        replies, truncated = below.get(node.comment.pk, nothing)
        node.replies = [reply for reply in replies if reply.comment.pk in kept]
        stack.extend(node.replies)
        complete = node.comment.pk in below and len(node.replies) == len(replies) and not truncated
        if node.comment.descendant_count and not complete:
            _mark_more(thread, node, sort)
    return shown


def _mark_more(thread: Any, node: Node, sort: CommentSort) -> None:
    """Set the cursor of a node whose replies were not all kept, or not read at all."""
    rest = node.comment.descendant_count - sum(_weight(n.comment) for n in node.replies)
    last = node.replies[-1].comment if node.replies else None
    node.has_more = True
    node.more_count = max(rest, 1)
    node.more = _cursor(thread, node.comment.number, node.more_count, sort, last)


def _weight(comment: Any) -> int:
    """How many visible comments a comment stands for, with all below it."""
    return int(comment.is_visible) + comment.descendant_count


def _fits(cost: int, bound: int | None) -> bool:
    return bound is None or cost <= bound


def _promised(nodes: list[Node], limit: int) -> Iterator[int]:
    """Costs of the visible replies that `nodes` are known to have, before they are read.

    They make the bound tight, so that hardly a row is read in vain.
    """
    for node in nodes:
        for place in range(min(node.comment.child_count, limit)):
            yield node.cost + 1 + SIBLING_STEP * place


def _width(parents: Sequence[Node], bound: int | None, limit: int) -> int:
    """How many replies of one parent can still be among the cheapest."""
    if bound is None:
        return limit
    return (bound - min(node.cost for node in parents) - 1) // SIBLING_STEP + 1


def _replies(
    thread_id: int, parents: list[Node], sort: CommentSort, each: int
) -> list[tuple[Node, list[Any]]]:
    """The first `each` shown replies of every parent, in one query that reads no other row."""
    by_number = {node.comment.number: node for node in parents}
    found: dict[int, list[Any]] = {}
    numbers = list(by_number)
    for row in branches.read(get_comment_model(), thread_id, numbers, ORDERS[sort], each):
        found.setdefault(row.parent_number, []).append(row)
    return [(by_number[number], rows) for number, rows in found.items()]


def _scope(thread: Any, sort: CommentSort) -> str:
    return f"tree:{thread.pk}:{sort}"


def _cursor(thread: Any, parent: int, rest: int, sort: CommentSort, last: Any) -> str:
    place: Iterable[Any] = ()
    if last is not None:
        place = (getattr(last, name.lstrip("-")) for name in ORDERS[sort])
    return cursors.sign(_scope(thread, sort), [parent, rest, *place])


def _open(thread: Any, sort: CommentSort, cursor: str) -> list[Any]:
    values = cursors.unsign(_scope(thread, sort), cursor)
    if len(values) not in (2, 2 + len(ORDERS[sort])):
        raise BadCursor()
    return values
