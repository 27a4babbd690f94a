"""Filters by hundreds of keys: one array where the database has arrays, a list elsewhere."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.db.models import F, Q
from django.test.utils import CaptureQueriesContext

from threadflow_core.columns import Columns
from threadflow_core.lookups import AnyOf, ColumnList, one
from threadflow_core.uploads.models import Upload

pytestmark = pytest.mark.django_db


@pytest.fixture
def people() -> list[Any]:
    users = get_user_model()
    return [users.objects.create_user(f"one{n}", password="x") for n in range(4)]


def names(rows: Any) -> list[str]:
    return sorted(one.get_username() for one in rows)


def test_it_finds_what_a_list_of_keys_finds(people: list[Any]) -> None:
    users, keys = get_user_model().objects, {people[0].pk, people[2].pk}
    assert names(users.filter(AnyOf("pk", keys))) == ["one0", "one2"]
    assert names(users.filter(~AnyOf("pk", keys))) == ["one1", "one3"]
    assert names(users.filter(Q(username="one3") | Q(AnyOf("pk", keys)))) == [
        "one0",
        "one2",
        "one3",
    ]


def test_no_keys_find_nothing_and_their_negation_everything(people: list[Any]) -> None:
    users = get_user_model().objects
    assert names(users.filter(AnyOf("pk", []))) == []
    assert len(names(users.filter(~AnyOf("pk", [])))) == 4


def test_a_missing_value_is_found_neither_way(people: list[Any]) -> None:
    made = [
        Upload.objects.create(owner=owner, name="x", size=1, content_type="text/plain", sha256="0")
        for owner in (people[0], None)
    ]
    assert list(Upload.objects.filter(AnyOf("owner_id", [people[0].pk]))) == made[:1]
    assert list(Upload.objects.filter(~AnyOf("owner_id", [people[0].pk]))) == []


def test_keys_that_are_uuids(people: list[Any]) -> None:
    if not isinstance(Upload._meta.pk.to_python(str(uuid.uuid4())), uuid.UUID):
        pytest.skip("uploads have other keys")
    made = [
        Upload.objects.create(name=f"{n}", size=1, content_type="text/plain", sha256="0")
        for n in range(3)
    ]
    keys = [made[0].pk, made[2].pk]
    assert {one.pk for one in Upload.objects.filter(AnyOf("pk", keys))} == set(keys)


@pytest.mark.postgres
def test_postgresql_gets_one_array() -> None:
    with CaptureQueriesContext(connection) as found:
        list(get_user_model().objects.filter(AnyOf("pk", range(1000))))
    assert "= ANY('{0,1,2" in found.captured_queries[0]["sql"]


def test_one_row_or_none_without_an_order(people: list[Any]) -> None:
    users = get_user_model().objects
    with CaptureQueriesContext(connection) as asked:
        assert one(users.filter(pk=people[1].pk)) == people[1]
        assert one(users.filter(pk=-1)) is None
    assert len(asked) == 2 and not any("ORDER BY" in query["sql"] for query in asked)


def test_columns_have_the_values_that_the_orm_gives(people: list[Any]) -> None:
    upload = Upload.objects.create(
        owner=people[0], name="x", size=7, content_type="text/plain", sha256="0"
    )
    upload.refresh_from_db()
    names = ("id", "owner_id", "name", "size", "created_at")
    columns = Columns("default", Upload, names)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {columns.sql('u')} FROM {Upload._meta.db_table} u")
        row = cursor.fetchone()
    assert list(columns.values([row])[0]) == [getattr(upload, name) for name in names]


def test_a_list_of_columns_is_what_the_orm_reads_one_by_one(people: list[Any]) -> None:
    for n, owner in enumerate((*people[:2], None)):
        Upload.objects.create(
            owner=owner, name=f"x{n}", size=n, content_type="text/plain", sha256="0"
        )
    name = get_user_model().USERNAME_FIELD
    columns = ColumnList(("name", "size"), owner=(name,))
    rows = Upload.objects.order_by("size")
    expected = list(rows.values_list("name", "size", f"owner__{name}"))
    # The list serves again, beside a filter that has joined the table already, and in a slice.
    assert list(rows.values_list(columns)) == expected
    assert list(rows.exclude(owner=None).values_list(columns)[:9]) == expected[:2]
    known = rows.filter(**{f"owner__{name}": "one1"})
    assert list(known.values_list(columns)) == expected[1:2]
    # Annotations come before it, also in a statement around this one.
    marked = rows.annotate(twice=F("size") * 2).values_list("twice", columns)
    assert [row[0] for row in marked] == [0, 2, 4]
    assert [row[1:] for row in marked] == expected
