"""The demo's content: the form it is written in, and what it becomes in the database."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.db.models import Count, F, Max
from django.test import Client
from django.utils import timezone

from demo.content import birdlog
from demo.content.load import load, numbered, walk
from demo.content.model import C, chain, outline, unwrapped
from demo.content.people import reader_names
from demo.content.talk import SUBS
from threadflow_forum import reconcile
from threadflow_forum.models import (
    Comment,
    CommentMark,
    Membership,
    ModLogEntry,
    Sub,
    Thread,
    ThreadMark,
)

# The form


def test_an_outline_is_a_tree_of_comments() -> None:
    (first, second) = outline("""
- ada 3: One line
  and its end.

  A second paragraph.
  - bo -2 (down 4; edited; ada up): An answer.
    - mod 1: Deeper.
- bo 0: The next.
""")
    assert first.text == "One line and its end.\n\nA second paragraph."
    (answer,) = first.replies
    assert (answer.author, answer.score, answer.down, answer.edited) == ("bo", -2, 4, True)
    assert answer.votes == {"ada": 1} and answer.replies[0].text == "Deeper."
    assert second.replies == []


def test_states_and_reasons_are_flags() -> None:
    removed, deleted = outline("- a 0 (removed: Rule 3: no selling.): x\n- b 0 (deleted): y")
    assert (removed.state, removed.reason) == ("removed", "Rule 3: no selling.")
    assert deleted.state == "deleted"


@pytest.mark.parametrize("text", ["- a 1: x\n    - b 1: skips a level", "- a 1 (shiny): x"])
def test_mistakes_in_an_outline_are_told(text: str) -> None:
    with pytest.raises(ValueError, match=r"No comment above|Unknown flag"):
        outline(text)


def test_a_chain_answers_itself_all_the_way_down() -> None:
    (top,) = chain("- a 1: x\n- b 1: y\n- c 1: z")
    assert top.replies[0].replies[0].text == "z"


def test_code_tables_and_lists_keep_their_lines() -> None:
    text = "Two\nlines.\n\n```\nif x:\n    y\n```\n\n| a | b |\n|---|---|\n* one\n* two\n> said"
    assert unwrapped(text) == text.replace("Two\nlines", "Two lines")


def test_answers_are_written_after_what_they_answer() -> None:
    for sub in SUBS:
        for thread in sub.threads:
            flat = numbered(thread.comments, steady=thread.steady)
            moments = [moment for _, _, moment in flat]
            assert moments == sorted(moments) and all(0 < moment < 1 for moment in moments)
            assert all(parent < place for place, (parent, _, _) in enumerate(flat))


@pytest.mark.parametrize("month", range(1, 13))
def test_the_long_thread_has_two_thousand_comments_that_hardly_repeat(month: int) -> None:
    # The birds follow the seasons, so each day has a thread of its own.
    said = [comment.text for comment in walk(birdlog.deal(birdlog.LENGTH, date(2026, month, 7)))]
    assert len(said) == birdlog.LENGTH
    lines = [text for text in said if text.count(",") >= 1 and len(text) > 40]
    assert len(set(lines)) > 0.85 * len(lines)


def test_the_long_thread_is_the_same_on_the_same_day() -> None:
    today = timezone.now().date()
    assert list(birdlog.deal(200, today)) == list(birdlog.deal(200, today))


def test_swifts_are_seen_in_summer_only() -> None:
    winter = next(kind for kind in birdlog.KINDS if "Swift" in kind.birds)
    assert set(winter.months.split()) == {"4", "5", "6", "7", "8"}


def test_reader_names_are_unlike() -> None:
    names = list(reader_names(900))
    assert len(set(names)) == 900


# In the database


@pytest.fixture(scope="module")
def loaded(django_db_setup: None, django_db_blocker: Any) -> Any:
    """Loaded once for this module; its tests only read."""
    with django_db_blocker.unblock():
        call_command("flush", verbosity=0, interactive=False)
        load()
        yield
        call_command("flush", verbosity=0, interactive=False)


@pytest.fixture(autouse=True)
def database(request: Any, django_db_blocker: Any) -> Any:
    if "loaded" in request.fixturenames:
        with django_db_blocker.unblock():
            yield
    else:
        yield


def test_every_counter_equals_its_rows(loaded: None) -> None:
    assert list(reconcile.find()) == []


def test_there_is_one_of_everything(loaded: None) -> None:
    assert Sub.objects.count() >= 12
    assert set(Sub.objects.values_list("visibility", flat=True)) == {
        "public",
        "restricted",
        "private",
    }
    assert Sub.objects.exclude(archived_at=None).exists()
    threads = Thread.objects
    assert {s for (s,) in threads.values_list("state")} == {
        "visible",
        "pending",
        "removed",
        "deleted",
    }
    assert not threads.filter(state="removed", state_reason="").exists()
    visible = threads.filter(state="visible")
    for found in (
        visible.exclude(pinned_at=None),
        visible.exclude(locked_at=None),
        visible.exclude(edited_at=None),
        visible.filter(kind="link"),
        visible.filter(comment_count=0, score=0),
        visible.filter(controversy__gt=10),
        visible.filter(comment_count=2_000),
        visible.filter(body__contains="```"),
        visible.filter(body__contains="|---"),
    ):
        assert found.exists()
    assert Comment.objects.aggregate(n=Max("depth"))["n"] >= 30
    assert {s for (s,) in Comment.objects.values_list("state")} == {
        "visible",
        "pending",
        "removed",
        "deleted",
    }
    assert Comment.objects.filter(body_html__contains="tf-mention").exists()


def test_the_people_of_the_demo_have_a_place_in_it(loaded: None) -> None:
    def follows(name: str) -> int:
        inside = ("member", "moderator", "owner")
        return Membership.objects.filter(person__username=name, role__in=inside).count()

    assert follows("ada") >= 8 and follows("bo") >= 4
    public = Sub.objects.exclude(visibility="private").count()
    assert follows("mod") == public
    users = get_user_model().objects
    assert users.get(username="admin").is_staff
    assert not users.exclude(username="admin").filter(is_staff=True).exists()
    for name in ("ada", "bo", "mod", "admin"):
        assert users.get(username=name).check_password("threadflow")
    assert not users.get(username="hanneke").has_usable_password()


@pytest.mark.parametrize("name", ["ada", "bo"])
def test_threads_with_news_and_threads_without(loaded: None, name: str) -> None:
    marks = ThreadMark.objects.filter(person__username=name)
    assert marks.filter(read_number__lt=F("thread__last_number")).count() >= 4
    assert marks.filter(read_number=F("thread__last_number")).exists()
    assert marks.exclude(saved_at=None).exists()
    assert marks.exclude(vote=0).exists()
    assert CommentMark.objects.filter(person__username=name).exclude(vote=0).exists()


def test_a_ban_a_request_and_their_log(loaded: None) -> None:
    ban = Membership.objects.get(person__username="bo", sub__slug="pens")
    assert ban.is_banned() and ban.ban_reason
    assert timezone.now() < ban.banned_until < timezone.now() + timedelta(days=30)
    assert Membership.objects.filter(sub__slug="cellar", role="requested").count() == 2
    acts = dict(ModLogEntry.objects.values_list("action").annotate(n=Count("pk")))
    assert {"ban", "remove_thread", "remove_comment", "lock_thread", "pin_thread"} <= acts.keys()


def test_nothing_was_said_in_the_future_or_before_its_thread(loaded: None) -> None:
    now = timezone.now()
    assert not Thread.objects.filter(created_at__gt=now).exists()
    assert not Comment.objects.filter(created_at__gt=now).exists()
    assert not Comment.objects.filter(created_at__lt=F("thread__created_at")).exists()
    assert not Comment.objects.filter(created_at__lt=F("parent__created_at")).exists()


def test_nobody_votes_for_themselves(loaded: None) -> None:
    assert not ThreadMark.objects.filter(person=F("thread__author")).exclude(vote=0).exists()
    assert not CommentMark.objects.filter(person=F("comment__author")).exclude(vote=0).exists()


def test_the_private_sub_is_in_no_page_of_a_guest(loaded: None, client: Client) -> None:
    assert client.get("/s/cellar/").status_code == 404
    for path in ("/", "/all/?sort=new", "/subs/", "/u/grainne/", "/u/grainne/?tab=comments"):
        assert b"cellar" not in client.get(path).content


def test_links_lead_to_reserved_names_only(loaded: None) -> None:
    domains = set(Thread.objects.exclude(domain="").values_list("domain", flat=True))
    assert domains and all(domain.endswith(".example") for domain in domains)


# Never where it does not belong


def test_loading_is_refused_in_production(db: None, settings: Any) -> None:
    settings.THREADFLOW_ENV = "production"
    with pytest.raises(CommandError, match="never loaded into a production site"):
        load()
    assert not get_user_model().objects.exists()


def test_comments_are_made_of_words() -> None:
    for sub in SUBS:
        for thread in sub.threads:
            for comment in walk(thread.comments):
                assert isinstance(comment, C) and comment.text.strip() and comment.author
