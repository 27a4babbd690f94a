"""The demo's outbox: what it shows, and who may look."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.urls import resolve

from demo.apps import no_fakes_in_production
from demo.mail import OutboxBackend
from demo.models import SentMessage

pytestmark = pytest.mark.django_db
OUTBOX = "/dev/outbox/"
LOCAL = {"HTTP_HOST": "127.0.0.1:8000"}


@pytest.fixture
def outbox(settings: Any) -> None:
    settings.EMAIL_BACKEND = "demo.mail.OutboxBackend"


def send(text: str = "Hello", to: tuple[str, ...] = ("nora@mail.example",)) -> None:
    mail.EmailMessage("A subject", text, to=list(to), connection=OutboxBackend()).send()


def test_a_sign_in_code_arrives_there(outbox: None, client: Client, nora: Any) -> None:
    client.post("/accounts/login/code/", {"email": nora.email})
    html = client.get(OUTBOX, **LOCAL).content.decode()
    code = re.search(r"data-code>(\d{6})<", html)
    assert code and nora.email in html
    client.post("/accounts/login/code/confirm/", {"code": code[1]})
    assert client.get("/").wsgi_request.user == nora


def test_the_newest_is_first_and_each_recipient_has_a_copy(client: Client) -> None:
    send("the first")
    send("the second", ("a@mail.example", "b@mail.example"))
    html = client.get(OUTBOX, **LOCAL).content.decode()
    assert html.index("b@mail.example") < html.index("the first")
    assert SentMessage.objects.count() == 3


def test_mails_are_text_and_links_in_them_can_be_followed(client: Client) -> None:
    send("<script>x</script> https://threadflow.example/a")
    html = client.get(OUTBOX, **LOCAL).content.decode()
    assert "<script>x" not in html and 'href="https://threadflow.example/a"' in html


def test_an_empty_outbox_says_what_to_do(client: Client) -> None:
    assert b"Nothing was sent yet" in client.get(OUTBOX, **LOCAL).content


@pytest.mark.parametrize(
    "request_of",
    [
        {"HTTP_HOST": "demo.example"},
        {**LOCAL, "REMOTE_ADDR": "192.0.2.7"},
        {**LOCAL, "HTTP_X_FORWARDED_FOR": "192.0.2.7"},
        {**LOCAL, "REMOTE_ADDR": "nonsense"},
    ],
    ids=["other name", "other machine", "through a proxy", "unreadable"],
)
def test_from_elsewhere_only_staff_looks(
    client: Client, nora: Any, signed_in: Any, settings: Any, request_of: dict[str, str]
) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    assert client.get(OUTBOX, **request_of).status_code == 404
    assert signed_in(nora).get(OUTBOX, **request_of).status_code == 404
    nora.is_staff = True
    nora.save()
    assert signed_in(nora).get(OUTBOX, **request_of).status_code == 200


def test_a_demo_for_others_shows_it_to_staff_only(client: Client, settings: Any) -> None:
    settings.LOOPBACK = False
    assert client.get(OUTBOX, **LOCAL).status_code == 404


def test_it_is_refused_outside_the_demo(client: Client, settings: Any) -> None:
    resolve(OUTBOX)  # addresses are read once, so before the setting changes: the view refuses, too
    settings.DEMO = False
    assert client.get(OUTBOX, **LOCAL).status_code == 404


def test_a_production_site_with_what_the_demo_pretends_is_an_error(settings: Any) -> None:
    settings.EMAIL_BACKEND = "demo.mail.OutboxBackend"
    settings.THREADFLOW_BILLING = {**settings.THREADFLOW_BILLING, "CLOCK": "demo.clock.now"}
    assert no_fakes_in_production(None) == []
    settings.THREADFLOW_ENV = "production"
    mail, clock = no_fakes_in_production(None)
    assert mail.id == "demo.E001" and "EMAIL_URL" in str(mail.hint)
    assert clock.id == "demo.E002" and "CLOCK" in str(clock.hint)
    settings.THREADFLOW_BILLING = {**settings.THREADFLOW_BILLING, "CLOCK": ""}
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    assert no_fakes_in_production(None) == []


def test_the_hint_beside_forms_leads_there_and_only_where_one_may_look(
    client: Client, settings: Any
) -> None:
    hint = b'href="/dev/outbox/"'
    assert hint in client.get("/accounts/login/code/", **LOCAL).content
    settings.LOOPBACK = False
    assert hint not in client.get("/accounts/login/code/", **LOCAL).content
