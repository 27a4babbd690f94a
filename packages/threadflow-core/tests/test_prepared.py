"""Connections that prepare statements live through migrations."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import NotSupportedError, connection
from django.db.utils import ConnectionHandler

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]

TABLE = "threadflow_prepared"
READ = f"SELECT id, name FROM {TABLE} WHERE id = %s"
WIDEN = f"ALTER TABLE {TABLE} ALTER COLUMN name TYPE varchar(20)"


def run(on: Any, sql: str, *params: Any) -> list[Any]:
    with on.cursor() as cursor:
        cursor.execute(sql, params or None)
        return list(cursor.fetchall()) if cursor.description else []


@contextmanager
def transaction_on(one: Any) -> Iterator[None]:
    """As `atomic`, for a connection that no setting names."""
    one.set_autocommit(False)
    try:
        yield
    finally:
        one.rollback()
        one.set_autocommit(True)


@pytest.fixture
def table() -> Iterator[None]:
    run(connection, f"CREATE TABLE {TABLE} (id int, name varchar(10))")
    run(connection, f"INSERT INTO {TABLE} VALUES (1, 'bread')")
    yield
    run(connection, f"DROP TABLE {TABLE}")


Site = Callable[[], Any]


@pytest.fixture(params=[None, {"min_size": 2, "max_size": 2}], ids=["alone", "pool"])
def site(request: Any, table: None) -> Iterator[Site]:
    """Opens connections of a site that prepares each statement when it comes first."""
    options = {"server_side_binding": True, "prepare_threshold": 0, "pool": request.param}
    at = {**connection.settings_dict, "OPTIONS": options}
    made = []

    def connect() -> Any:
        made.append(ConnectionHandler({"default": {}, "prepared": at})["prepared"])
        return made[-1]

    yield connect
    for one in made:
        one.close()
    made[0].close_pool()


def prepared(on: Any) -> int:
    ours = run(on, "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE %s", "%name%")
    return int(ours[0][0])


def test_a_read_after_a_migration_is_prepared_anew(site: Site) -> None:
    one = site()
    assert run(one, READ, 1) == [(1, "bread")] and prepared(one) == 1
    run(connection, WIDEN)
    for _again in range(3):
        assert run(one, READ, 1) == [(1, "bread")]
    assert prepared(one) == 1


def test_a_transaction_fails_once_per_process_and_can_be_begun_again(site: Site) -> None:
    one, two = site(), site()
    assert run(one, READ, 1) == run(two, READ, 1) == [(1, "bread")]
    if two.pool:
        two.close()  # idle in the pool while the table changes
    run(connection, WIDEN)
    with pytest.raises(NotSupportedError, match="cached plan"), transaction_on(one):
        run(one, READ, 1)
    for connected in (one, two) if one.pool else (one,):
        with transaction_on(connected):
            assert run(connected, READ, 1) == [(1, "bread")]


def test_what_postgres_does_not_support_is_refused_still(site: Site) -> None:
    with pytest.raises(NotSupportedError, match="FOR UPDATE"):
        run(site(), f"SELECT count(*) FROM {TABLE} FOR UPDATE")
