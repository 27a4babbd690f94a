"""Odd values in every field of every form and route: refused with a reason, never a crash."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import transaction
from django.test import Client

from threadflow_core.idempotency import FIELD

from .test_access_table import FORMS, address, routes, world  # noqa: F401 - a fixture

needs_api = pytest.mark.skipif(
    "rest_framework" not in django_settings.INSTALLED_APPS, reason="this site has no REST framework"
)
JSON = "application/json"


NASTY = (
    *("", " ", "\0", "a\0b", "x" * 70_000, "-1", "9" * 40, "1e309", "NaN", "²", "\u202e\u200b"),
    *("<script>alert(1)</script>", "💥" * 10, "\x02k1:1\x03", "\r\n", "on", "%s%s", "{{ 7 }}"),
)
ODDER = (None, True, 1.5, -1, 10**30, [], ["a"], {}, {"a": 1}, [[[]]])


FORM = "application/x-www-form-urlencoded"
ENCODED = [
    *((FORM, raw) for raw in (b"\xff=\xff", b"body=%ff%fe%00&value=%00", b"&&==", b"%", b"\x00")),
    *(
        (JSON, b'{"a": [1'),
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=x", b"x"),
    ),
]


def refusable(status: int) -> bool:
    return status in (200, 201, 204, 303) or 400 <= status < 500


@pytest.fixture
def mighty(world: Any, client_of: Any) -> Any:  # noqa: F811
    """Somebody to whom every route is open, so that the odd values reach the services."""
    author = world.people["author"]
    author.is_staff = True
    author.save()
    return client_of(author), world.public


def send(client: Client, method: str, path: str, data: Any, **more: Any) -> Any:
    """Send; a crash raises here. What was written is rolled back."""
    with transaction.atomic():
        answer = getattr(client, method.lower())(path, data, **more)
        transaction.set_rollback(True)
    return answer


def some(values: Sequence[Any], every: bool, salt: str) -> list[Any]:
    """All values, or three of them that differ from field to field."""
    start = sum(salt.encode()) % len(values)
    return list(values) if every else [*values[start:], *values[:start]][:3]


EVERY = pytest.mark.parametrize(
    "every", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["some", "all"]
)


def writes(*surfaces: str) -> list[tuple[str, str]]:
    return [
        key for key in routes() if key[1] != "GET" and key[0].split(":")[0] in surfaces
    ]  # fmt: skip


@EVERY
def test_no_form_crashes_on_anything(mighty: Any, every: bool) -> None:
    client, place = mighty
    for name, method in writes("page", "core"):
        path = address(name, routes()[name, method], place)
        form = FORMS.get(name, {"title": "x", "visibility": "public", "reason": "", "version": "1"})
        form_class = getattr(routes()[name, method].callback.view_class, "form_class", None)
        known = {*getattr(form_class, "base_fields", ()), FIELD}
        more = {"version": "1", FIELD: "n", "reason": "r", "days": "1", "url": ""}
        form = {**form, **{field: value for field, value in more.items() if field in known}}
        for field in form:
            for value in some(NASTY, every, name + field):
                answer = send(client, method, path, {**form, field: value})
                assert refusable(answer.status_code), (name, field, value)
        for kind, raw in some(ENCODED, every, name):
            answer = send(client, method, path, raw, content_type=kind)
            assert refusable(answer.status_code), (name, kind, raw)


@needs_api
@EVERY
def test_no_route_of_the_api_crashes_on_anything(mighty: Any, every: bool) -> None:
    client, place = mighty
    for name, method in writes("api"):
        path = address(name, routes()[name, method], place)
        form = {**FORMS.get(name, {}), "reason": "", "version": 1, "link": "", "flair": ""}
        for field in form:
            for value in some((*NASTY, *ODDER), every, name + field):
                answer = send(client, method, path, {**form, field: value}, content_type=JSON)
                assert refusable(answer.status_code), (name, field, value)
                if answer.status_code >= 400:
                    assert {"code", "detail"} <= set(answer.json()), (name, field, value)


BODIES = (
    *(b"", b"{", b"[]", b"null", b"5", b'"x"', b"\xff\xfe", b'{"text": "\xff"}', b"\x00"),
    *(b'{"text": "\\ud800"}', b'{"text": "\\u0000"}', b'{"value": NaN}', b'{"value": 1e999}'),
    *(b"[" * 100_000, b'{"a":' * 100_000, b'{"text": ' + b"9" * 5_000 + b"}"),
)


@needs_api
@pytest.mark.parametrize("kind", [JSON, "application/x-www-form-urlencoded", "text/plain", "", "x"])
def test_bodies_that_are_not_what_they_say_are_refused(mighty: Any, kind: str) -> None:
    client, place = mighty
    for name, method in writes("api"):
        path = address(name, routes()[name, method], place)
        for body in BODIES:
            answer = client.generic(method, path, body, content_type=kind)
            assert refusable(answer.status_code), (name, body[:20])
            if answer.status_code >= 400:
                assert {"code", "detail"} <= set(answer.json()), (name, body[:20])
