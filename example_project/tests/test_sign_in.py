"""Signing up and in with pages: by password, by code, and what must not work."""

from __future__ import annotations

import re
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth import get_user_model
from django.core import mail
from django.test import Client

from .conftest import PASSWORD

pytestmark = pytest.mark.django_db

LOGIN, LOGIN_CODE, CONFIRM_CODE = (
    "/accounts/login/",
    "/accounts/login/code/",
    "/accounts/login/code/confirm/",
)
SIGNUP, VERIFY = "/accounts/signup/", "/accounts/confirm-email/"
RESET = "/accounts/password/reset/"


def me(client: Client) -> str | None:
    user = client.get("/").wsgi_request.user
    return user.username if user.is_authenticated else None


def sign_up(client: Client, **fields: str) -> Any:
    given = {"username": "nora", "email": "nora@mail.example", "password1": "", **fields}
    return client.post(SIGNUP, given)


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06}"


# Signing up


@pytest.mark.parametrize("password", ["", PASSWORD])
def test_after_signing_up_one_is_verified_and_can_post(
    client: Client, sub: Any, code: Any, password: str
) -> None:
    assert sign_up(client, password1=password).url == VERIFY
    assert me(client) is None, "not before the address is verified"

    client.post(VERIFY, {"code": code()})

    assert me(client) == "nora"
    nora = get_user_model().objects.get(username="nora")
    assert nora.has_usable_password() is bool(password)
    assert EmailAddress.objects.get(user=nora).verified
    posted = client.post("/s/baking/submit/", {"title": "First loaf", "body": "It is flat."})
    assert posted.status_code == 303 and sub.threads.get().author == nora


def test_one_comes_back_to_the_page_one_came_from(client: Client, code: Any) -> None:
    sign_up(client, next="/all/?sort=new")
    assert client.post(VERIFY, {"code": code()}).url == "/all/?sort=new"


def test_a_wrong_code_is_refused_and_three_end_the_try(client: Client, code: Any) -> None:
    sign_up(client)
    right = code()
    for _ in range(2):
        answer = client.post(VERIFY, {"code": wrong(right)})
        assert answer.status_code == 200 and b'aria-invalid="true"' in answer.content
    client.post(VERIFY, {"code": wrong(right)})
    client.post(VERIFY, {"code": right})
    assert me(client) is None
    assert not EmailAddress.objects.filter(email="nora@mail.example", verified=True).exists()


def test_a_new_code_can_be_asked_for_and_the_address_changed(client: Client, code: Any) -> None:
    sign_up(client, email="typo@mail.example")
    client.post(VERIFY, {"action": "change", "email": "nora@mail.example"})
    assert mail.outbox[-1].to == ["nora@mail.example"]
    client.post(VERIFY, {"code": code()})
    assert me(client) == "nora"


@pytest.mark.parametrize(
    "name", ["admin", "Threadflow", "a b", ".nora", "x" * 31, "n@mail.example"]
)
def test_names_that_are_reserved_or_unreadable_are_refused(client: Client, name: str) -> None:
    answer = sign_up(client, username=name)
    assert answer.status_code == 200 and b"tf-errsum" in answer.content
    assert name.encode() in answer.content, "what was typed is kept"
    assert not get_user_model().objects.exists()


def test_a_taken_name_is_told_and_a_weak_password_too(client: Client, nora: Any) -> None:
    assert b"already exists" in sign_up(client, email="other@mail.example").content
    weak = sign_up(client, username="bea", email="bea@mail.example", password1="12345")
    assert b"too short" in weak.content


# Signing in


@pytest.mark.parametrize("name", ["nora", "nora@mail.example", "NORA@mail.example"])
def test_sign_in_by_name_or_address_and_password(client: Client, nora: Any, name: str) -> None:
    client.post(LOGIN, {"login": name, "password": PASSWORD})
    assert me(client) == "nora"


def test_a_wrong_password_is_refused_and_the_name_kept(client: Client, nora: Any) -> None:
    answer = client.post(LOGIN, {"login": "nora", "password": "no"})
    assert answer.status_code == 200 and b'value="nora"' in answer.content
    assert me(client) is None


def test_sign_in_by_code(client: Client, person: Any, code: Any) -> None:
    person("nora", password=None)
    assert client.post(LOGIN_CODE, {"email": "nora@mail.example"}).url == CONFIRM_CODE
    client.post(CONFIRM_CODE, {"code": code()})
    assert me(client) == "nora"


def test_a_code_works_once(client: Client, nora: Any, code: Any) -> None:
    client.post(LOGIN_CODE, {"email": nora.email})
    digits = code()
    client.post(CONFIRM_CODE, {"code": digits})
    other = Client()
    other.post(CONFIRM_CODE, {"code": digits})
    assert me(client) == "nora" and me(other) is None


