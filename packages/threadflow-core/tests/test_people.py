from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.test.utils import CaptureQueriesContext

from threadflow_core import people
from threadflow_core.testing import assert_queries

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(django_user_model):
    return django_user_model.objects.create_user("ada", first_name="Ada", email="ada@e.example")


def test_a_card_shows_the_handle_and_nothing_private(ada):
    card = people.card(ada)
    assert (card.pk, card.name, card.handle, card.initials) == (ada.pk, "ada", "ada", "A")
    assert card.url == card.avatar_url == ""
    assert "@" not in repr(card)
    assert 1 <= card.hue <= 8


def test_the_hue_stays_with_the_person_and_all_eight_occur():
    assert people.hue(7) == people.hue("7")
    assert {people.hue(n) for n in range(200)} == set(range(1, 9))


@pytest.mark.parametrize("nobody", [None, AnonymousUser()])
def test_somebody_who_is_gone(nobody):
    card = people.card(nobody)
    assert card.is_gone and str(card.name) == "deleted" and card.handle == ""


def test_cards_by_key_in_one_query(ada, django_user_model):
    bo = django_user_model.objects.create_user("bo")
    with assert_queries(1):
        found = people.cards_of([ada.pk, bo.pk, None, 999])
    assert set(found) == {ada.pk, bo.pk}
    assert people.card_of(found, 999).is_gone
    with assert_queries(0):
        assert people.cards_of([None]) == {}


class OnlyNames(people.People):
    fields = ("username",)


def test_a_site_that_names_the_columns_reads_no_others(ada, settings):
    settings.THREADFLOW_CORE = {"PEOPLE": "tests.test_people.OnlyNames"}
    expected = people.card(ada)
    with CaptureQueriesContext(connection) as seen:
        assert people.cards_of([ada.pk, ada.pk, None]) == {ada.pk: expected}
    (query,) = seen.captured_queries
    assert "username" in query["sql"] and "email" not in query["sql"]
    with assert_queries(0):
        assert people.cards_of([None]) == {}


def test_names_are_found_as_written_and_in_lower_case(ada, django_user_model):
    django_user_model.objects.create_user("gone", is_active=False)
    with assert_queries(1):
        found = people.by_names(["ada", "Ada", "gone", "nobody", "ada"])
    assert found == {"ada": ada, "Ada": ada}
    with assert_queries(0):
        assert people.by_names([]) == {}


def test_an_exact_name_wins(ada, django_user_model):
    upper = django_user_model.objects.create_user("Ada")
    assert people.by_names(["Ada", "ada"]) == {"Ada": upper, "ada": ada}


def test_suggestions_begin_with_what_was_typed(ada, django_user_model):
    for name in ("adam", "adele", "bo"):
        django_user_model.objects.create_user(name)
    assert [c.handle for c in people.suggest("AD", ada)] == ["ada", "adam", "adele"]
    assert [c.handle for c in people.suggest("ad", ada, limit=1)] == ["ada"]
    assert people.suggest("", ada) == []
    assert people.suggest("%", ada) == []


class SitePeople(people.People):
    def url(self, user):
        return f"/u/{user.get_username()}/"

    def blocked_ids(self, user):
        return frozenset({99})


def test_a_site_brings_its_own(ada, settings, django_user_model):
    settings.THREADFLOW_CORE = {"PEOPLE": f"{__name__}.SitePeople"}
    django_user_model.objects.create_user("adam", pk=99)
    assert people.card(ada).url == "/u/ada/"
    assert people.mention_urls(["ada", "nobody"]) == {"ada": "/u/ada/"}
    assert [c.handle for c in people.suggest("ad", ada)] == ["ada"]
    assert people.blocked_ids(ada) == {99}


@pytest.mark.parametrize(
    ("name", "letters"),
    [("ada", "A"), ("ada_lovelace", "AL"), ("Ada King Lovelace", "AL"), ("…", "–"), ("", "–")],
)
def test_initials(name, letters):
    assert people.initials(name) == letters
