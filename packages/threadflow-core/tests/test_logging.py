from __future__ import annotations

import json
import logging as stdlib

import pytest
from django.http import HttpResponse
from django.test import RequestFactory

from threadflow_core import jobs, logging
from threadflow_core.jobs import registry


def formatted(**extra):
    record = stdlib.getLogger("test").makeRecord(
        "test", stdlib.WARNING, "f.py", 1, "took %s ms", (5,), None, extra=extra
    )
    return json.loads(logging.JSONFormatter().format(record))


def test_a_line_is_json_with_the_request_id():
    with logging.bind("request-1", room="abc"):
        line = formatted(status=200)
    assert line["event"] == "took 5 ms" and line["level"] == "warning" and line["logger"] == "test"
    assert (line["request_id"], line["room"], line["status"]) == ("request-1", "abc", 200)
    assert line["ts"].endswith("Z")
    assert "request_id" not in formatted()


def test_fields_nest_and_end_with_their_block():
    with logging.bind("request-1", a=1):
        with logging.bind(b=2):
            assert {"a", "b", "request_id"} <= set(formatted())
        assert "b" not in formatted()
    assert logging.current() is None


@pytest.mark.parametrize(
    "name",
    ["password", "new_password", "token", "Authorization", "cookie", "otp", "card_number", "phone"],
)
def test_secrets_are_blanked(name):
    assert "hunter2" not in json.dumps(formatted(**{name: "hunter2"}))
    assert "hunter2" not in json.dumps(formatted(form={"deep": {name: "hunter2"}}))


def test_an_error_is_logged_with_its_traceback():
    try:
        raise ValueError("broken")
    except ValueError:
        record = stdlib.getLogger("test").makeRecord(
            "test", stdlib.ERROR, "f", 1, "x", (), __import__("sys").exc_info()
        )
    assert "ValueError: broken" in json.loads(logging.JSONFormatter().format(record))["error"]


class TestMiddleware:
    def ask(self, given=None, answer=lambda request: HttpResponse()):
        headers = {"HTTP_X_REQUEST_ID": given} if given else {}
        request = RequestFactory().get("/secret/path/", **headers)
        return logging.RequestIDMiddleware(answer)(request)

    def test_a_request_gets_an_id(self):
        first, second = self.ask(), self.ask()
        assert len(first["X-Request-ID"]) == 32
        assert first["X-Request-ID"] != second["X-Request-ID"]

    def test_an_id_that_came_in_is_kept(self):
        assert self.ask("from-the-proxy.1")["X-Request-ID"] == "from-the-proxy.1"

    @pytest.mark.parametrize("given", ["short", "x" * 65, "a b c d e f g", "<script>alert"])
    def test_but_not_if_it_is_malformed(self, given):
        assert self.ask(given)["X-Request-ID"] != given

    def test_the_id_is_bound_while_the_request_is_answered(self):
        seen = []
        self.ask("abcdefgh", lambda request: seen.append(logging.current()) or HttpResponse())
        assert seen == ["abcdefgh"]
        assert logging.current() is None

    def test_one_line_per_request_without_its_path(self, caplog):
        caplog.set_level("INFO", "threadflow.request")
        self.ask()
        (record,) = caplog.records
        assert (record.status, record.method) == (200, "GET")
        assert "secret" not in str(vars(record))

    async def test_async_stacks(self):
        async def answer(request):
            return HttpResponse(logging.current())

        request = RequestFactory().get("/", HTTP_X_REQUEST_ID="abcdefgh")
        response = await logging.RequestIDMiddleware(answer)(request)
        assert response.content == b"abcdefgh" and response["X-Request-ID"] == "abcdefgh"


@pytest.mark.django_db(transaction=True)
def test_the_id_follows_the_work_into_jobs(monkeypatch):
    seen = []
    monkeypatch.setattr(registry, "_handlers", dict(registry._handlers))
    monkeypatch.setattr(registry, "_by_event", dict(registry._by_event))

    @jobs.handler("test.logged", name="test.logged")
    def note(event):
        seen.append(logging.current())

    with logging.bind("request-1"):
        jobs.emit("test.logged")
    jobs.drain()
    assert seen == ["request-1"]
