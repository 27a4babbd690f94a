"""The rendered discussion: built once per version of a thread, filled in for each reader.

A block holds nothing about who reads it. Where a reader's own vote, save and «new» go, it has
marks, which `fill` replaces in one pass; so members and guests share one block.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from django.db.models import Q
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from threadflow_core import people
from threadflow_core.caching import Blocks
from threadflow_core.stencils import Look, Stencil
from threadflow_core.templatetags.threadflow import tf_number, tf_when

from . import tree
from .abstract_models import State
from .app_settings import app_settings
from .models import MODERATING, CommentMark, Membership
from .tree import CommentSort, Node, Tree

# Characters that no rendered text contains: Markdown and forms drop control characters.
OPEN, CLOSE = "\x02", "\x03"
MARK = re.compile(f"{OPEN}([kuv])([^{CLOSE}]*){CLOSE}")
VISIBILITY = "visibility"

PARTIALS = "threadflow_forum/partials"
# Levels below these are not indented further, on phones and on wide windows.
DEEP, DEEPEST = 4, 8
COMMENT = Stencil(
    f"{PARTIALS}/_comment.html",
    *(
        "id",
        "knot",
        "unread",
        "hue",
        "avatar_url",
        "name",
        "profile",
        "answers",
        "href",
        "when",
        "level",
    ),
    *("body", "slot", "act", "reason", "folded", "replies"),
)
MORE = Stencil(f"{PARTIALS}/_more.html", "href", "part", "label")
CONTROLS = Stencil(f"{PARTIALS}/_comment_controls.html", "id", "act", "score", "login_url")
VOTE = Stencil(f"{PARTIALS}/_vote.html", "id", "url", "score", "login_url")


def store() -> Blocks:
    """Where rendered blocks are kept."""
    return _store(app_settings.CACHE_ALIAS)


@lru_cache(maxsize=4)
def _store(alias: str | None) -> Blocks:
    return Blocks(alias, "tff")


def expire(thread: Any) -> None:
    """After the commit, forget every whole page that shows the thread."""
    store().expire(f"t{thread.pk}")


def expire_all() -> None:
    """After the commit, forget every whole page: who may read what has changed."""
    store().expire(VISIBILITY)


def discussion(thread: Any, *, sort: CommentSort, after: str | None = None) -> dict[str, Any]:
    """The page of comments as a block.

    `html` with marks, `pks` of the comments in it, `author`: the thread's, as (key, card).
    """
    key = f"d:{thread.pk}:{thread.block_version}:{sort}:{get_language()}:{after or ''}"

    def build() -> dict[str, Any]:
        page = tree.read(thread, sort=sort, after=after)
        return render_tree(thread, page, sort)

    return store().fetch(  # type: ignore[no-any-return]
        key, build, seconds=app_settings.CACHE_SECONDS, tags=[f"t{thread.pk}"]
    )


def discussion_data(
    thread: Any,
    *,
    sort: CommentSort,
    after: str | None,
    origin: str,
    build: Callable[[Tree], dict[str, Any]],
) -> dict[str, Any]:
    """The same page for programs, as `build` makes it of the tree; cached like the HTML.

    `origin` is the scheme and host that its links carry.
    """
    version = f"{thread.block_version}:{sort}:{get_language()}:{origin}"
    key = f"j:{thread.pk}:{version}:{after or ''}"
    return store().fetch(  # type: ignore[no-any-return]
        key,
        lambda: build(tree.read(thread, sort=sort, after=after)),
        seconds=app_settings.CACHE_SECONDS,
        tags=[f"t{thread.pk}"],
    )


def render_tree(thread: Any, page: Tree, sort: CommentSort) -> dict[str, Any]:
    """Render comments with marks in place of what differs by reader."""
    comments = page.comments()
    cards = dress(thread, comments)
    url = thread.get_absolute_url()
    html = "".join(_render_node(thread, url, node, sort) for node in page.nodes)
    if page.more:
        html += _render_more(url, page.more, page.more_count, sort)
    author = (thread.author_id, people.card_of(cards, thread.author_id))
    return {"html": html, "pks": [comment.pk for comment in comments], "author": author}


def _render_node(thread: Any, url: str, node: Node, sort: CommentSort, above: str = "") -> str:
    """`above` is whom the comment answers: said where the tree is too deep to be indented."""
    name = node.comment.card.name if node.comment.is_visible else ""
    replies = "".join(_render_node(thread, url, reply, sort, name) for reply in node.replies)
    if node.has_more and node.more:
        replies += _render_more(url, node.more, node.more_count, sort)
    c, card = node.comment, node.comment.card
    n = c.descendant_count
    answers = c.answers_name or (above if node.level > DEEP else "")
    values = {
        "id": c.id_,
        "knot": c.knot,
        "unread": c.unread,
        "hue": card.hue,
        "avatar_url": card.avatar_url,
        "name": card.name,
        "profile": card.url,
        "answers": answers,
        "href": c.href,
        "when": tf_when(c.created_at),
        "level": node.level + 1,
        "body": SafeString(c.body_html),
        "slot": c.slot,
        "act": c.act,
        "reason": c.state_reason,
        "folded": ngettext("%(n)d reply", "%(n)d replies", n) % {"n": n} if n else "",
        "replies": SafeString(replies),
    }
    return COMMENT.stamp(
        values,
        state=c.state,
        has_avatar=bool(card.avatar_url),
        has_profile=bool(card.url),
        is_op=c.is_op,
        is_mod=c.is_mod,
        has_answers=bool(answers),
        edited=c.edited_at is not None,
        deep=node.level >= DEEP,
        deepest=node.level >= DEEPEST,
        fresh=getattr(c, "is_fresh", False),
        hit=getattr(c, "is_hit", False),
    )


def _render_more(url: str, cursor: str, count: int, sort: CommentSort) -> str:
    label = _("Show more comments")
    if count > 0:
        label = ngettext("Show %(n)d more comment", "Show %(n)d more comments", count) % {
            "n": count
        }
    query = f"sort={sort}&after={cursor}"
    values = {
        "href": f"{url}?{query}#discussion",
        "part": f"{url}?part=comments&{query}",
        "label": label,
    }
    return MORE.stamp(values)


def dress(thread: Any, comments: list[Any]) -> dict[Any, Any]:
    """Give comments what their template shows: cards, badges, addresses. Two queries.

    Returns the cards of all who wrote there, and of the thread's author, by key.
    """
    authors = {comment.author_id for comment in comments if comment.author_id is not None}
    answered = {c.answers.author_id for c in comments if c.answers_id is not None and c.answers}
    cards = people.cards_of(authors | answered | {thread.author_id})
    moderators = set(
        Membership.objects.filter(
            Q(role__in=MODERATING), sub_id=thread.sub_id, person_id__in=authors
        ).values_list("person_id", flat=True)
    )
    # Addresses are made from one pattern: resolving four per comment would cost more than
    # the rest of the page.
    base = reverse("threadflow_forum:thread", args=[thread.public_id, "-"]).removesuffix("-/")
    action = reverse("threadflow_forum:comment_menu", args=["-"]).removesuffix("-/-/menu/")
    for comment in comments:
        public_id, author = comment.public_id, comment.author_id
        comment.id_ = public_id
        comment.card = people.card_of(cards, author)
        comment.href = f"{base}comments/{public_id}/"
        comment.act = f"{action}{public_id}/-/"
        comment.is_op = author is not None and author == thread.author_id
        comment.is_mod = author in moderators
        comment.answers_name = ""
        if comment.answers_id is not None and comment.answers:
            comment.answers_name = people.card_of(cards, comment.answers.author_id).name
        comment.knot = SafeString(f"{OPEN}k{comment.number}:{author or ''}{CLOSE}")
        comment.unread = SafeString(f"{OPEN}u{comment.number}:{author or ''}{CLOSE}")
        locked = int(thread.is_locked or thread.state != State.VISIBLE)
        comment.slot = SafeString(
            f"{OPEN}v{comment.pk}:{public_id}:{comment.score}:{author or ''}:{locked}{CLOSE}"
        )
    return cards


def fill(
    block: dict[str, Any], *, reader: Any, read_number: int | None, login_url: str = ""
) -> str:
    """The block's HTML with the reader's own votes, saves and «new» marks. At most one query."""
    me = str(reader.pk) if reader.is_authenticated else ""
    mine = marks_of(reader, block["pks"]) if me else {}
    knot = render_knot(get_language() or "")
    action = reverse("threadflow_forum:comment_menu", args=["-"]).removesuffix("-/-/menu/")
    looks: dict[tuple[Any, ...], Look] = {}

    def replace(match: re.Match[str]) -> str:
        kind, value = match.groups()
        if kind != "v":
            number, author = value.split(":")
            new = me and author != me and read_number is not None and int(number) > read_number
            return (knot if kind == "k" else " data-tf-unread") if new else ""
        pk, public_id, score, author, locked = value.split(":")
        vote, saved, score = mine.get(int(pk), (0, False, score))
        values = {
            "id": public_id,
            "act": f"{action}{public_id}/-/",
            "score": tf_number(score),
            "login_url": login_url,
        }
        own = bool(me) and author == me
        look = looks.get((vote, saved, own, locked))
        if look is None:  # a few looks for a page of comments
            look = looks[vote, saved, own, locked] = CONTROLS.look(
                value=vote, saved=saved, own=own, guest=not me, locked=locked == "1"
            )
        return look.stamp(values)

    return MARK.sub(replace, block["html"])


def marks_of(reader: Any, pks: list[int]) -> dict[int, tuple[int, bool, int]]:
    """The reader's (vote, saved) on comments, and their scores as they are now: one query."""
    rows = CommentMark.objects.filter(person_id=reader.pk, comment_id__in=pks)
    found = rows.values_list("comment_id", "vote", "saved_at", "comment__score")
    return {pk: (vote, saved is not None, score) for pk, vote, saved, score in found}


