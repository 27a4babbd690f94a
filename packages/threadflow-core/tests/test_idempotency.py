from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import AnonymousUser, Group
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import RequestFactory
from django.utils import timezone

from threadflow_core import idempotency
from threadflow_core.idempotency import Answer, InProgress, KeyMissing, KeyReused, NotRepeatable
from threadflow_core.models import IdempotencyKey
from threadflow_core.testing import assert_queries, race


def make(name="g", status=201):
    def effect():
        group = Group.objects.create(name=name)
        headers = {"Location": f"/g/{group.pk}/", "Set-Cookie": "a=b"}
        return Answer(status, f'{{"id": {group.pk}}}', headers)

    return effect


def run(effect, key="key-1", scope="POST /g/", asked="print", owner="u:1", **kwargs):
    return idempotency.run(key, scope, asked, effect, owner=owner, **kwargs)


@pytest.mark.django_db
class TestRun:
    def test_the_second_time_is_the_stored_answer(self):
        first = run(make())
        second = run(make())
        assert Group.objects.count() == 1
        assert (second.status, second.body, second.replayed) == (201, first.body, True)
        assert not first.replayed

    def test_only_harmless_headers_are_kept(self):
        run(make())
        assert set(run(make()).headers) == {"Location"}

    def test_another_body_is_refused(self):
        run(make())
        with pytest.raises(KeyReused) as refused:
            run(make("h"), asked="other")
        assert refused.value.status == 422
        assert Group.objects.count() == 1

    @pytest.mark.parametrize("other", [{"owner": "u:2"}, {"scope": "POST /h/"}, {"key": "key-2"}])
    def test_keys_are_told_apart_by_owner_and_scope(self, other):
        run(make())
        assert not run(make("h"), **other).replayed
        assert Group.objects.count() == 2

    def test_an_error_leaves_nothing_and_the_key_unused(self):
        def broken():
            Group.objects.create(name="half")
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            run(broken)
        assert not Group.objects.exists()
        assert not run(make()).replayed

    def test_an_answer_of_500_is_not_stored_and_its_effect_undone(self):
        assert run(make(status=503)).status == 503
        assert not Group.objects.exists() and not IdempotencyKey.objects.exists()
        assert run(make()).status == 201

    def test_an_answer_of_400_is_stored(self):
        run(make(status=404))
        assert run(make()).status == 404

    @pytest.mark.parametrize("key", ["", " ", "a b", "ä", "x" * 201, "a\n"])
    def test_malformed_keys(self, key):
        with pytest.raises(KeyMissing) as refused:
            run(make(), key=key)
        assert refused.value.status == 400

    def test_an_answer_too_large_to_keep_is_not_made_twice(self):
        run(lambda: Answer(200, "x" * (64 * 1024 + 1)))
        with pytest.raises(NotRepeatable) as refused:
            run(make())
        assert refused.value.status == 409

    def test_a_day_later_the_key_is_new(self):
        run(make())
        IdempotencyKey.objects.update(created_at=timezone.now() - timedelta(hours=25))
        assert not run(make("h")).replayed
        assert Group.objects.count() == 2

    def test_prune_deletes_what_is_old(self):
        run(make(), key="old")
        IdempotencyKey.objects.update(created_at=timezone.now() - timedelta(hours=25))
        run(make("h"), key="new")
        assert idempotency.prune() == 1
        assert IdempotencyKey.objects.get().key == "new"

    def test_few_statements(self):
        on_postgres = connection.vendor == "postgresql"
        with assert_queries(3 if on_postgres else 2):
            run(Answer)
        with assert_queries(2):
            idempotency.once("form-key", "thread", lambda: "abc", owner="u:1")


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    def test_thirty_requests_with_one_key_have_one_effect(self):
        def one(number):
            try:
                return run(make())
            except InProgress as busy:
                return busy

        found = race(one, 30)
        assert Group.objects.count() == IdempotencyKey.objects.count() == 1
        fresh = [a for a in found if isinstance(a, Answer) and not a.replayed]
        assert len(fresh) == 1
        assert {a.body for a in found if isinstance(a, Answer)} == {fresh[0].body}
        assert all(
            busy.status == 409 and busy.retry_after
            for busy in found
            if busy not in fresh and isinstance(busy, InProgress)
        )

    @pytest.mark.postgres
    def test_while_the_first_runs_the_second_is_told_so_at_once(self):
        def first():
            with pytest.raises(InProgress):
                race(lambda n: run(make("second")), 1)
            return Answer(200, "first")

        assert run(first).body == "first"
        assert run(make()).body == "first"

    def test_a_double_click_ends_at_one_result(self):
        def submit(number):
            effect = lambda: str(Group.objects.create(name=f"g{number}").pk)  # noqa: E731
            return idempotency.once("form-key", "thread", effect, owner="u:1")

        assert len(set(race(submit, 10))) == 1
        assert Group.objects.count() == 1


@pytest.mark.django_db
class TestForms:
    def test_once_returns_the_first_result(self):
        results = iter(["abc", "def", "ghi"])
        key = idempotency.new_form_key()
        assert idempotency.once(key, "thread", lambda: next(results), owner="u:1") == "abc"
        assert idempotency.once(key, "thread", lambda: next(results), owner="u:1") == "abc"

    @pytest.mark.parametrize("key", ["", "not a key"])
    def test_without_a_key_everything_is_new(self, key):
        results = iter(["abc", "def"])
        idempotency.once(key, "thread", lambda: next(results), owner="u:1")
        assert idempotency.once(key, "thread", lambda: next(results), owner="u:1") == "def"

    def test_keys_are_new_and_well_formed(self):
        keys = {idempotency.new_form_key() for _ in range(100)}
        assert len(keys) == 100
        assert all(idempotency._KEY.fullmatch(key) for key in keys)

    def test_the_key_of_a_posted_form(self):
        request = RequestFactory().post("/", {idempotency.FIELD: "abc"})
        assert idempotency.form_key(request) == "abc"
        assert idempotency.form_key(RequestFactory().post("/")) == ""


class TestOwner:
    def test_a_person_a_session_an_address(self, django_user_model, db):
        request = RequestFactory().get("/", REMOTE_ADDR="203.0.113.9")
        assert idempotency.owner_of(request) == "ip:203.0.113.9"
        from django.contrib.sessions.backends.db import SessionStore

        request.session = SessionStore()
        request.session.create()
        request.user = AnonymousUser()
        by_session = idempotency.owner_of(request)
        assert by_session.startswith("s:") and request.session.session_key not in by_session
        request.user = django_user_model(pk=7)
        assert idempotency.owner_of(request) == "u:7"

    def test_forgetting_a_person(self, django_user_model, db):
        run(make(), owner="u:7")
        run(make("h"), owner="u:8")
        assert idempotency.forget_owner(django_user_model(pk=7)) == 1


class TestFingerprint:
    def test_order_of_keys_does_not_count_but_values_do(self):
        one = idempotency.fingerprint({"a": 1, "b": [1, 2]})
        assert one == idempotency.fingerprint({"b": [1, 2], "a": 1})
        assert one != idempotency.fingerprint({"a": 1, "b": [2, 1]})

    def test_files_count_by_content(self):
        def upload(content):
            return idempotency.fingerprint({"file": SimpleUploadedFile("a.png", content)})

        assert upload(b"1") == upload(b"1") != upload(b"2")
