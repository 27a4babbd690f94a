"""ServiceView and its kin: one action, the same truth with htmx and without."""

from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from tests import ui_site

HX = {"HX-Request": "true", "HX-Current-URL": "http://testserver/threads/abc/?sort=new"}

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.ui_site")]


@pytest.fixture(autouse=True)
def _site(settings):
    settings.LOGIN_URL = "/login/"
    settings.TEMPLATES = ui_site.templates(settings.TEMPLATES)


@pytest.fixture
def ada(client: Client) -> Client:
    client.force_login(get_user_model().objects.create_user("ada"))
    return client


def test_success_redirects_to_the_anchor_and_says_so(client):
    response = client.post("/act/", {"text": "hello"})
    assert response.status_code == 303
    assert response["Location"] == "/?back=1#said"
    assert "Said." in client.get("/").content.decode()


def test_success_with_htmx_answers_the_partial_and_a_toast(client):
    response = client.post("/act/", {"text": "hello"}, headers=HX)
    text = response.content.decode()
    assert response.status_code == 200
    assert "hello" in text
    assert 'id="tf-toasts" hx-swap-oob="beforeend"' in text
    assert "Said." in text


@pytest.mark.parametrize(
    ("error", "status"),
    [
        ("not-allowed", 403),
        ("conflict", 409),
        ("stale", 412),
        ("too-large", 413),
        ("invalid", 422),
        ("limit", 429),
        ("unavailable", 503),
    ],
)
def test_a_refusal_keeps_the_status_and_what_was_typed(client, error, status):
    response = client.post(f"/act/{error}/", {"text": "my precious words"})
    text = response.content.decode()
    assert response.status_code == status
    assert "my precious words" in text
    assert "<html" in text
    assert 'role="alert"' in text


@pytest.mark.parametrize(
    ("error", "status"),
    [
        ("not-allowed", 403),
        ("conflict", 409),
        ("limit", 429),
        ("too-large", 413),
        ("not-found", 404),
        ("gone", 410),
    ],
)
def test_with_htmx_a_refusal_is_a_toast_and_leaves_the_form_alone(client, error, status):
    response = client.post(f"/act/{error}/", {"text": "my precious words"}, headers=HX)
    text = response.content.decode()
    assert response.status_code == status
    assert text.startswith('<div id="tf-alerts" hx-swap-oob="beforeend">')
    assert "<html" not in text


def test_wrong_input_with_htmx_returns_the_form_to_its_own_place(client):
    response = client.post("/act/", {"text": "x" * 300}, headers=HX)
    text = response.content.decode()
    assert response.status_code == 422
    assert response["HX-Retarget"] == "#say"
    assert response["HX-Reswap"] == "outerHTML"
    assert 'aria-invalid="true"' in text
    assert "x" * 300 in text
    assert "<html" not in text


def test_what_a_service_refuses_stands_beside_the_field_it_named(client):
    text = client.post("/act/invalid/", {"text": "hm"}).content.decode()
    assert '<p class="tf-err">' in text
    assert "Say more." in text
    assert "And this." in text


def test_a_stale_version_brings_the_current_one(client):
    response = client.post("/act/stale/", {"text": "mine"}, headers=HX)
    assert response.status_code == 412
    assert "mine" in response.content.decode()


def test_limits_say_when_to_come_back(client):
    for headers in ({}, HX):
        assert client.post("/act/limit/", {"text": "x"}, headers=headers)["Retry-After"] == "30"


def test_a_refused_try_stays_counted(client, settings):
    for _ in range(2):
        assert client.post("/limited/", {"text": "x"}).status_code == 303
    assert client.post("/limited/", {"text": "kept"}).status_code == 429
    assert client.post("/limited/", {"text": "kept"}, headers=HX).status_code == 429


def test_wrong_input_costs_no_try(client):
    for _ in range(4):
        assert client.post("/limited/", {"text": ""}).status_code == 422


def test_strangers_are_sent_to_sign_in_and_back(client):
    response = client.post(
        "/no-form/sign-in/", headers={"Referer": "http://testserver/threads/abc/?a=1"}
    )
    assert response.status_code == 302
    assert response["Location"] == "/login/?next=/threads/abc/%3Fa%3D1"
    response = client.post("/no-form/sign-in/", headers=HX)
    assert response.status_code == 401
    assert response["HX-Redirect"] == "/login/?next=/threads/abc/%3Fsort%3Dnew"


def test_an_ended_session_does_not_cost_the_text(client):
    response = client.post("/act/sign-in/", {"text": "an hour of work"})
    assert response.status_code == 401
    text = response.content.decode()
    assert "an hour of work" in text
    assert "/login/?next=" in text


@pytest.mark.parametrize("error", ["not-allowed", "not-found", "gone", "limit", "unavailable"])
def test_a_page_that_fails_explains_itself(client, error):
    response = client.get(f"/broken/{error}/")
    assert response.status_code in (403, 404, 410, 429, 503)
    text = response.content.decode()
    assert "<h1" in text
    assert 'content="noindex"' in text or response.status_code == 503


def test_the_true_state_comes_back_with_the_refusal(ada):
    response = ada.post("/vote/?refuse=1", {"value": "1"}, headers=HX)
    text = response.content.decode()
    assert response.status_code == 403
    assert 'id="vote-one"' in text
    assert "This thread is locked." in text