def test_three_wrong_codes_end_the_try(client: Client, nora: Any, code: Any) -> None:
    client.post(LOGIN_CODE, {"email": nora.email})
    digits = code()
    for _ in range(3):
        client.post(CONFIRM_CODE, {"code": wrong(digits)})
    client.post(CONFIRM_CODE, {"code": digits})
    assert me(client) is None


def test_a_closed_account_stays_out(client: Client, nora: Any) -> None:
    nora.is_active = False
    nora.save()
    answer = client.post(LOGIN, {"login": "nora", "password": PASSWORD}, follow=True)
    assert answer.status_code == 200 and me(client) is None


def test_a_forgotten_password_is_replaced_by_code(client: Client, nora: Any, code: Any) -> None:
    client.post(RESET, {"email": nora.email})
    step = client.post("/accounts/password/reset/confirm/", {"code": code()})
    fresh = "another long pass phrase"
    client.post(step.url, {"password1": fresh, "password2": fresh})
    other = Client()
    other.post(LOGIN, {"login": "nora", "password": fresh})
    assert me(other) == "nora"


def test_signing_out_takes_a_post(client: Client, nora: Any) -> None:
    client.post(LOGIN, {"login": "nora", "password": PASSWORD})
    assert client.get("/accounts/logout/").status_code == 200 and me(client) == "nora"
    client.post("/accounts/logout/")
    assert me(client) is None


def test_other_sessions_can_be_ended(client: Client, nora: Any) -> None:
    phone = Client()
    for device in (client, phone):
        device.post(LOGIN, {"login": "nora", "password": PASSWORD})
        device.get("/accounts/sessions/")
    assert client.get("/accounts/sessions/").context["session_count"] == 2
    client.post("/accounts/sessions/")
    assert me(client) == "nora" and me(phone) is None


# What a stranger may not find out or do


def test_signing_up_with_a_known_address_looks_the_same(client: Client, nora: Any) -> None:
    known = sign_up(client, username="mallory", email=nora.email)
    fresh = sign_up(Client(), username="bea", email="bea@mail.example")
    assert (known.status_code, known.url) == (fresh.status_code, fresh.url)
    assert not get_user_model().objects.filter(username="mallory").exists()
    to_nora = [str(m.body) for m in mail.outbox if m.to == [nora.email]]
    assert len(to_nora) == 1 and "nothing was made" in to_nora[0]


@pytest.mark.parametrize("path", [LOGIN_CODE, RESET])
def test_asking_for_a_code_does_not_tell_who_has_an_account(
    client: Client, nora: Any, path: str
) -> None:
    known = client.post(path, {"email": nora.email})
    unknown = Client().post(path, {"email": "nobody@mail.example"})
    assert (known.status_code, known.url) == (unknown.status_code, unknown.url)
    to_nobody = mail.outbox[-1]
    assert to_nobody.to == ["nobody@mail.example"]
    assert re.search(r"^\d{6}$", str(to_nobody.body), re.MULTILINE) is None


def test_wrong_passwords_are_limited_even_with_the_right_one_at_last(
    client: Client, nora: Any
) -> None:
    for _ in range(5):
        client.post(LOGIN, {"login": "nora", "password": "no"})
    answer = client.post(LOGIN, {"login": "nora", "password": PASSWORD})
    assert b"Too many" in answer.content and me(client) is None


def test_codes_for_one_address_are_limited(client: Client, nora: Any) -> None:
    for _ in range(3):
        Client().post(LOGIN_CODE, {"email": nora.email})
    sent = len(mail.outbox)
    answer = client.post(LOGIN_CODE, {"email": nora.email})
    assert b"Too many" in answer.content and len(mail.outbox) == sent


def test_a_refused_rate_has_a_page_of_the_site(client: Client, settings: Any, db: None) -> None:
    settings.ACCOUNT_RATE_LIMITS = {"signup": "1/m/ip"}
    sign_up(client, username="one", email="one@mail.example")
    answer = sign_up(client, username="two", email="two@mail.example")
    assert answer.status_code == 429 and b"tf-top" in answer.content


def test_writing_needs_a_verified_address(person: Any, sub: Any, signed_in: Any) -> None:
    client = signed_in(person("eve", verified=False))
    given = {"title": "First loaf", "body": "It is flat."}
    answer = client.post("/s/baking/submit/", given)
    assert answer.status_code == 403 and b"Verify your e-mail address first" in answer.content
    assert b"It is flat." in answer.content, "what was typed is kept"
    EmailAddress.objects.update(verified=True)
    assert client.post("/s/baking/submit/", given).status_code == 303


def test_the_way_back_never_leaves_the_site(client: Client, nora: Any) -> None:
    given = {"login": "nora", "password": PASSWORD, "next": "https://evil.example/"}
    assert client.post(LOGIN, given).url == "/"
