"""What those who follow a thread, a sub or the feed are sent, and what never."""

from __future__ import annotations

import json
from typing import Any

import pytest

pytest.importorskip("channels", reason="live frames need Channels")

from django.db import transaction
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from threadflow_core.realtime import log
from threadflow_core.realtime.threads import in_thread
from threadflow_forum.services import comments, moderation, subs, threads, votes
from threadflow_forum.services.votes import Vote
from threadflow_forum.swaps import get_comment_model

from .live_client import Reader

pytestmark = pytest.mark.django_db(transaction=True)


def do(function: Any, **given: Any) -> Any:
    """Call a service beside the event loop."""
    return in_thread(lambda: function(**given))


# ---------------------------------------------------------------------- frames of a thread


async def test_what_happens_in_a_thread_reaches_its_followers(
    sockets: Any, thread: Any, bo: Any, mod: Any
) -> None:
    socket = await sockets()
    (answer,) = await socket.follow(thread.topic)
    assert (answer["mode"], answer["ev"]) == ("resume", [])
    top = await do(comments.add_comment, author=bo, thread=thread, body="Hello *you*")
    reply = await do(comments.add_comment, author=bo, thread=thread, body="And?", parent=top)
    await do(comments.edit_comment, editor=bo, comment=top, body="Hello **all**")
    await do(comments.delete_comment, author=bo, comment=reply)
    await do(comments.undelete_comment, author=bo, comment=reply)
    await do(moderation.remove_comment, moderator=mod, comment=reply, reason="Rule 3")
    await do(moderation.set_locked, moderator=mod, thread=thread, locked=True)
    await do(moderation.set_locked, moderator=mod, thread=thread, locked=False)
    frames = await socket.all()
    assert [(frame["op"], frame["seq"]) for frame in frames] == [
        ("comment.new", 1),
        ("comment.new", 2),
        ("comment.edited", 3),
        ("comment.gone", 4),
        ("comment.restored", 5),
        ("comment.gone", 6),
        ("thread.locked", 7),
        ("thread.unlocked", 8),
    ]
    new, answered, edited, gone, restored, removed, locked, _open = frames
    assert (new["comment"], new["number"], new["parent"]) == (top.public_id, 1, None)
    assert "Hello <em>you</em>" in new["html"] and new["author"] == "bo"
    assert answered["parent"] == top.public_id
    assert "Hello <strong>all</strong>" in edited["html"] and edited["version"] == 2
    for frame in (gone, removed):
        assert frame["gone"] is True and frame["comment"] == reply.public_id
        assert "And?" not in str(frame) and "html" not in frame
    assert "And?" in restored["html"]
    assert locked["thread"] == thread.public_id
    assert "csrf" not in str(frames) and "aria-pressed" not in str(frames)


async def test_votes_move_nothing_in_the_log(sockets: Any, thread: Any, bo: Any) -> None:
    socket = await sockets()
    await socket.follow(thread.topic, f"sub:{thread.sub.slug}")
    await do(votes.cast_vote, voter=bo, thread=thread, value=Vote.UP)
    assert [frame["op"] for frame in await socket.all()] == ["thread.scored"]


async def test_a_refused_write_sends_nothing(
    sockets: Any, thread: Any, bo: Any, mod: Any, write: Any
) -> None:
    comment = await in_thread(lambda: write(thread))
    await do(moderation.set_locked, moderator=mod, thread=thread, locked=True)
    socket = await sockets()
    (answer,) = await socket.follow(thread.topic)

    def refused() -> None:
        for call in (
            lambda: comments.add_comment(author=bo, thread=thread, body="Late"),
            lambda: comments.edit_comment(editor=bo, comment=comment, body="Late"),
        ):
            with pytest.raises(Exception, match="locked"), transaction.atomic():
                call()

    await in_thread(refused)
    assert await socket.all() == []
    assert (await in_thread(log.positions, [thread.topic]))[thread.topic].seq == answer["seq"]


async def test_who_comes_back_gets_no_text_of_what_is_hidden_by_now(
    sockets: Any, thread: Any, bo: Any, mod: Any
) -> None:
    first = await sockets()
    (answer,) = await first.follow(thread.topic)
    secret = await do(comments.add_comment, author=bo, thread=thread, body="My secret number")
    removed = await do(comments.add_comment, author=bo, thread=thread, body="Buy my oven")
    edited = await do(comments.add_comment, author=bo, thread=thread, body="Before the edit")
    assert "secret number" in str(await first.all())  # so it is in the hub's memory
    await do(comments.delete_comment, author=bo, comment=secret)
    await do(moderation.remove_comment, moderator=mod, comment=removed)
    await do(comments.edit_comment, editor=bo, comment=edited, body="After the edit")
    later = await sockets()
    (resumed,) = await later.follow({"topic": thread.topic, "since": 0, "epoch": answer["epoch"]})
    assert resumed["mode"] == "resume"
    assert [event["seq"] for event in resumed["ev"]] == [1, 2, 3, 4, 5, 6]
    text = json.dumps(resumed)
    assert "secret number" not in text and "my oven" not in text and "Before" not in text
    assert text.count('"gone": true') == 4
    assert "After the edit" in text


