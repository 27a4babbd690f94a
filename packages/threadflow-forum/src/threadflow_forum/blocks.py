"""The rendered discussion: built once per version of a thread, filled in for each reader.

A block holds nothing about who reads it. Where a reader's own vote, save and «new» go, it has
marks, which `fill` replaces in one pass; so members and guests share one block.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from django.db import connections, router
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from threadflow_core import people
from threadflow_core.ages import Ages
from threadflow_core.caching import Blocks
from threadflow_core.lookups import AnyOf
from threadflow_core.stencils import Look, Stencil
from threadflow_core.templatetags.threadflow import tf_number

from . import tree
from .abstract_models import State
from .app_settings import app_settings
from .models import MODERATING, CommentMark, Membership
from .swaps import get_comment_model
from .tree import CommentSort, Node, Tree

# Characters that no rendered text contains: Markdown and forms drop control characters.
OPEN, CLOSE = "\x02", "\x03"
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
    """Render comments with marks in place of what differs by reader. Two queries."""
    comments = page.comments()
    view = _Discussion(thread, comments, sort)
    html = "".join([view.render(node) for node in page.nodes])
    if page.more:
        html += view.more(page.more, page.more_count)
    author = (thread.author_id, people.card_of(view.cards, thread.author_id))
    return {"html": html, "pks": [comment.pk for comment in comments], "author": author}


class _Discussion:
    """What the comments of one page share: each address, text and look is found once."""

    def __init__(self, thread: Any, comments: list[Any], sort: CommentSort) -> None:
        self.thread = thread
        self.encode = get_comment_model().public_ids.encode
        self.query = f"?sort={sort}&after="
        self.url = thread.get_absolute_url()
        # Addresses are made from one pattern: resolving four per comment would cost more than
        # the rest of the page.
        base = reverse("threadflow_forum:thread", args=[thread.public_id, "-"])
        self.base = f"{base.removesuffix('-/')}comments/"
        self.action = _action()
        self.locked = int(thread.is_locked or thread.state != State.VISIBLE)
        self.ages = Ages()
        self.folded = lru_cache(maxsize=None)(_folded)
        self.looks: dict[tuple[Any, ...], Look] = {}
        authors = {comment.author_id for comment in comments if comment.author_id is not None}
        self.answered = _authors_of({c.answers_id for c in comments} - {None})
        wanted = authors | set(self.answered.values()) | {thread.author_id}
        self.cards = people.cards_of(wanted)
        self.moderators = set(
            Membership.objects.filter(
                AnyOf("person_id", authors), role__in=MODERATING, sub_id=thread.sub_id
            ).values_list("person_id", flat=True)
        )

    def render(self, node: Node, above: str = "") -> str:
        """`above` is whom the comment answers: said where the tree is too deep to be indented."""
        c = node.comment
        author = c.author_id
        card = people.card_of(self.cards, author)
        name = card.name if c.is_visible else ""
        replies = "".join([self.render(reply, str(name)) for reply in node.replies])
        if node.has_more and node.more:
            replies += self.more(node.more, node.more_count)
        if c.answers_id is not None:
            above = str(people.card_of(self.cards, self.answered.get(c.answers_id)).name)
        elif node.level <= DEEP:
            above = ""
        public_id = self.encode(c.pk)
        mark = f"{c.number}:{author or ''}{CLOSE}"
        slot = f"{OPEN}v{c.pk}:{public_id}:{c.score}:{author or ''}:{self.locked}{CLOSE}"
        values = {
            "id": public_id,
            "knot": SafeString(f"{OPEN}k{mark}"),
            "unread": SafeString(f"{OPEN}u{mark}"),
            "hue": card.hue,
            "avatar_url": card.avatar_url,
            "name": card.name,
            "profile": card.url,
            "answers": above,
            "href": f"{self.base}{public_id}/",
            "when": self.ages.tag(c.created_at),
            "level": node.level + 1,
            "body": SafeString(c.body_html),
            "slot": SafeString(slot),
            "act": f"{self.action}{public_id}/-/",
            "reason": c.state_reason,
            "folded": self.folded(c.descendant_count),
            "replies": SafeString(replies),
        }
        return self.look(node, card, bool(above)).stamp(values)

    def look(self, node: Node, card: people.PersonCard, has_answers: bool) -> Look:
        c, author = node.comment, node.comment.author_id
        fresh, hit = getattr(c, "is_fresh", False), getattr(c, "is_hit", False)
        is_op = author is not None and author == self.thread.author_id
        is_mod = author in self.moderators
        deep, deepest = node.level >= DEEP, node.level >= DEEPEST
        drawn, linked, edited = bool(card.avatar_url), bool(card.url), c.edited_at is not None
        key = (
            c.state,
            drawn,
            linked,
            is_op,
            is_mod,
            has_answers,
            edited,
            deep,
            deepest,
            fresh,
            hit,
        )
        found = self.looks.get(key)
        if found is None:  # a few looks for a page of comments
            found = self.looks[key] = COMMENT.look(
                state=c.state,
                has_avatar=drawn,
                has_profile=linked,
                is_op=is_op,
                is_mod=is_mod,
                has_answers=has_answers,
                edited=edited,
                deep=deep,
                deepest=deepest,
                fresh=fresh,
                hit=hit,
            )
        return found

    def more(self, cursor: str, count: int) -> str:
        label = _("Show more comments")
        if count > 0:
            label = ngettext("Show %(n)d more comment", "Show %(n)d more comments", count) % {
                "n": count
            }
        query = f"{self.query}{cursor}"
        values = {
            "href": f"{self.url}{query}#discussion",
            "part": f"{self.url}?part=comments&{query[1:]}",
            "label": label,
        }
        return MORE.stamp(values)


def _folded(n: int) -> str:
    return ngettext("%(n)d reply", "%(n)d replies", n) % {"n": n} if n else ""


def _action() -> str:
    """What the addresses of all actions on comments begin with."""
    return reverse("threadflow_forum:comment_menu", args=["-"]).removesuffix("-/-/menu/")


def _authors_of(pks: set[int]) -> dict[int, Any]:
    """Authors of the comments with these keys. One query, none for no keys."""
    if not pks:
        return {}
    return dict(get_comment_model().objects.filter(pk__in=pks).values_list("pk", "author_id"))


def give_cards(things: list[Any]) -> None:
    """Give threads or comments their authors' cards: one query."""
    cards = people.cards_of({thing.author_id for thing in things})
    for thing in things:
        thing.card = people.card_of(cards, thing.author_id)