def comment_controls(comment: Any, reader: Any) -> str:
    """The controls of one comment whose `my_vote` and `my_saved` are set."""
    action = reverse("threadflow_forum:comment_menu", args=[comment.public_id])
    values = {
        "id": comment.public_id,
        "act": action.removesuffix("menu/"),
        "score": tf_number(comment.score),
        "login_url": "",
    }
    own = comment.author_id == reader.pk
    saved = bool(comment.my_saved)
    return CONTROLS.stamp(
        values,
        value=comment.my_vote,
        saved=saved,
        own=own,
        guest=False,
        locked=comment.thread.is_locked or comment.thread.state != State.VISIBLE,
    )


def thread_controls(
    thread: Any, reader: Any, login_url: str, *, shape: str, url: str = ""
) -> SafeString:
    """The vote of a thread: a column (`v`), bare (`b`) or a pill; `url` if it is known already."""
    public_id = thread.public_id
    values = {
        "id": public_id,
        "url": url or reverse("threadflow_forum:vote", args=[public_id]),
        "score": tf_number(thread.score),
        "login_url": login_url,
    }
    own = reader.is_authenticated and thread.author_id == reader.pk
    vote = int(getattr(thread, "my_vote", None) or 0)
    html = VOTE.stamp(values, value=vote, own=own, shape=shape, guest=bool(login_url))
    return SafeString(html)


@lru_cache(maxsize=32)
def render_knot(language: str) -> str:
    """The sign of a comment that the reader has not seen."""
    return render_to_string("threadflow_forum/partials/_knot.html")


def render_one(thread: Any, comment: Any, *, reader: Any, fresh: bool = False) -> str:
    """One comment as its reader sees it; a `fresh` one takes the focus."""
    comment.is_fresh = fresh
    page = Tree([Node(comment, comment.depth, 0)])
    return fill(render_tree(thread, page, CommentSort.BEST), reader=reader, read_number=None)


def render_below(thread: Any, comment: Any, *, reader: Any) -> str:
    """A comment with the first page of what hangs below it."""
    page = tree.read_below(thread, comment, sort=CommentSort.BEST)
    return fill(render_tree(thread, page, CommentSort.BEST), reader=reader, read_number=None)