async def test_a_waiting_comment_is_sent_to_nobody(
    sockets: Any, thread: Any, bo: Any, mod: Any, settings: Any
) -> None:
    settings.THREADFLOW_FORUM = {"ADAPTER": "tests.test_live.Careful"}
    socket = await sockets()
    await socket.follow(thread.topic)
    waiting = await do(comments.add_comment, author=bo, thread=thread, body="Look at me")
    assert await socket.all() == []
    await do(moderation.approve_comment, moderator=mod, comment=waiting)
    (frame,) = await socket.all()
    assert frame["op"] == "comment.restored" and "Look at me" in frame["html"]


class Careful:
    """Holds every comment for review."""

    def __getattr__(self, name: str) -> Any:
        from threadflow_forum.adapter import ForumAdapter

        return getattr(ForumAdapter(), name)

    def initial_state(self, **given: Any) -> str:
        return "pending"


def test_moderators_reach_what_waits_and_others_do_not(
    client_of: Any, thread: Any, ada: Any, bo: Any, mod: Any, settings: Any, person: Any
) -> None:
    settings.THREADFLOW_FORUM = {"ADAPTER": "tests.test_live.Careful"}
    waiting = comments.add_comment(author=bo, thread=thread, body="Look at me")
    path = waiting.get_absolute_url()
    statuses = {
        name: client_of(someone).get(path).status_code
        for name, someone in {"ada": ada, "bo": bo, "mod": mod, "guest": None}.items()
    }
    assert statuses["ada"] == statuses["guest"] == 404
    assert statuses["bo"] != 404 and statuses["mod"] != 404
    approve = f"/community/comments/{waiting.public_id}/-/approve/"
    assert client_of(mod).post(approve).status_code == 303
    waiting.refresh_from_db()
    assert waiting.is_visible


# ---------------------------------------------------------------------- rights


async def test_a_private_sub_refuses_outsiders_as_if_it_were_not_there(
    sockets: Any, private_sub: Any, mod: Any, ada: Any
) -> None:
    secret = await do(threads.post_thread, author=mod, sub=private_sub, title="Barrels")
    for person in (None, ada):
        socket = await sockets(person)
        names = (secret.topic, "thread:nobody", f"sub:{private_sub.slug}", "sub:nowhere", "feed:x")
        answers = await socket.follow(*names)
        assert {(answer["op"], answer["code"]) for answer in answers} == {("err", "unknown_topic")}
        assert len({answer["msg"] for answer in answers}) == 1
    inside = await sockets(mod)
    answers = await inside.follow(secret.topic, f"sub:{private_sub.slug}")
    assert [answer["op"] for answer in answers] == ["subd", "subd"]


async def test_nothing_of_a_private_sub_shows_in_the_feed(
    sockets: Any, private_sub: Any, sub: Any, mod: Any, bo: Any
) -> None:
    socket = await sockets(bo)
    await socket.follow("feed:all", f"sub:{sub.slug}")
    secret = await do(threads.post_thread, author=mod, sub=private_sub, title="Barrels")
    await do(comments.add_comment, author=mod, thread=secret, body="Oak")
    await do(moderation.set_locked, moderator=mod, thread=secret, locked=True)
    assert await socket.all() == []
    await do(threads.post_thread, author=bo, sub=sub, title="Bread")
    assert [frame["op"] for frame in await socket.all()] == ["thread.new", "thread.new"]


