"""Counting SQL statements."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from django.test.utils import CaptureQueriesContext

_FRAME = ("SAVEPOINT", "RELEASE SAVEPOINT", "ROLLBACK TO SAVEPOINT", "BEGIN", "COMMIT")


def statements(captured: CaptureQueriesContext) -> list[str]:
    """The captured SQL without what only frames transactions."""
    found = [query["sql"] for query in captured.captured_queries]
    return [sql for sql in found if not sql.lstrip().upper().startswith(_FRAME)]


@contextmanager
def assert_queries(
    exactly: int | None = None, *, at_most: int | None = None, using: str = DEFAULT_DB_ALIAS
) -> Iterator[CaptureQueriesContext]:
    """Fail unless the block runs `exactly`, or `at_most`, so many statements; list them then.

    BEGIN, COMMIT and savepoints are not counted.
    """
    with CaptureQueriesContext(connections[using]) as captured:
        yield captured
    found = statements(captured)
    bound = exactly if exactly is not None else at_most
    if bound is None:
        raise TypeError("Give a number of queries: `exactly` or `at_most`.")
    good = len(found) == bound if exactly is not None else len(found) <= bound
    if not good:
        listed = "\n".join(f"  {i}. {sql}" for i, sql in enumerate(found, 1))
        word = "" if exactly is not None else "at most "
        raise AssertionError(f"{len(found)} queries, expected {word}{bound}:\n{listed}")


def assert_same_queries(call: Callable[[], Any], grow: Callable[[], Any]) -> int:
    """Fail if `call()` runs more statements after `grow()` made its list longer; return how many."""
    connection = connections[DEFAULT_DB_ALIAS]
    with CaptureQueriesContext(connection) as small:
        call()
    grow()
    with CaptureQueriesContext(connection) as large:
        call()
    before, after = statements(small), statements(large)
    if len(after) != len(before):
        extra = "\n".join(f"  {sql}" for sql in after[:40])
        raise AssertionError(f"{len(before)} queries became {len(after)}:\n{extra}")
    return len(before)
