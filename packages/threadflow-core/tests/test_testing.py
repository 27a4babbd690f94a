"""The tools of the suites: a tool that cannot fail would be worse than none."""

from __future__ import annotations

import asyncio
import socket
import threading
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import Group
from django.core.management.color import no_style
from django.db import connection

from threadflow_core import jobs
from threadflow_core.jobs import registry
from threadflow_core.testing import (
    LeftLoopback,
    assert_queries,
    assert_same_queries,
    flushing,
    only_loopback,
    race,
)
from threadflow_core.testing.contracts import JobsDriverContract


class TestSocketGuard:
    @pytest.fixture
    def refused(self):
        with only_loopback() as refused:
            yield refused

    @pytest.mark.parametrize("address", [("203.0.113.1", 80), ("8.8.8.8", 53)])
    def test_refuses_to_leave(self, refused, address):
        with socket.socket() as tcp, pytest.raises(LeftLoopback):
            tcp.connect(address)
        with socket.socket() as tcp, pytest.raises(LeftLoopback):
            tcp.connect_ex(address)
        with socket.socket(type=socket.SOCK_DGRAM) as udp, pytest.raises(LeftLoopback):
            udp.sendto(b"x", address)
        assert refused == [f"{address[0]}:{address[1]}"] * 3

    def test_refuses_to_leave_by_version_6(self, refused):
        with socket.socket(socket.AF_INET6) as tcp, pytest.raises(LeftLoopback):
            tcp.connect(("2001:db8::1", 80))

    def test_refuses_names(self, refused):
        with pytest.raises(LeftLoopback):
            socket.getaddrinfo("e.example", 80)
        with pytest.raises(LeftLoopback):
            socket.create_connection(("e.example", 80))

    async def test_refuses_async_code_too(self, refused):
        with pytest.raises(LeftLoopback):
            await asyncio.open_connection("203.0.113.1", 80)

    def test_lets_this_machine_talk_to_itself(self, refused):
        with socket.create_server(("127.0.0.1", 0)) as server:
            for host in ("127.0.0.1", "localhost"):
                with socket.create_connection((host, server.getsockname()[1])):
                    pass
        left, right = socket.socketpair()
        left.close()
        right.close()
        assert refused == []

    def test_is_gone_afterwards(self):
        before = socket.socket.connect
        with only_loopback():
            assert socket.socket.connect is not before
        assert socket.socket.connect is before


def test_the_plugin_fails_a_test_that_hid_its_escape(pytester):
    pytester.makepyfile(
        """
        import socket

        def test_quiet():
            try:
                socket.create_connection(("203.0.113.1", 80))
            except Exception:
                pass

        def test_good():
            pass
        """
    )
    result = pytester.runpytest_subprocess(
        "-p", "threadflow_core.testing.pytest_plugin", "-p", "no:django", "-p", "no:randomly"
    )
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["*tried to reach 203.0.113.1*"])


def test_garbage_is_collected_less_often_while_tests_run(pytester):
    pytester.makepyfile(
        """
        import gc
        from threadflow_core.testing.collecting import THRESHOLDS

        def test_it():
            assert gc.get_threshold() == THRESHOLDS and gc.isenabled()
            assert gc.get_freeze_count() > 10_000
        """
    )
    result = pytester.runpytest_subprocess(
        "-p", "threadflow_core.testing.collecting", "-p", "no:django", "-p", "no:randomly"
    )
    result.assert_outcomes(passed=1)