@pytest.mark.parametrize("how", ["leaves", "made private", "account closed"])
async def test_a_follower_who_may_no_longer_read_is_sent_away_at_once(
    sockets: Any, sub: Any, private_sub: Any, mod: Any, bo: Any, how: str
) -> None:
    place = sub if how == "made private" else private_sub

    def prepare() -> Any:
        if place is private_sub:
            subs.join(person=bo, sub=place)
            moderation.answer_request(moderator=mod, sub=place, person=bo, let_in=True)
        return threads.post_thread(author=mod, sub=place, title="Barrels")

    thread = await in_thread(prepare)
    leaver, stayer = await sockets(bo), await sockets(mod)
    for socket in (leaver, stayer):
        (answer,) = await socket.follow(thread.topic)
        assert answer["op"] == "subd"
    if how == "leaves":
        await do(subs.leave, person=bo, sub=place)
    elif how == "made private":
        await do(subs.edit_sub, editor=mod, sub=place, visibility="private")
    else:
        bo.is_active = False
        await in_thread(bo.save)
    if how == "account closed":
        assert await leaver.code() == 4503
    else:
        kicked = await leaver.get("kicked")
        assert (kicked["topic"], kicked["code"]) == (thread.topic, "unknown_topic")
    await do(comments.add_comment, author=mod, thread=thread, body="Among ourselves")
    assert "Among ourselves" in str(await stayer.all())
    assert leaver.frames.empty()
    if not leaver.closed.done():
        leaver.send(op="sub", topic=thread.topic, since=0, epoch=answer["epoch"])
        assert (await leaver.get("subd", "err"))["code"] == "unknown_topic"


async def test_a_ban_ends_writing_and_not_reading(
    sockets: Any, thread: Any, bo: Any, mod: Any
) -> None:
    socket = await sockets(bo)
    await socket.follow(thread.topic)
    await do(moderation.ban, moderator=mod, sub=thread.sub, person=bo)
    await do(comments.add_comment, author=mod, thread=thread, body="Where were we")
    assert [frame["op"] for frame in await socket.all()] == ["comment.new"]


# ---------------------------------------------------------------------- apply = fresh


STEPS = st.lists(
    st.tuples(st.sampled_from("wwredub"), st.integers(0, 9), st.booleans()), max_size=25
)


@hypothesis_settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=STEPS)
@pytest.mark.django_db(transaction=False)
def test_events_applied_to_an_old_page_give_the_fresh_page(
    sub: Any, mod: Any, bo: Any, steps: list[tuple[str, int, bool]]
) -> None:
    """Writing, replying, editing, deleting, undoing, removing; the reader is away at random."""
    thread = threads.post_thread(author=mod, sub=sub, title="Anything")
    reader, written = Reader(thread.topic), []
    for what, number, away in [*steps, ("-", 0, False)]:
        target = written[number % len(written)] if written else None
        if what == "w":
            written.append(comments.add_comment(author=bo, thread=thread, body=f"text {number}"))
        elif target is not None and what != "-":
            _act(what, target, thread, bo, mod, written)
        if not away:
            for text in log.missed(thread.topic, reader.seq, 1_000).frames:
                reader.take(json.loads(text))
    fresh = get_comment_model().objects.filter(thread=thread, state="visible")
    assert {c.public_id: c.body_html in reader.shown.get(c.public_id, "") for c in fresh} == (
        dict.fromkeys(reader.shown, True)
    )
    assert reader.events == list(range(1, reader.seq + 1))


def _act(what: str, target: Any, thread: Any, bo: Any, mod: Any, written: list[Any]) -> None:
    from threadflow_core.exceptions import ThreadflowError

    acts: dict[str, Any] = {
        "r": lambda: written.append(
            comments.add_comment(author=bo, thread=thread, body="reply", parent=target)
        ),
        "e": lambda: comments.edit_comment(editor=bo, comment=target, body=f"new {len(written)}"),
        "d": lambda: comments.delete_comment(author=bo, comment=target),
        "u": lambda: comments.undelete_comment(author=bo, comment=target),
        "b": lambda: moderation.remove_comment(moderator=mod, comment=target),
    }
    try:
        with transaction.atomic():
            acts[what]()
    except ThreadflowError:
        pass  # the state forbids it, which is not what this is about


# ---------------------------------------------------------------------- rights of a crowd


def test_a_crowd_gets_the_answers_of_its_people(
    sub: Any, thread: Any, person: Any, django_assert_num_queries: Any
) -> None:
    """Asked at once about an open and a private thread: as one by one, and for less."""
    from threadflow_forum.live import ThreadTopic

    topic, crowd = ThreadTopic(), [person(f"one{n}") for n in range(6)]
    with django_assert_num_queries(1):
        assert all(topic.may_subscribe_each(crowd, thread.public_id))
    type(sub).objects.filter(pk=sub.pk).update(visibility="private")
    subs_of_them = [topic.may_subscribe(one, thread.public_id).code for one in crowd]
    assert [v.code for v in topic.may_subscribe_each(crowd, thread.public_id)] == subs_of_them
    assert set(subs_of_them) == {"unknown_topic"}
