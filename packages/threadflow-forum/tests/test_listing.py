"""Rows of lists: what a page reads of threads is what the models say, for fewer columns."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.urls import reverse
from django.utils import timezone

from threadflow_core import slots
from threadflow_core.testing import assert_queries
from threadflow_forum import feeds, listing
from threadflow_forum.feeds import Feed, Sort
from threadflow_forum.models import Membership
from threadflow_forum.services import threads as service
from threadflow_forum.services.votes import Vote, cast_vote
from threadflow_forum.swaps import get_sub_model, get_thread_model

pytestmark = pytest.mark.django_db


@pytest.fixture
def many(sub: Any, ada: Any, bo: Any, mod: Any) -> list[Any]:
    """Threads of two subs with a flair, a link, a vote and marks on some of them."""
    other = type(sub).objects.create(slug="bikes", title="Bikes", founder=mod, icon="bike", hue=3)
    type(sub).objects.filter(pk=sub.pk).update(flairs=[{"code": "q", "label": "Help", "hue": 2}])
    sub.refresh_from_db()
    made = [
        service.post_thread(author=ada, sub=sub, title=f"Thread {n}", flair="q" if n == 1 else "")
        for n in range(4)
    ]
    made.append(service.post_thread(author=bo, sub=other, title="A lock", url="https://e.example/"))
    cast_vote(voter=bo, thread=made[0], value=Vote.UP)
    get_thread_model().objects.filter(pk=made[2].pk).update(locked_at=timezone.now())
    return made


@pytest.mark.parametrize("sort", list(Sort))
@pytest.mark.parametrize("signed_in", [False, True])
def test_a_row_says_what_the_thread_says(
    many: list[Any], bo: Any, sort: Sort, signed_in: bool
) -> None:
    reader = bo if signed_in else AnonymousUser()
    feed = Feed("all", sort)
    full = feeds.read(feeds.all_threads(reader), feed, None, size=3)
    with assert_queries(1):
        plain = feeds.read(feeds.all_threads(reader), feed, None, size=3, plain=True)
    assert [row.pk for row in plain.items] == [thread.pk for thread in full.items]
    for row, thread in zip(plain.items, full.items, strict=True):
        assert isinstance(row, listing.Row) and isinstance(thread, get_thread_model())
        for name in ("public_id", *listing.SHOWN):
            assert getattr(row, name) == getattr(thread, name), name
        for name in listing.MARKS:
            assert getattr(row, name) == getattr(thread, name, None), name
        for name in listing.SHOWN_OF_SUB:
            assert getattr(row.sub, name) == getattr(thread.sub, name), name
        assert row.sub.flair_of("q") == thread.sub.flair_of("q")
    # Both pages end at the same place.
    second = feeds.read(feeds.all_threads(reader), feed, plain.next, size=3, plain=True)
    rest = feeds.read(feeds.all_threads(reader), feed, full.next, size=3)
    assert [row.pk for row in second.items] == [thread.pk for thread in rest.items]
    assert len(second.items) == 2 and second.next is None


def test_threads_of_one_sub_share_it_and_flairs_are_read_without_a_query(many: list[Any]) -> None:
    page = feeds.read(feeds.all_threads(AnonymousUser()), Feed("all"), None, plain=True)
    with assert_queries(0):
        labels = [row.sub.flair_of(row.flair)["label"] for row in page.items if row.flair]
    assert labels == ["Help"]
    assert len({id(row.sub) for row in page.items}) == 2


def test_whoever_adds_to_rows_gets_threads(many: list[Any], client_of: Any, bo: Any) -> None:
    seen = []
    slots.register("row_actions", lambda context, thread: seen.append(thread), key="spy")
    try:
        client_of(bo).get(reverse("threadflow_forum:all"))
    finally:
        slots.unregister("row_actions", "spy")
    assert len(seen) == 5 and all(isinstance(one, get_thread_model()) for one in seen)


def test_everybody_sees_what_the_rules_say(private_sub: Any, sub: Any, person: Any) -> None:
    """Who reads what, spelt out by hand, against the one condition that all reads use."""
    people = {
        "stranger": AnonymousUser(),
        "nobody": None,
        "member": person("member"),
        "guest": person("guest"),
        "author": person("author"),
        "moderator": person("moderator"),
        "staff": person("staff", is_staff=True),
    }
    for place, name in product((private_sub, sub), ("member", "moderator")):
        Membership.objects.update_or_create(person=people[name], sub=place, defaults={"role": name})
    made = {
        (place.slug, state): get_thread_model().objects.create(
            sub=place, author=people["author"], title="x", state=state
        )
        for place in (private_sub, sub)
        for state in ("visible", "pending", "removed", "deleted")
    }
    for name, someone in people.items():
        inside = name in ("member", "moderator", "staff")
        waiting = name in ("author", "moderator", "staff")
        expected = {
            thread.pk
            for (slug, state), thread in made.items()
            if (slug == sub.slug or inside) and (state != "pending" or waiting)
        }
        found = get_thread_model().objects.visible_to(someone)
        assert set(found.values_list("pk", flat=True)) == expected, name
        subs = set(get_sub_model().objects.visible_to(someone).values_list("slug", flat=True))
        assert subs == {sub.slug, *([private_sub.slug] if inside else [])}, name
        # The condition keeps its meaning in sub-queries, beside others and negated by hand.
        again = get_thread_model().objects.filter(pk__in=found).exclude(title="y")
        assert again.count() == found.count() == len(expected), name
        karma = Membership.objects.karma_of(people["member"], someone)
        assert karma == 0