@pytest.mark.django_db
class TestQueries:
    def test_exactly(self):
        with assert_queries(2):
            list(Group.objects.all())
            Group.objects.count()
        expected = r"1 queries, expected 2:\n  1\. SELECT"
        with pytest.raises(AssertionError, match=expected), assert_queries(2):
            Group.objects.count()

    def test_at_most(self):
        with assert_queries(at_most=2):
            Group.objects.count()
        with pytest.raises(AssertionError, match="at most 0"), assert_queries(at_most=0):
            Group.objects.count()

    def test_frames_of_transactions_are_not_counted(self):
        from django.db import transaction

        with assert_queries(0), transaction.atomic():
            pass

    def test_without_a_bound_it_would_check_nothing(self):
        with pytest.raises(TypeError), assert_queries():
            pass

    def test_growth_is_seen(self):
        def one_by_one():
            for group in Group.objects.all():
                list(group.permissions.all())

        def grow():
            Group.objects.create(name="g")

        assert assert_same_queries(lambda: list(Group.objects.all()), grow) == 1
        with pytest.raises(AssertionError, match="became"):
            assert_same_queries(one_by_one, lambda: Group.objects.create(name="h"))


class TestRace:
    def test_all_at_once_and_results_in_order(self):
        together = threading.Barrier(8)

        def one(number):
            together.wait(5)
            return number * 2

        assert race(one, 8) == [n * 2 for n in range(8)]

    def test_an_error_is_raised(self):
        def one(number):
            if number == 3:
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            race(one, 5)

    def test_one_that_hangs_is_reported(self):
        with pytest.raises(TimeoutError):
            race(lambda number: threading.Event().wait(3 if number else 0), 2, timeout=0.2)

    @pytest.mark.django_db(transaction=True)
    def test_connections_are_closed(self):
        def one(number):
            Group.objects.count()
            return connection.connection is not None

        assert all(race(one, 3))


@pytest.mark.postgres
@pytest.mark.django_db
class TestFlushing:
    @pytest.fixture
    def flush(self, monkeypatch):
        """What `flush` would run, as texts."""
        from django.db.backends.postgresql.operations import DatabaseOperations

        monkeypatch.setattr(DatabaseOperations, "sql_flush", DatabaseOperations.sql_flush)
        flushing.install()
        tables = connection.introspection.django_table_names(only_existing=True)
        return lambda **more: connection.ops.sql_flush(no_style(), tables, **more)

    def test_rows_are_deleted_where_there_are_some(self, flush):
        before = flush()
        Group.objects.create(name="readers")
        assert set(flush()) - set(before) == {'DELETE FROM "auth_group"'}
        with connection.cursor() as cursor:
            for statement in flush():
                cursor.execute(statement)
        assert flush() == []

    def test_many_rows_are_truncated(self, flush, monkeypatch):
        monkeypatch.setattr(flushing, "MANY", 2)
        assert flush()[0].startswith("TRUNCATE")

    def test_rows_that_a_trigger_guards_are_truncated(self, flush):
        Group.objects.create(name="readers")
        with connection.cursor() as cursor:
            cursor.execute(
                "CREATE FUNCTION stay() RETURNS trigger LANGUAGE plpgsql AS "
                "$$ BEGIN RAISE 'append-only'; END $$"
            )
            guard = "CREATE TRIGGER stay BEFORE DELETE ON auth_group FOR EACH ROW"
            cursor.execute(f"{guard} EXECUTE FUNCTION stay()")
        assert flush()[0].startswith("TRUNCATE")
        with connection.cursor() as cursor:
            cursor.execute("DROP TRIGGER stay ON auth_group")
        assert 'DELETE FROM "auth_group"' in flush()

    def test_sequences_are_reset_only_by_truncating(self, flush):
        assert flush(reset_sequences=True)[0].startswith("TRUNCATE")


class TestInlineDriver(JobsDriverContract):
    @pytest.fixture
    def driver(self, monkeypatch):
        ran = []
        monkeypatch.setattr(registry, "_handlers", dict(registry._handlers))
        monkeypatch.setattr(
            registry, "_by_event", {k: list(v) for k, v in registry._by_event.items()}
        )

        @jobs.handler("test.driven", name="test.driven")
        def note(event):
            ran.append(event.payload["n"])

        return SimpleNamespace(
            emit=lambda n: jobs.emit("test.driven", n=n), finish=jobs.drain, ran=lambda: ran
        )
