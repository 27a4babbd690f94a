from __future__ import annotations

import threading
import time
from datetime import timedelta

import pytest
from django.http import Http404
from django.test import RequestFactory
from django.utils import timezone

from threadflow_core import health
from threadflow_core.ids import uuid7
from threadflow_core.models import OutboxEvent

rf = RequestFactory()
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def checks(monkeypatch):
    """Only the checks that a test adds."""
    monkeypatch.setattr(health, "_checks", {})
    monkeypatch.setattr(health, "_running", set())
    return health.register


def ready(role="web"):
    response = health.ready(rf.get("/health/ready", {"role": role}))
    import json

    return response.status_code, json.loads(response.content)


def fail():
    raise RuntimeError("postgres://user:secret@host")


def test_live_asks_nobody(django_assert_num_queries):
    with django_assert_num_queries(0):
        response = health.live(rf.get("/health/"))
    assert response.status_code == 200
    assert "no-store" in response["Cache-Control"]


@pytest.mark.parametrize("role", ["web", "ws", "worker"])
def test_ready_for_each_role(role):
    status, body = ready(role)
    assert (status, body["status"], body["degraded"]) == (200, "ok", [])
    assert body["checks"]["database"]["ok"]


def test_an_unknown_role_is_not_there():
    with pytest.raises(Http404):
        health.ready(rf.get("/health/ready", {"role": "king"}))


def test_what_is_required_makes_unready(checks):
    checks("database", fail, web="required", ws="degraded")
    assert ready("web")[0] == 503
    status, body = ready("ws")
    assert (status, body["status"], body["degraded"]) == (200, "degraded", ["database"])


def test_the_answer_tells_no_secrets(checks):
    checks("database", fail, web="required")
    assert "secret" not in str(ready("web")[1])


def test_a_check_that_hangs_is_not_waited_for_and_not_asked_again(checks, monkeypatch):
    monkeypatch.setattr(health, "PATIENCE", 0.2)
    let_go = threading.Event()
    asked = []
    checks("slow", lambda: asked.append(1) or let_go.wait(60), web="required")
    checks("quick", lambda: None, web="required")
    began = time.monotonic()
    status, body = ready()
    assert status == 503 and time.monotonic() - began < 20
    assert body["checks"]["quick"]["ok"] and not body["checks"]["slow"]["ok"]
    monkeypatch.setattr(health, "PATIENCE", 60)
    began = time.monotonic()
    assert ready()[0] == 503
    assert time.monotonic() - began < 20 and len(asked) == 1
    let_go.set()


def test_late_jobs_degrade(checks):
    checks("jobs", health.check_jobs, worker="degraded")
    make_event(run_after=timezone.now() - timedelta(minutes=6))
    assert ready("worker")[1]["degraded"] == ["jobs"]


def test_a_dead_redis_of_the_limiter_degrades(checks, settings):
    settings.THREADFLOW_CORE = {"LIMITS_REDIS_URL": "redis://127.0.0.1:1/0"}
    checks("limits", health.check_limits, web="degraded")
    assert ready()[1]["status"] == "degraded"


def make_event(**more):
    return OutboxEvent.objects.create(id=uuid7(), name="x", handler="h", **more)


class TestMetrics:
    def text(self, **headers):
        return health.metrics(rf.get("/metrics", **headers)).content.decode()

    def test_numbers_of_the_outbox(self):
        make_event(run_after=timezone.now() - timedelta(seconds=90))
        make_event(state="dead", queue="mail")
        make_event(state="done")
        text = self.text()
        assert 'threadflow_outbox_events{queue="default",state="pending"} 1' in text
        assert 'threadflow_outbox_events{queue="mail",state="dead"} 1' in text
        assert "done" not in text.replace("are not done", "")
        (age,) = [
            float(line.split()[1])
            for line in text.splitlines()
            if line.startswith("threadflow_outbox_oldest_seconds ")
        ]
        assert 89 < age < 95

    def test_an_empty_outbox(self):
        assert "threadflow_outbox_oldest_seconds 0.000" in self.text()

    def test_not_for_strangers(self):
        for headers in (
            {"REMOTE_ADDR": "203.0.113.9"},
            {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "203.0.113.9"},
            {"REMOTE_ADDR": "203.0.113.9", "HTTP_X_FORWARDED_FOR": "127.0.0.1"},
        ):
            with pytest.raises(Http404):
                self.text(**headers)

    def test_through_a_trusted_proxy_the_client_counts(self, settings):
        settings.THREADFLOW_CORE = {"TRUSTED_PROXIES": ("127.0.0.0/8",)}
        with pytest.raises(Http404):
            self.text(REMOTE_ADDR="127.0.0.1", HTTP_X_FORWARDED_FOR="203.0.113.9")

    def test_for_the_holder_of_the_token(self, settings):
        settings.THREADFLOW_CORE = {"METRICS_TOKEN": "correct"}
        far = {"REMOTE_ADDR": "203.0.113.9"}
        assert "threadflow_outbox" in self.text(**far, HTTP_AUTHORIZATION="Bearer correct")
        for wrong in ("Bearer wrong", "Bearer ", "", "Bearer corréct"):
            with pytest.raises(Http404):
                self.text(**far, HTTP_AUTHORIZATION=wrong)

    def test_no_token_is_no_password(self, settings):
        settings.THREADFLOW_CORE = {"METRICS_TOKEN": ""}
        with pytest.raises(Http404):
            self.text(REMOTE_ADDR="203.0.113.9", HTTP_AUTHORIZATION="Bearer ")


def test_the_urls_are_those_of_the_contract():
    assert [str(p.pattern) for p in health.urlpatterns] == [
        "health/",
        "health/live",
        "health/ready",
        "metrics",
    ]
