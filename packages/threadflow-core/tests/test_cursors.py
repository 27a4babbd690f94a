"""Keyset paging: whatever the rows, the order and the page size, each row exactly once."""

from __future__ import annotations

import string
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.core import signing
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from threadflow_core import cursors
from threadflow_core.cursors import paginate
from threadflow_core.exceptions import BadCursor
from threadflow_core.ids import uuid7
from threadflow_core.models import RateCount, SearchDocument
from threadflow_core.testing import assert_queries

pytestmark = pytest.mark.django_db

ROWS = st.lists(
    st.tuples(
        st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=8),
        st.integers(-3, 3),
        st.integers(-(2**62), 2**62),
        st.floats(-1e9, 1e9, allow_nan=False),
    ),
    unique_by=lambda row: row[0],
    max_size=25,
)
COLUMNS = ["count", "previous", "started"]
ORDERS = st.lists(st.sampled_from(COLUMNS), unique=True, max_size=3).flatmap(
    lambda names: st.tuples(*(st.sampled_from([name, f"-{name}"]) for name in [*names, "key"]))
)
relaxed = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def fill(rows):
    RateCount.objects.all().delete()
    RateCount.objects.bulk_create(
        RateCount(key=key, count=count, previous=previous, started=started, expires=0)
        for key, count, previous, started in rows
    )


def walk(order, size, *, back=False):
    """All keys page by page; backwards from the last page on demand."""
    pages, cursor = [], None
    while True:
        page = paginate(
            RateCount.objects.all(), order=order, cursor=cursor, size=size, scope="test"
        )
        pages.append(page)
        if page.next is None:
            break
        cursor = page.next
    if not back:
        return [row.key for page in pages for row in page.items]
    keys = [row.key for row in pages[-1].items]
    while page.previous is not None:
        page = paginate(
            RateCount.objects.all(), order=order, cursor=page.previous, size=size, scope="test"
        )
        keys = [row.key for row in page.items] + keys
    return keys


@relaxed
@given(ROWS, ORDERS, st.integers(1, 7))
def test_forward_and_backward_give_the_whole_list(rows, order, size):
    fill(rows)
    expected = list(RateCount.objects.order_by(*order).values_list("key", flat=True))
    assert walk(order, size) == expected
    assert walk(order, size, back=True) == expected


@relaxed
@given(ROWS.filter(len), ROWS, st.integers(1, 4))
def test_rows_that_stay_are_neither_repeated_nor_skipped_by_newcomers(rows, late, size):
    fill(rows)
    known = {row[0] for row in rows}
    order, cursor, seen = ("-count", "key"), None, []
    newcomers = [row for row in late if row[0] not in known]
    while True:
        page = paginate(
            RateCount.objects.all(), order=order, cursor=cursor, size=size, scope="test"
        )
        seen += [row.key for row in page.items]
        if newcomers:
            key, count, previous, started = newcomers.pop()
            RateCount.objects.create(
                key=key, count=count, previous=previous, started=started, expires=0
            )
        cursor = page.next
        if cursor is None:
            break
    assert [key for key in seen if key in known] == list(
        RateCount.objects.filter(key__in=known).order_by(*order).values_list("key", flat=True)
    )
    assert len(seen) == len(set(seen))


def test_times_and_uuids_survive_the_cursor():
    start = datetime(2026, 1, 1, 12, tzinfo=UTC)
    SearchDocument.objects.bulk_create(
        SearchDocument(kind="x", uuid=uuid7(), created_at=start + timedelta(microseconds=n // 2))
        for n in range(9)
    )
    order, cursor, seen = ("-created_at", "uuid"), None, []
    while True:
        page = paginate(SearchDocument.objects.all(), order=order, cursor=cursor, size=2, scope="t")
        seen += [row.pk for row in page.items]
        cursor = page.next
        if cursor is None:
            break
    assert seen == list(SearchDocument.objects.order_by(*order).values_list("pk", flat=True))


def test_a_page_is_one_query():
    fill([(f"k{n}", n, 0, 0.0) for n in range(9)])
    cursor = paginate(RateCount.objects.all(), order=("key",), cursor=None, size=3, scope="t").next
    with assert_queries(1):
        paginate(RateCount.objects.all(), order=("key",), cursor=cursor, size=3, scope="t")


def test_an_empty_list_is_one_page():
    page = paginate(RateCount.objects.all(), order=("key",), cursor="", size=3, scope="t")
    assert (page.items, page.next, page.previous) == ([], None, None)


class TestForeignCursors:
    def ask(self, cursor, scope="mine", order=("key",)):
        return paginate(RateCount.objects.all(), order=order, cursor=cursor, size=3, scope=scope)

    @pytest.mark.parametrize("cursor", ["x", "a:b:c", "é", "\x00", "." * 9, "x" * 10_000])
    def test_what_we_did_not_issue(self, cursor):
        with pytest.raises(BadCursor) as refused:
            self.ask(cursor)
        assert refused.value.status == 400

    def test_one_of_another_list(self):
        with pytest.raises(BadCursor):
            self.ask(cursors.sign("other", ["n", "k"]))

    def test_one_of_another_order(self):
        with pytest.raises(BadCursor):
            self.ask(cursors.sign("mine", ["n", 1, "k"]))

    def test_one_with_an_unknown_direction(self):
        with pytest.raises(BadCursor):
            self.ask(cursors.sign("mine", ["sideways", "k"]))

    @pytest.mark.parametrize("payload", [7, [], "mine", {"a": 1}, None])
    def test_something_else_that_the_site_signed(self, payload):
        with pytest.raises(BadCursor):
            self.ask(signing.dumps(payload, salt="threadflow.cursor"))

    def test_one_changed_by_a_letter(self):
        fill([(f"k{n}", n, 0, 0.0) for n in range(9)])
        cursor = self.ask(None).next
        changed = ("B" if cursor[0] == "A" else "A") + cursor[1:]
        with pytest.raises(BadCursor):
            self.ask(changed)


VALUES = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**63),
    st.floats(allow_nan=False),
    st.text(),
    st.booleans(),
    st.datetimes(timezones=st.just(UTC)),
    st.uuids(),
    st.binary(),
)


@given(st.lists(VALUES, max_size=4), st.text(max_size=5))
def test_signing_keeps_every_value_and_its_type(values, scope):
    found = cursors.unsign(scope, cursors.sign(scope, values))
    assert found == values
    assert [type(v) for v in found] == [type(v) for v in values]


def test_a_memoryview_comes_back_as_bytes():
    assert cursors.unsign("s", cursors.sign("s", [memoryview(b"ab")])) == [b"ab"]
    assert isinstance(cursors.unsign("s", cursors.sign("s", [uuid7()]))[0], UUID)
