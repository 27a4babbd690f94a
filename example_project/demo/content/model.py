"""The form in which the demo's talk is written down.

A thread's comments are an outline, which reads like the thread itself: two spaces further in
is an answer, `name score:` begins a comment, and flags may follow the score.

    - hanneke 148: Change the clock, not the flour.

      A second paragraph stands under the first.
      - mirela_k 73 (edited; ada up): The jar is humbling.

Flags: `down 12`, `edited`, `deleted`, `pending`, `removed: why`, and `ada up`, `ada down`,
`ada saved` for the marks of a person whom one can sign in as.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import pairwise

HEAD = re.compile(r"( *)- ([\w.-]+) (-?\d+)(?: \(([^)]*)\))?:(?: (.*))?$")
STEP = 2
#: Line beginnings that mean something to Markdown; all other lines belong to their paragraph.
MARKED = re.compile(r"[|>*#]|\d+\. |    ")


@dataclass
class Marks:
    """What the people of the demo think of it: votes by name, and who saved it."""

    votes: dict[str, int] = field(default_factory=dict)
    saved: list[str] = field(default_factory=list)


@dataclass
class C(Marks):
    """A comment: who, what, its score, the answers. `state` as in the forum: visible by default."""

    author: str = ""
    text: str = ""
    score: int = 1
    replies: list[C] = field(default_factory=list)
    state: str = "visible"
    reason: str = ""
    down: int = 0
    edited: bool = False


@dataclass
class T(Marks):
    """A thread: `hours` ago, `score` votes up minus down, `down` of them down.

    `talk` is the outline of its comments. `news` says how many of them are new to whom, which
    makes the thread one that this person has read. In a `steady` thread comments come evenly
    over time, in others most of them come early.
    """

    author: str = ""
    title: str = ""
    hours: float = 1
    body: str = ""
    url: str = ""
    flair: str = ""
    score: int = 10
    down: int = 0
    talk: str = ""
    comments: list[C] = field(default_factory=list)
    state: str = "visible"
    reason: str = ""
    locked: bool = False
    pinned: bool = False
    edited: bool = False
    steady: bool = False
    news: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.body = unwrapped(self.body)
        self.comments = [*self.comments, *outline(self.talk)]


@dataclass
class Ban:
    """Somebody who may not write here: why, since and for how many days (None: without end)."""

    name: str
    reason: str
    since: int
    days: int | None


@dataclass
class S:
    """A sub. `flairs` are (code, label, hue), `rules` (title, text); `people` are its regulars.

    `asks` are the names of those who wait to be let in.
    """

    slug: str
    title: str
    description: str
    icon: str
    hue: int
    about: str = ""
    flairs: list[tuple[str, str, int]] = field(default_factory=list)
    rules: list[tuple[str, str]] = field(default_factory=list)
    visibility: str = "public"
    people: list[str] = field(default_factory=list)
    mods: list[str] = field(default_factory=list)
    asks: list[str] = field(default_factory=list)
    bans: list[Ban] = field(default_factory=list)
    size: int = 120
    archived: bool = False
    threads: list[T] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.about = unwrapped(self.about)


def outline(text: str) -> list[C]:
    """The comments written down in `text`. Raises ValueError where the indentation skips a level."""
    roots: list[C] = []
    branch: list[C] = []  # from the root to the comment that is being read
    lines: list[str] = []
    for line in [*text.strip("\n").splitlines(), None]:
        head = HEAD.match(line) if line is not None else None
        if branch and (head or line is None):
            branch[-1].text = unwrapped("\n".join(lines))
        if head:
            depth = len(head[1]) // STEP
            if depth > len(branch):
                raise ValueError(f"No comment above: {line}")
            comment = flagged(C(author=head[2], score=int(head[3])), head[4] or "")
            (branch[depth - 1].replies if depth else roots).append(comment)
            branch = [*branch[:depth], comment]
            lines = [head[5] or ""]
        elif line is not None:
            lines.append(line[STEP * len(branch) :] if line.strip() else "")
    return roots


def chain(text: str) -> list[C]:
    """An outline whose comments each answer the one before, however many there are."""
    comments = outline(text)
    for above, below in pairwise(comments):
        above.replies.append(below)
    return comments[:1]


def flagged(comment: C, flags: str) -> C:
    for flag in filter(None, (part.strip() for part in flags.split(";"))):
        name, _, rest = flag.partition(" ")
        if flag == "edited":
            comment.edited = True
        elif flag in ("deleted", "pending"):
            comment.state = flag
        elif name == "removed:":
            comment.state, comment.reason = "removed", rest
        elif name == "down":
            comment.down = int(rest)
        elif rest == "saved":
            comment.saved.append(name)
        elif rest in ("up", "down"):
            comment.votes[name] = 1 if rest == "up" else -1
        else:
            raise ValueError(f"Unknown flag: {flag}")
    return comment


def unwrapped(text: str) -> str:
    """Paragraphs on one line each, as people type them; code, tables, lists and quotes stay."""
    found: list[str] = []
    fenced = False
    for line in text.strip("\n").splitlines():
        fence = line.startswith("```")
        joins = bool(found) and not (fenced or fence or MARKED.match(line))
        if joins and line.strip() and found[-1].strip() and not found[-1].startswith(("```", "|")):
            found[-1] = f"{found[-1]} {line.strip()}"
        else:
            found.append(line)
        fenced ^= fence
    return "\n".join(found).strip()