def fill(
    block: dict[str, Any], *, reader: Any, read_number: int | None, login_url: str = ""
) -> str:
    """The block's HTML with the reader's own votes, saves and «new» marks. At most one query."""
    me = str(reader.pk) if reader.is_authenticated else ""
    mine = marks_of(reader, block["pks"]) if me else {}
    controls = _Controls(me, mine, login_url)
    knot = render_knot(get_language() or "")
    # Who never opened the thread, or is a guest, finds nothing new in it.
    seen = read_number if me else None
    head, *rest = block["html"].split(OPEN)
    parts = [head]
    for part in rest:
        mark, _close, text = part.partition(CLOSE)
        if mark[0] == "v":
            parts.append(controls.of(mark))
        elif seen is not None:
            number, author = mark[1:].split(":")
            if int(number) > seen and author != me:
                parts.append(knot if mark[0] == "k" else " data-tf-unread")
        parts.append(text)
    return "".join(parts)


class _Controls:
    """Arrows, score and save of the comments of one page, as one reader sees them."""

    def __init__(self, me: str, mine: dict[int, tuple[int, bool, int]], login_url: str) -> None:
        self.me = me
        self.mine = mine
        self.login_url = login_url
        self.action = _action()
        self.looks: dict[tuple[Any, ...], Look] = {}

    def of(self, mark: str) -> str:
        """What stands where the `mark` of a comment was."""
        pk, public_id, score, author, locked = mark[1:].split(":")
        vote, saved, score_now = self.mine.get(int(pk), (0, False, score))
        values = {
            "id": public_id,
            "act": f"{self.action}{public_id}/-/",
            "score": tf_number(score_now),
            "login_url": self.login_url,
        }
        key = (vote, saved, bool(self.me) and author == self.me, locked)
        look = self.looks.get(key)
        if look is None:  # a few looks for a page of comments
            look = self.looks[key] = CONTROLS.look(
                value=vote, saved=saved, own=key[2], guest=not self.me, locked=locked == "1"
            )
        return look.stamp(values)


def marks_of(reader: Any, pks: list[int]) -> dict[int, tuple[int, bool, int]]:
    """The reader's (vote, saved) on comments, and their scores as they are now: one query."""
    if not pks:
        return {}
    using = router.db_for_read(CommentMark)
    connection = connections[using]
    person = CommentMark._meta.get_field("person").get_db_prep_value(reader.pk, connection)
    keys: list[Any] = pks
    if connection.vendor == "postgresql":
        sql, keys = _marks_sql(using, "= ANY(%s)"), [pks]
    else:
        sql = _marks_sql(using, f"IN ({', '.join(['%s'] * len(pks))})")
    with connection.cursor() as cursor:
        cursor.execute(sql, [person, *keys])
        return {pk: (vote, bool(saved), score) for pk, vote, saved, score in cursor.fetchall()}


@lru_cache(maxsize=128)
def _marks_sql(using: str, among: str) -> str:
    """Every page of a member asks it; the ORM would put it together for thrice what it costs."""
    quote = connections[using].ops.quote_name
    comments: Any = get_comment_model()._meta
    return (
        f"SELECT m.comment_id, m.vote, m.saved_at IS NOT NULL, c.score "  # noqa: S608
        f"FROM {quote(CommentMark._meta.db_table)} m "
        f"JOIN {quote(comments.db_table)} c ON c.{quote(comments.pk.column)} = m.comment_id "
        f"WHERE m.person_id = %s AND m.comment_id {among}"
    )


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
