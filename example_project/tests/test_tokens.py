"""API clients: the headless API of allauth, its tokens, and when they end."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from .conftest import PASSWORD

pytestmark = pytest.mark.django_db

AUTH = "/_allauth/app/v1/auth"


class Program:
    """An API client: JSON, no cookies."""

    def __init__(self) -> None:
        self.headers: dict[str, str] = {}

    def send(self, method: str, path: str, body: Any = None) -> Any:
        client = Client()
        return client.generic(
            method, path, "" if body is None else _json(body), "application/json",
            headers=self.headers,
        )  # fmt: skip

    def keep(self, answer: Any) -> Any:
        meta = answer.json()["meta"]
        if "session_token" in meta:
            self.headers["X-Session-Token"] = meta["session_token"]
        if "access_token" in meta:
            self.headers["Authorization"] = f"Bearer {meta['access_token']}"
        return meta

    def me(self) -> Any:
        bearer = Program()
        bearer.headers = {k: v for k, v in self.headers.items() if k == "Authorization"}
        return bearer.send("GET", "/api/v1/me/")


def _json(body: Any) -> str:
    import json

    return json.dumps(body)


@pytest.fixture
def program() -> Program:
    return Program()


def sign_in(program: Program) -> Any:
    answer = program.send("POST", f"{AUTH}/login", {"username": "nora", "password": PASSWORD})
    assert answer.status_code == 200, answer.content
    return program.keep(answer)


def test_without_a_token_one_is_nobody(program: Program) -> None:
    assert program.me().status_code == 401


def test_a_password_gives_a_token_that_the_api_knows(program: Program, nora: Any) -> None:
    sign_in(program)
    answer = program.me()
    assert answer.status_code == 200 and answer.json()["username"] == "nora"


def test_a_code_gives_a_token(program: Program, person: Any, code: Any) -> None:
    person("nora", password=None)
    asked = program.send("POST", f"{AUTH}/code/request", {"email": "nora@mail.example"})
    assert asked.status_code == 401 and program.keep(asked)
    program.keep(program.send("POST", f"{AUTH}/code/confirm", {"code": code()}))
    assert program.me().json()["username"] == "nora"


def test_a_wrong_code_gives_none(program: Program, nora: Any, code: Any) -> None:
    program.keep(program.send("POST", f"{AUTH}/code/request", {"email": nora.email}))
    wrong = f"{(int(code()) + 1) % 1_000_000:06}"
    assert program.send("POST", f"{AUTH}/code/confirm", {"code": wrong}).status_code == 400
    assert program.me().status_code == 401


def test_an_unknown_address_is_answered_alike(program: Program, nora: Any) -> None:
    known = program.send("POST", f"{AUTH}/code/request", {"email": nora.email})
    other = Program().send("POST", f"{AUTH}/code/request", {"email": "nobody@mail.example"})
    assert known.status_code == other.status_code
    assert [f["id"] for f in known.json()["data"]["flows"]] == [
        f["id"] for f in other.json()["data"]["flows"]
    ]


def test_signing_up_over_the_api(program: Program, db: None, code: Any) -> None:
    given = {"username": "bea", "email": "bea@mail.example"}
    asked = program.send("POST", f"{AUTH}/signup", given)
    assert asked.status_code == 401
    program.keep(asked)
    program.keep(program.send("POST", f"{AUTH}/email/verify", {"key": code()}))
    assert program.me().json()["username"] == "bea"


def test_a_token_ends_with_signing_out(program: Program, nora: Any) -> None:
    sign_in(program)
    program.send("DELETE", f"{AUTH}/session")
    assert program.me().status_code == 401


def test_a_token_ends_with_the_account(program: Program, nora: Any) -> None:
    sign_in(program)
    nora.is_active = False
    nora.save()
    assert program.me().status_code == 401


def test_an_altered_token_is_nobody(program: Program, nora: Any) -> None:
    sign_in(program)
    head, body, sign = program.headers["Authorization"].split(".")
    program.headers["Authorization"] = f"{head}.{body}.{sign[::-1]}"
    assert program.me().status_code == 401


def test_a_token_is_renewed_and_the_old_refresh_token_is_spent(program: Program, nora: Any) -> None:
    refresh = sign_in(program)["refresh_token"]
    path = "/_allauth/app/v1/tokens/refresh"
    fresh = program.send("POST", path, {"refresh_token": refresh})
    assert fresh.status_code == 200
    program.headers["Authorization"] = f"Bearer {fresh.json()['data']['access_token']}"
    assert program.me().status_code == 200
    assert program.send("POST", path, {"refresh_token": refresh}).status_code == 400


def test_writing_by_token_needs_no_csrf_but_a_verified_address(
    program: Program, nora: Any, sub: Any
) -> None:
    sign_in(program)
    given = {"title": "First loaf", "body": "It is flat."}
    assert program.send("POST", "/api/v1/subs/baking/threads/", given).status_code == 201
    nora.emailaddress_set.update(verified=False)
    refused = program.send("POST", "/api/v1/subs/baking/threads/", given)
    assert refused.status_code == 403 and refused.json()["code"] == "unverified"