@pytest.mark.parametrize("bad", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"])
def test_unsafe_next_is_never_followed(ada, bad):
    assert ada.post("/vote/", {"value": "1", "next": bad})["Location"] == "/#vote-one"
    text = ada.get("/page/", {"next": bad}).content.decode()
    assert f'"{bad}"' not in text


def test_back_leads_to_next_then_to_the_referer_then_home(ada):
    assert ada.post("/vote/", {"value": "1", "next": "/x/"})["Location"] == "/x/#vote-one"
    came = {"Referer": "http://testserver/y/?p=2#frag"}
    assert ada.post("/vote/", {"value": "1"}, headers=came)["Location"] == "/y/?p=2#vote-one"
    away = {"Referer": "https://elsewhere.example/y/"}
    assert ada.post("/vote/", {"value": "1"}, headers=away)["Location"] == "/#vote-one"


def test_a_form_page_is_a_page_and_a_dialog(client):
    page = client.get("/page/").content.decode()
    dialog = client.get("/page/?part=dialog").content.decode()
    assert "<html" in page
    assert "<h1>Report this</h1>" in page
    assert "<html" not in dialog
    assert 'id="tf-dialog-h"' in dialog
    assert 'name="text"' in dialog


def test_parts_have_urls_and_headers_change_nothing(client):
    assert client.get("/?part=more").content.decode().strip() == "<p>More</p>"
    assert "<html" in client.get("/", headers=HX).content.decode()
    assert client.get("/?part=nothing").status_code == 404


def test_a_form_page_goes_on_when_htmx_sent_it(client):
    response = client.post("/page/", {"text": "spam"}, headers=HX)
    assert response["HX-Redirect"] == "/"
    at_home = {**HX, "HX-Current-URL": "http://testserver/"}
    assert client.post("/page/", {"text": "spam"}, headers=at_home)["HX-Refresh"] == "true"


def test_signed_in_pages_are_private(ada):
    response = ada.get("/")
    assert "no-store" in response["Cache-Control"]
    assert "private" in response["Cache-Control"]


def test_a_page_needs_neither_our_middleware_nor_context_processors(client, settings):
    settings.MIDDLEWARE = []
    settings.TEMPLATES = [
        {
            **settings.TEMPLATES[0],
            "OPTIONS": {**settings.TEMPLATES[0]["OPTIONS"], "context_processors": []},
        }
    ]
    response = client.get("/")
    assert response.status_code == 200
    assert "Sign in" in response.content.decode()


def test_a_host_base_with_two_blocks_is_enough(client, settings):
    settings.THREADFLOW_CORE = {
        **settings.THREADFLOW_CORE,
        "BASE_TEMPLATE": "ui_site/host_base.html",
    }
    text = client.get("/").content.decode()
    assert "Host header" in text
    assert "tf-core.js" in text
    assert 'id="tf-toasts"' in text
    assert "tf-top-in" not in text


def test_theme_is_chosen_without_scripts_and_without_an_account(client):
    response = client.post("/threadflow/appearance/", {"theme": "dark", "next": "/"})
    assert response.status_code == 303
    assert client.cookies["tf_theme"].value == "dark"
    assert client.cookies["tf_theme"]["httponly"]
    assert 'data-tf-theme="dark"' in client.get("/").content.decode()
    client.post("/threadflow/appearance/", {"density": "compact"})
    assert client.cookies["tf_theme"].value == "dark"
    client.post("/threadflow/appearance/", {"theme": ""})
    assert client.cookies["tf_theme"].value == ""


def test_a_made_up_theme_cookie_is_ignored(client):
    client.cookies["tf_theme"] = '"><script>'
    assert "<script>" not in client.get("/").content.decode()


def test_preview_is_the_published_renderer(ada):
    hx = ada.post("/threadflow/preview/", {"text": "**bold** <script>x</script>"}, headers=HX)
    assert "<strong>bold</strong>" in hx.content.decode()
    assert "<script>" not in hx.content.decode()
    sent = {"body": "*a*", "tf_field": "body", "tf_action": "/reply/", "title": "Kept title"}
    page = ada.post("/threadflow/preview/", sent).content.decode()
    assert "<em>a</em>" in page
    assert 'action="/reply/"' in page
    assert "Kept title" in page
    assert (
        ada.post("/threadflow/preview/", {**sent, "tf_action": "https://evil.example/"}).status_code
        == 404
    )


def test_preview_is_for_members(client):
    assert client.post("/threadflow/preview/", {"text": "x"}).status_code == 302


def test_the_component_page_is_for_staff_and_developers(ada, settings):
    assert ada.get("/threadflow/styleguide/").status_code == 404
    settings.DEBUG = True
    assert ada.get("/threadflow/styleguide/").status_code == 200


def test_the_keyboard_page_lists_the_map(client):
    text = client.get("/threadflow/keyboard/").content.decode()
    assert "<h1>Shortcuts</h1>" in text
    assert "<kbd>j</kbd>" in text


def test_a_form_page_refuses_within_the_form(client):
    response = client.post("/page/?raise=limit", {"text": "kept"}, headers=HX)
    text = response.content.decode()
    assert response.status_code == 429
    assert response["HX-Retarget"] == "#report"
    assert "kept" in text
    assert 'role="alert"' in text
    assert "tf-alerts" not in text
