"""Brings the written content into the database, with every counter equal to its rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Any

from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import make_password
from django.core.management.base import CommandError
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from threadflow_core import markup
from threadflow_forum import paths, seeding
from threadflow_forum.models import CommentMark, Membership, ModAction, ModLogEntry, ThreadMark
from threadflow_forum.services import texts
from threadflow_forum.swaps import get_comment_model, get_sub_model, get_thread_model

from .load_rooms import load_rooms
from .model import C, S, T
from .people import reader_names

READERS = 760
DEMO_PEOPLE = ("ada", "bo", "mod", "admin")


class Loader:
    """Writes all subs at once. Times count back from now, so the demo is always fresh."""

    def __init__(self, subs: list[S], password: str) -> None:
        self.subs = subs
        self.password = password
        self.rng = Random(7)  # noqa: S311 - content, not secrets
        self.now = timezone.now()
        self.users: dict[str, Any] = {}
        self.urls: dict[str, str] = {}
        self.readers: list[Any] = []
        self.ties: dict[tuple[int, str], Membership] = {}
        self.karma: defaultdict[tuple[int, str], int] = defaultdict(int)
        self.thread_marks: list[ThreadMark] = []
        self.comment_marks: list[CommentMark] = []
        self.log: list[ModLogEntry] = []

    @transaction.atomic
    def run(self) -> None:
        self.make_people()
        for given in self.subs:
            self.make_sub(given)
        for (sub_id, name), karma in self.karma.items():
            tie = self.ties.get((sub_id, name)) or self.tie(sub_id, name, role="guest")
            tie.karma = karma
        Membership.objects.bulk_create(self.ties.values(), batch_size=1_000)
        ThreadMark.objects.bulk_create(self.thread_marks, batch_size=2_000)
        CommentMark.objects.bulk_create(self.comment_marks, batch_size=2_000)
        ModLogEntry.objects.bulk_create(sorted(self.log, key=lambda entry: entry.created_at))

    # People

    def make_people(self) -> None:
        users = get_user_model()
        secret = make_password(self.password)
        closed = make_password(None)
        readers = list(reader_names(READERS))
        made = [
            users(
                username=name,
                email=f"{name}@threadflow.example",
                password=secret if name in DEMO_PEOPLE else closed,
                is_staff=name == "admin",
                is_superuser=name == "admin",
                date_joined=self.now - timedelta(days=420 + n * 37 % 1_500),
            )
            for n, name in enumerate([*self.named(), *readers])
        ]
        users._default_manager.bulk_create(made, batch_size=500)
        self.users = {user.username: user for user in made}
        self.urls = {name: reverse("threadflow_forum:profile", args=[name]) for name in self.users}
        self.readers = [self.users[name] for name in readers]
        EmailAddress.objects.bulk_create(
            EmailAddress(user=user, email=user.email, verified=True, primary=True) for user in made
        )

    def named(self) -> list[str]:
        names = set(DEMO_PEOPLE)
        for sub in self.subs:
            names |= {*sub.people, *sub.mods, *sub.asks, *(ban.name for ban in sub.bans)}
            for thread in sub.threads:
                names.add(thread.author)
                names |= {comment.author for comment in walk(thread.comments)}
        return sorted(names)

    # Subs and who belongs to them

    def make_sub(self, given: S) -> None:
        sub = get_sub_model().objects.create(
            slug=given.slug,
            title=given.title,
            description=given.description,
            sidebar=given.about,
            sidebar_html=markup.render(given.about).html,
            icon=given.icon,
            hue=given.hue,
            flairs=[{"code": c, "label": label, "hue": hue} for c, label, hue in given.flairs],
            rules=[{"title": title, "text": text} for title, text in given.rules],
            visibility=given.visibility,
            founder=self.users[given.mods[0] if given.mods else "mod"],
            created_at=self.now - timedelta(days=412),
            archived_at=self.now - timedelta(days=30) if given.archived else None,
        )
        self.join(sub, given)
        made = [self.make_thread(sub, thread) for thread in given.threads]
        shown = [thread for thread in made if thread.state == "visible"]
        sub.thread_count = len(shown)
        sub.active_at = max((thread.active_at for thread in shown), default=sub.created_at)
        sub.save()

    def join(self, sub: Any, given: S) -> None:
        mods = [*given.mods] if given.visibility == "private" else ["mod", *given.mods]
        crowd = self.rng.sample(self.readers, min(given.size, len(self.readers)))
        inside = {user.username: "member" for user in crowd}
        inside |= dict.fromkeys(given.people, "member")
        inside |= dict.fromkeys(mods, "moderator")
        inside[sub.founder.username] = "owner"
        for name, role in inside.items():
            tie = self.tie(sub.pk, name, role=role)
            tie.is_approved = role != "member" or name in given.people
            tie.joined_at = self.now - timedelta(days=self.rng.randrange(3, 400))
        sub.member_count = len(inside)
        for name in given.asks:
            self.tie(sub.pk, name, role="requested").joined_at = self.now - timedelta(hours=5)
        for ban in given.bans:
            tie = self.tie(sub.pk, ban.name, role="guest")
            tie.banned_at = self.now - timedelta(days=ban.since)
            tie.ban_reason = ban.reason
            if ban.days is not None:
                tie.banned_until = tie.banned_at + timedelta(days=ban.days)
            self.note(
                sub, ModAction.BAN, tie.banned_at, ban.reason, person=self.users[ban.name],
                details={"until": tie.banned_until.isoformat() if tie.banned_until else None},
            )  # fmt: skip

    def tie(self, sub_id: int, name: str, *, role: str) -> Membership:
        made = Membership(sub_id=sub_id, person=self.users[name], role=role)
        self.ties[sub_id, name] = made
        return made

    # Threads and comments

    def make_thread(self, sub: Any, given: T) -> Any:
        text = markup.render(given.body, mentions=self.urls)
        posted = self.now - timedelta(hours=given.hours)
        url, domain = texts.link(given.url) if given.url else ("", "")
        thread: Any = get_thread_model()(
            sub=sub,
            kind="link" if url else "text",
            title=given.title,
            slug=texts.slug(given.title),
            excerpt=text.excerpt[:300],
            url=url,
            domain=domain,
            flair=given.flair,
            active_at=posted,
            locked_at=posted + timedelta(hours=given.hours * 0.985) if given.locked else None,
            pinned_at=posted + timedelta(minutes=5) if given.pinned else None,
        )
        self.write(thread, given, text.html, posted)
        thread.save()
        self.karma[sub.pk, given.author] += thread.score
        self.acts(sub, given, thread=thread)
        self.make_comments(thread, given)
        marks = {mark.person: mark for mark in self.marks(ThreadMark, given, thread=thread)}
        for name, news in given.news.items():
            person = self.users[name]
            mark = marks.setdefault(person, ThreadMark(person=person, thread=thread))
            mark.read_number = max(thread.last_number - news, 0)
        self.thread_marks.extend(marks.values())
        return thread

    def make_comments(self, thread: Any, given: T) -> None:
        flat = numbered(given.comments, steady=given.steady)
        if not flat:
            return
        model = get_comment_model()
        below, direct = tallies(flat)
        made: list[Any] = []
        first = seeding.next_pk(model)
        for place, (parent, comment, moment) in enumerate(flat):
            said = thread.created_at + timedelta(hours=given.hours * 0.98 * moment)
            row = self.comment(thread, made[parent] if parent >= 0 else None, place + 1)
            self.write(row, comment, markup.render(comment.text, mentions=self.urls).html, said)
            row.pk = first + place
            row.child_count, row.descendant_count = direct[place], below[place]
            made.append(row)
        model.objects.bulk_create(made, batch_size=500)
        seeding.reset_sequences(model)
        for row, (_, comment, _) in zip(made, flat, strict=True):
            self.acts(thread.sub, comment, thread=thread, comment=row)
            self.karma[thread.sub_id, comment.author] += row.score
            self.comment_marks.extend(self.marks(CommentMark, comment, comment=row))
        visible = [row for row in made if row.state == "visible"]
        thread.comment_count, thread.last_number = len(visible), len(made)
        thread.active_at = max((row.created_at for row in visible), default=thread.created_at)
        thread.save()

    def comment(self, thread: Any, above: Any, number: int) -> Any:
        return get_comment_model()(
            thread=thread,
            parent_id=above.pk if above else None,
            root_id=(above.root_id or above.pk) if above else None,
            number=number,
            parent_number=above.number if above else 0,
            depth=above.depth + 1 if above else 0,
            path=paths.child(above.path if above else b"", number),
        )

    def write(self, row: Any, given: T | C, html: str, said: datetime) -> None:
        """What threads and comments have in common: words, state, votes."""
        late = said + (self.now - said) * 0.6
        row.author = self.users[given.author]
        row.body = given.body if isinstance(given, T) else given.text
        row.body_html = html
        row.state, row.state_reason = given.state, given.reason
        row.created_at = said
        row.edited_at = said + (self.now - said) * 0.1 if given.edited else None
        row.deleted_at = late if given.state == "deleted" else None
        row.down = min(given.down, READERS // 2)
        row.up = min(max(given.score + row.down, 0), READERS - row.down)
        own = list(given.votes.values())
        row.up, row.down = max(row.up, own.count(1)), max(row.down, own.count(-1))
        row.score = row.up - row.down
        row.rank()

    def marks(self, model: Any, given: T | C, **target: Any) -> list[Any]:
        """One row per person: the named ones first, readers for the rest of the votes."""
        (row,) = target.values()
        votes = {self.users[name]: value for name, value in given.votes.items()}
        own = list(votes.values())
        up, down = row.up - own.count(1), row.down - own.count(-1)
        for place, reader in enumerate(self.rng.sample(self.readers, up + down)):
            votes[reader] = 1 if place < up else -1
        keep = {self.users[name] for name in given.saved}
        votes |= {user: 0 for user in keep if user not in votes}
        return [
            model(
                person=user,
                vote=value,
                effect=value,
                karma=value,
                saved_at=row.created_at + (self.now - row.created_at) * 0.5
                if user in keep
                else None,
                **target,
            )
            for user, value in votes.items()
        ]

    # The moderation log

    def acts(self, sub: Any, given: T | C, **target: Any) -> None:
        """What moderators did to a thread or comment has its lines in the log."""
        row = target.get("comment", target["thread"])
        if given.state == "removed":
            kind = "COMMENT" if "comment" in target else "THREAD"
            when = row.created_at + (self.now - row.created_at) * 0.3
            self.note(sub, ModAction[f"REMOVE_{kind}"], when, given.reason, **target)
        if isinstance(given, T) and given.locked:
            self.note(sub, ModAction.LOCK_THREAD, row.locked_at, given.reason, **target)
        if isinstance(given, T) and given.pinned:
            self.note(sub, ModAction.PIN_THREAD, row.pinned_at, "", **target)

    def note(self, sub: Any, action: Any, when: datetime, reason: str, **more: Any) -> None:
        actor = sub.founder if sub.is_private else self.users["mod"]
        self.log.append(
            ModLogEntry(sub=sub, actor=actor, action=action, reason=reason, created_at=when, **more)
        )


def walk(comments: list[C]) -> Iterator[C]:
    for comment in comments:
        yield comment
        yield from walk(comment.replies)


def numbered(comments: list[C], *, steady: bool) -> list[tuple[int, C, float]]:
    """Comments in the order they were written: the place of the parent, and the moment.

    Moments lie between 0, when the thread began, and 1, which is now. Answers come soon after
    what they answer: in a steady thread within the day, in others while it is talked about.
    """
    found: list[tuple[float, int, C, C | None]] = []

    def spread(siblings: list[C], above: C | None, since: float) -> None:
        for place, comment in enumerate(siblings):
            share = (place + 1) / (len(siblings) + 1)
            if above is None:
                moment = share if steady else share**1.7
            else:
                moment = since + (0.001 if steady else (1 - since) * 0.25) * share
            found.append((moment, len(found), comment, above))
            spread(comment.replies, comment, moment)

    spread(comments, None, 0.0)
    found.sort(key=lambda entry: entry[:2])
    places = {id(comment): place for place, (_, _, comment, _) in enumerate(found)}
    return [
        (places[id(above)] if above else -1, comment, moment) for moment, _, comment, above in found
    ]


def tallies(flat: list[tuple[int, C, float]]) -> tuple[list[int], list[int]]:
    """Visible replies of each comment at any depth, and direct ones."""
    below, direct = [0] * len(flat), [0] * len(flat)
    for place in range(len(flat) - 1, -1, -1):
        parent, comment, _ = flat[place]
        if parent >= 0:
            below[parent] += below[place] + (comment.state == "visible")
            direct[parent] += comment.state == "visible"
    return below, direct


def load(password: str = "threadflow") -> None:  # noqa: S107 - the demo's published password
    """Load everything; refuses a production site."""
    from .talk import SUBS

    if settings.THREADFLOW_ENV == "production":
        raise CommandError("Demo people are never loaded into a production site.")
    loader = Loader(SUBS, password)
    loader.run()
    load_rooms(loader.users)
