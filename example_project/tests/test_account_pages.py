"""Every page of allauth that can be reached looks like the site and obeys its policy."""

from __future__ import annotations

import re
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.test import Client
from django.urls import get_resolver

from .conftest import PASSWORD

pytestmark = pytest.mark.django_db

FOR_GUESTS = [
    "/accounts/login/", "/accounts/login/?next=/all/", "/accounts/login/code/", "/accounts/signup/",
    "/accounts/password/reset/", "/accounts/inactive/",
    "/accounts/password/reset/done/",
]  # fmt: skip
FOR_MEMBERS = [
    "/accounts/email/", "/accounts/logout/", "/accounts/password/change/", "/accounts/sessions/",
    "/accounts/reauthenticate/", "/accounts/2fa/", "/accounts/2fa/totp/activate/",
    "/accounts/2fa/webauthn/", "/accounts/2fa/webauthn/add/",
]  # fmt: skip
WITH_KEYS = [
    "/accounts/2fa/", "/accounts/2fa/totp/deactivate/", "/accounts/2fa/recovery-codes/",
    "/accounts/2fa/recovery-codes/generate/", "/accounts/2fa/reauthenticate/",
]  # fmt: skip
INLINE = re.compile(
    r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)(?![^>]*application/json)", re.IGNORECASE
)


def is_ours(answer: Any) -> None:
    """In the frame of the site, one heading, nothing inline, nothing left of a template."""
    html = answer.content.decode()
    assert answer.status_code == 200
    assert "threadflow/css/threadflow.css" in html and "site/site.css" in html
    assert "tf-gate-card" in html or "site-account" in html
    assert len(re.findall(r"<h1[ >]", html)) == 1
    assert INLINE.search(html) is None, INLINE.search(html)
    assert "{{" not in html and "{%" not in html
    assert re.search(r"<title>\s*\S.* · Threadflow</title>", html, re.DOTALL)
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
    for field in re.findall(r"<input(?![^>]*type=\"hidden\")[^>]*\sid=\"([^\"]+)\"", html):
        assert f'for="{field}"' in html, f"{field} has no label"


def test_every_page_is_in_one_of_these_lists() -> None:
    """A new version of allauth with a new page makes this fail; then it is looked at."""
    names = {
        *("account_login", "account_request_login_code", "account_signup", "account_inactive"),
        *("account_reset_password", "account_password_reset_completed"),
        *("account_email", "account_logout", "account_change_password", "account_set_password"),
        *("account_reauthenticate", "mfa_index", "mfa_activate_totp", "mfa_deactivate_totp"),
        *("mfa_list_webauthn", "mfa_add_webauthn", "mfa_reauthenticate", "usersessions_list"),
        *("mfa_view_recovery_codes", "mfa_generate_recovery_codes", "mfa_authenticate"),
        *("account_confirm_login_code", "account_email_verification_sent"),
        *("account_confirm_password_reset_code", "account_complete_password_reset"),
    }
    files = {"mfa_download_recovery_codes", "mfa_login_webauthn"}  # not HTML
    with_a_key = {"mfa_edit_webauthn", "mfa_remove_webauthn", "mfa_reauthenticate_webauthn"}
    found = {str(n) for n in get_resolver().reverse_dict if isinstance(n, str)}
    ours = {n for n in found if n.startswith(("account_", "mfa_", "usersessions_"))}
    assert ours == names | files | with_a_key


@pytest.mark.parametrize("path", FOR_GUESTS)
def test_pages_for_guests(client: Client, path: str) -> None:
    is_ours(client.get(path))


@pytest.mark.parametrize("path", FOR_MEMBERS)
def test_pages_for_members(client: Client, nora: Any, path: str) -> None:
    client.post("/accounts/login/", {"login": "nora", "password": PASSWORD})
    if "/2fa/" in path:
        client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    is_ours(client.get(path))


@pytest.mark.parametrize("path", WITH_KEYS)
def test_pages_for_members_with_two_factors(client: Client, nora: Any, path: str) -> None:
    client.post("/accounts/login/", {"login": "nora", "password": PASSWORD})
    TOTP.activate(nora, generate_totp_secret())
    RecoveryCodes.activate(nora)
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    is_ours(client.get(path))


def test_the_second_step_of_signing_in(client: Client, nora: Any) -> None:
    TOTP.activate(nora, generate_totp_secret())
    codes = RecoveryCodes.activate(nora).get_unused_codes()
    step = client.post("/accounts/login/", {"login": "nora", "password": PASSWORD})
    is_ours(client.get(step.url))
    client.post(step.url, {"code": "nonsense"})
    client.post(step.url, {"code": codes[0]})
    assert client.get("/").wsgi_request.user == nora


def test_a_member_without_password_is_asked_to_set_one(person: Any, signed_in: Any) -> None:
    client = signed_in(person("nora", password=None))
    is_ours(client.get("/accounts/password/set/"))
    client.post("/accounts/password/set/", {"password1": PASSWORD, "password2": PASSWORD})
    assert Client().post("/accounts/login/", {"login": "nora", "password": PASSWORD}).url == "/"


def test_pages_between_mail_and_code(client: Client, nora: Any, code: Any) -> None:
    client.post("/accounts/signup/", {"username": "bea", "email": "bea@mail.example"})
    is_ours(client.get("/accounts/confirm-email/"))
    other = Client()
    other.post("/accounts/login/code/", {"email": nora.email})
    is_ours(other.get("/accounts/login/code/confirm/"))
    third = Client()
    third.post("/accounts/password/reset/", {"email": nora.email})
    is_ours(third.get("/accounts/password/reset/confirm/"))
    step = third.post("/accounts/password/reset/confirm/", {"code": code()})
    is_ours(third.get(step.url))


def test_an_added_address_is_verified_by_code(client: Client, nora: Any, code: Any) -> None:
    client.post("/accounts/login/", {"login": "nora", "password": PASSWORD})
    client.post("/accounts/email/", {"action_add": "", "email": "second@mail.example"})
    is_ours(client.get("/accounts/confirm-email/"))
    client.post("/accounts/confirm-email/", {"code": code()})
    assert nora.emailaddress_set.get(email="second@mail.example").verified
    is_ours(client.get("/accounts/email/"))


def test_codes_are_in_no_authenticator_before_the_first_is_typed(client: Client, nora: Any) -> None:
    client.post("/accounts/login/", {"login": "nora", "password": PASSWORD})
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    client.post("/accounts/2fa/totp/activate/", {"code": "000000"})
    assert not Authenticator.objects.filter(user=nora).exists()
