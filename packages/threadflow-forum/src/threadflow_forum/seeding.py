"""Synthetic content in bulk: the same for the same seed, with counters that equal the rows.

Meant for trying, measuring and testing at size; `threadflow_seed` is its command.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.color import no_style
from django.db import connections, router, transaction

from . import paths, ranking
from .models import CommentMark, Membership, ThreadMark
from .swaps import get_comment_model, get_sub_model, get_thread_model

WORDS = [
    "after",
    "again",
    "also",
    "always",
    "around",
    "bread",
    "bridge",
    "build",
    "careful",
    "change",
    "clear",
    "clock",
    "cold",
    "come",
    "copper",
    "corner",
    "could",
    "dark",
    "day",
    "door",
    "early",
    "easy",
    "edge",
    "enough",
    "every",
    "fast",
    "field",
    "find",
    "fire",
    "first",
    "flour",
    "garden",
    "good",
    "great",
    "green",
    "ground",
    "hand",
    "heavy",
    "high",
    "house",
    "idea",
    "keep",
    "kind",
    "lake",
    "large",
    "last",
    "late",
    "leave",
    "light",
    "line",
    "little",
    "long",
    "look",
    "machine",
    "maybe",
    "measure",
    "might",
    "minute",
    "morning",
    "move",
    "much",
    "never",
    "night",
    "often",
    "old",
    "open",
    "order",
    "other",
    "paper",
    "part",
    "people",
    "place",
    "plain",
    "point",
    "quiet",
    "rain",
    "read",
    "right",
    "river",
    "road",
    "room",
    "round",
    "salt",
    "same",
    "sea",
    "second",
    "short",
    "side",
    "simple",
    "slow",
    "small",
    "soft",
    "sound",
    "stone",
    "story",
    "street",
    "strong",
    "table",
    "take",
    "tell",
    "thing",
    "think",
    "time",
    "today",
    "tool",
    "town",
    "turn",
    "under",
    "warm",
    "water",
    "week",
    "while",
    "white",
    "wind",
    "window",
    "winter",
    "wood",
    "word",
    "work",
    "world",
    "write",
    "year",
    "yellow",
]
DAY = 86_400


@dataclass(frozen=True, slots=True)
class Size:
    """How much to write. `giant` is the number of comments of one thread, `roots` of them roots."""

    subs: int
    people: int
    threads: int
    comments: int
    giant: int
    roots: int


SIZES = {
    "small": Size(12, 200, 150, 3_000, 400, 60),
    "medium": Size(100, 5_000, 10_000, 100_000, 10_000, 2_000),
    "large": Size(1_000, 100_000, 200_000, 2_000_000, 50_000, 10_000),
}


@dataclass(slots=True)
class Branch:
    """One comment of a tree before it is written; `parent` is an index into the list or −1."""

    parent: int
    path: bytes
    depth: int
    up: int = 0
    down: int = 0
    children: int = 0
    descendants: int = 0


def shape(rng: Random, size: int, *, roots: int | None = None, depth: int = 100) -> list[Branch]:
    """The tree of a thread with `size` comments: mostly short branches, a few long ones."""
    tree: list[Branch] = []
    for n in range(size):
        first = n < roots if roots is not None else rng.random() < 0.35
        parent = -1 if first or not tree else _pick(rng, tree)
        above = tree[parent] if parent >= 0 else None
        if above is not None and above.depth >= depth:
            parent, above = above.parent, tree[above.parent]
        path = paths.child(above.path if above else b"", n + 1)
        tree.append(Branch(parent, path, paths.depth(path)))
    count(tree)
    return tree


def _pick(rng: Random, tree: Sequence[Branch]) -> int:
    # Half of the replies go to something recent, which makes long branches.
    if rng.random() < 0.5:
        return rng.randrange(max(0, len(tree) - 8), len(tree))
    return rng.randrange(len(tree))


def count(tree: list[Branch]) -> None:
    """Fill in the reply counts of a tree whose comments are all visible."""
    for branch in reversed(tree):
        if branch.parent >= 0:
            above = tree[branch.parent]
            above.children += 1
            above.descendants += branch.descendants + 1


class Seeder:
    """Writes one `Size` of content. `log` is called with a line per step."""

    def __init__(self, size: Size, seed: int, log: Any = lambda line: None) -> None:
        self.size = size
        self.rng = Random(seed)  # noqa: S311 - content, not secrets
        self.log = log
        # A fixed end, so that the same seed gives the same rows whenever it runs.
        self.now = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)

    @transaction.atomic
    def run(self) -> dict[str, int]:
        """Write everything; returns how many rows of each kind."""
        people = self.people()
        subs = self.subs(people)
        threads, comments, votes = self.threads(subs, people)
        return {
            "people": len(people),
            "subs": len(subs),
            "threads": threads,
            "comments": comments,
            "votes": votes,
        }

    def people(self) -> list[int]:
        users = get_user_model()
        name = users.USERNAME_FIELD
        made: list[Any] = []
        for start in range(0, self.size.people, 2_000):
            batch = [
                users(**{name: f"seed{n:06d}", "password": "!"})
                for n in range(start, min(start + 2_000, self.size.people))
            ]
            made.extend(users._default_manager.bulk_create(batch))
        self.log(f"{len(made)} people")
        return [user.pk for user in made]

    def subs(self, people: list[int]) -> list[Any]:
        model = get_sub_model()
        rng = self.rng
        subs = [
            model(
                slug=f"seed_{rng.choice(WORDS)}_{n}",
                title=self.words(3).capitalize(),
                description=self.sentence(),
                visibility="private" if n % 20 == 19 else "public",
                hue=n % 8 + 1,
                founder_id=people[n % len(people)],
                created_at=self.now - dt.timedelta(days=900),
                active_at=self.now,
            )
            for n in range(self.size.subs)
        ]
        subs = model.objects.bulk_create(subs, batch_size=500)
        rows: list[tuple[Any, ...]] = []
        per_sub = max(5, self.size.people * 5 // self.size.subs)
        for sub in subs:
            inside = rng.sample(people, min(per_sub, len(people)))
            if sub.founder_id not in inside:
                inside[0] = int(sub.founder_id or 0)
            sub.member_count = len(inside)
            for pk in inside:
                role = "owner" if pk == sub.founder_id else "member"
                rows.append((sub.pk, pk, role, False, sub.created_at, None, None, "", 0))
        columns: tuple[str, ...] = ("sub_id", "person_id", "role", "is_approved", "joined_at")
        columns += ("banned_at", "banned_until", "ban_reason", "karma")
        write(Membership, columns, rows)
        self.log(f"{len(subs)} subs, {len(rows)} memberships")
        return list(subs)

    def threads(self, subs: list[Any], people: list[int]) -> tuple[int, int, int]:
        rng, size = self.rng, self.size
        first_thread, first_comment = next_pk(get_thread_model()), next_pk(get_comment_model())
        sizes = self.sizes()
        thread_rows: list[tuple[Any, ...]] = []
        thread_votes: list[tuple[Any, ...]] = []
        comment_total, vote_total = 0, 0
        comment_rows: list[tuple[Any, ...]] = []
        comment_votes: list[tuple[Any, ...]] = []
        counts: dict[int, int] = {}
        for n in range(size.threads):
            pk = first_thread + n
            # A few subs are busy and most are quiet, as anywhere.
            sub = subs[int(len(subs) * rng.random() ** 2)]
            counts[sub.pk] = counts.get(sub.pk, 0) + 1
            posted = self.now - dt.timedelta(seconds=rng.random() ** 2 * 700 * DAY)
            voters = rng.sample(people, min(len(people), int(rng.random() ** 3 * 12)))
            votes = [(voter, 1 if rng.random() < 0.8 else -1) for voter in voters]
            thread_votes.extend(mark_row(voter, value, pk) for voter, value in votes)
            total = sizes[n]
            tree = shape(rng, total, roots=size.roots if n == 0 else None) if total else []
            last = posted
            for place, branch in enumerate(tree):
                comment_pk = first_comment + comment_total + place
                said = posted + dt.timedelta(seconds=(place + 1) * DAY / (total + 1))
                last = said
                row, cast = self.comment(comment_pk, pk, place, branch, tree, said, people)
                comment_rows.append(row)
                comment_votes.extend(cast)
            comment_total += total
            thread_rows.append(self.thread(pk, sub, posted, votes, total, last, people))
            if len(comment_rows) > 50_000 or n == size.threads - 1:
                # In the order of the keys: threads before their comments.
                write(get_thread_model(), THREAD_COLUMNS, thread_rows)
                write(get_comment_model(), COMMENT_COLUMNS, comment_rows)
                write(ThreadMark, (*MARK_COLUMNS, "thread_id"), thread_votes)
                write(CommentMark, (*MARK_COLUMNS, "comment_id"), comment_votes)
                vote_total += len(thread_votes) + len(comment_votes)
                self.log(f"{n + 1} threads, {comment_total} comments")
                for rows in (thread_rows, comment_rows, thread_votes, comment_votes):
                    rows.clear()
        for sub in subs:
            sub.thread_count = counts.get(sub.pk, 0)
        get_sub_model().objects.bulk_update(subs, ["thread_count", "member_count"], batch_size=500)
        reset_sequences(get_thread_model(), get_comment_model())
        return size.threads, comment_total, vote_total

    def sizes(self) -> list[int]:
        """Comments per thread: the giant first, then a long tail that adds up exactly."""
        size, rng = self.size, self.rng
        weights = [rng.paretovariate(1.2) for _ in range(size.threads - 1)]
        factor = (size.comments - size.giant) / sum(weights)
        most = max(20, size.giant // 5)
        sizes = [min(int(weight * factor), most) for weight in weights]
        missing = size.comments - size.giant - sum(sizes)
        for n in range(missing):
            sizes[n % len(sizes)] += 1
        return [size.giant, *sizes]

    def thread(
        self,
        pk: int,
        sub: Any,
        posted: dt.datetime,
        votes: list[tuple[int, int]],
        comments: int,
        last: dt.datetime,
        people: list[int],
    ) -> tuple[Any, ...]:
        up = sum(1 for _, value in votes if value > 0)
        down = len(votes) - up
        text = self.text(3)
        title = self.words(7).capitalize()
        return (
            *(pk, self.rng.choice(people), text, f"<p>{text}</p>", "visible", "", posted),
            *(1, up, down, up - down, ranking.controversy(up, down), "{}", sub.pk, "text", title),
            *(
                title.lower().replace(" ", "-"),
                "",
                "",
                text[:280],
                "",
                ranking.hot(up - down, posted),
            ),
            *(comments, comments, last, 1),
        )

    def comment(
        self,
        pk: int,
        thread_pk: int,
        place: int,
        branch: Branch,
        tree: list[Branch],
        said: dt.datetime,
        people: list[int],
    ) -> tuple[tuple[Any, ...], list[tuple[Any, ...]]]:
        rng = self.rng
        first = pk - place
        cast: list[tuple[Any, ...]] = []
        if rng.random() < 0.25:
            for voter in {rng.choice(people) for _ in range(1 + int(rng.random() ** 2 * 4))}:
                value = 1 if rng.random() < 0.75 else -1
                branch.up += value > 0
                branch.down += value < 0
                cast.append(mark_row(voter, value, pk))
        up, down = branch.up, branch.down
        text = self.text(1 + place % 3)
        root = int.from_bytes(branch.path[: paths.WIDTH], "big") - 1
        parent = first + branch.parent if branch.parent >= 0 else None
        row = (
            *(pk, rng.choice(people), text, f"<p>{text}</p>", "visible", "", said),
            *(1, up, down, up - down, ranking.controversy(up, down), "{}", thread_pk, parent),
            *(None if parent is None else first + root, place + 1, branch.depth, branch.path),
            *(branch.parent + 1, branch.children, branch.descendants, ranking.best(up, down)),
        )
        return row, cast

    def words(self, n: int) -> str:
        return " ".join(self.rng.choices(WORDS, k=n))

    def sentence(self) -> str:
        return f"{self.words(6 + self.rng.randrange(8)).capitalize()}."

    def text(self, sentences: int) -> str:
        return " ".join(self.sentence() for _ in range(sentences))


TEXT_COLUMNS: tuple[str, ...] = (
    "id",
    "author_id",
    "body",
    "body_html",
    "state",
    "state_reason",
    "created_at",
)
TEXT_COLUMNS += ("version", "up", "down", "score", "controversy", "metadata")
THREAD_COLUMNS: tuple[str, ...] = (
    *TEXT_COLUMNS,
    "sub_id",
    "kind",
    "title",
    "slug",
    "url",
    "domain",
    "excerpt",
)
THREAD_COLUMNS += ("flair", "hot", "comment_count", "last_number", "active_at", "block_version")
COMMENT_COLUMNS: tuple[str, ...] = (
    *TEXT_COLUMNS,
    "thread_id",
    "parent_id",
    "root_id",
    "number",
    "depth",
    "path",
)
COMMENT_COLUMNS += ("parent_number", "child_count", "descendant_count", "best")
MARK_COLUMNS = ("person_id", "vote", "effect", "karma")


def mark_row(voter: int, value: int, thing: int) -> tuple[Any, ...]:
    return (voter, value, value, 0, thing)


def next_pk(model: Any) -> int:
    last = model.objects.order_by("-pk").values_list("pk", flat=True).first()
    return int(last or 0) + 1


def write(model: Any, columns: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> None:
    """Insert rows by the fastest way of the database: COPY, or one prepared statement."""
    connection = connections[router.db_for_write(model)]
    quote = connection.ops.quote_name
    table, names = quote(model._meta.db_table), ", ".join(map(quote, columns))
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
            return
        places = ", ".join(["%s"] * len(columns))
        sql = f"INSERT INTO {table} ({names}) VALUES ({places})"  # noqa: S608
        cursor.executemany(sql, _adapted(connection, rows))  # type: ignore[arg-type]


def _adapted(connection: Any, rows: Iterable[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    adapt = connection.ops.adapt_datetimefield_value
    for row in rows:
        yield tuple(adapt(v) if isinstance(v, dt.datetime) else v for v in row)


def reset_sequences(*models: Any) -> None:
    """After keys were given by hand, let the database count on from the highest."""
    connection = connections[router.db_for_write(models[0])]
    with connection.cursor() as cursor:
        for sql in connection.ops.sequence_reset_sql(no_style(), list(models)):
            cursor.execute(sql)
