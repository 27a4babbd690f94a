"""What may be shared and what may not, and the policy on every page."""

from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model

from tests import ui_site
from threadflow_core.middleware import header, policy

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.ui_site")]


@pytest.fixture(autouse=True)
def _site(settings):
    settings.LOGIN_URL = "/login/"
    settings.TEMPLATES = ui_site.templates(settings.TEMPLATES)
    settings.MIDDLEWARE = [
        "threadflow_core.middleware.ContentSecurityPolicy",
        "threadflow_core.middleware.AnonymousPages",
        *settings.MIDDLEWARE,
    ]


def test_a_page_for_nobody_may_be_shared_and_costs_no_query(client, django_assert_num_queries):
    with django_assert_num_queries(0):
        response = client.get("/")
    assert response["Cache-Control"] == "public, max-age=60"
    assert "Cookie" in response["Vary"]
    assert not response.cookies
    assert "csrfmiddlewaretoken" not in response.content.decode()


@pytest.mark.parametrize(
    "name", ["sessionid", "csrftoken", "django_language", "messages", "tf_theme", "tf_density"]
)
def test_a_cookie_that_changes_a_page_makes_it_private(client, name):
    client.cookies[name] = "dark"
    assert "no-store" in client.get("/")["Cache-Control"]


def test_signed_in_pages_are_private(client):
    client.force_login(get_user_model().objects.create_user("ada"))
    response = client.get("/")
    assert response["Cache-Control"] == "private, no-store"
    assert "ada" in response.content.decode()


def test_a_form_sets_its_cookie_and_is_not_shared(client):
    response = client.get("/page/")
    assert "csrftoken" in response.cookies
    assert "no-store" in response["Cache-Control"]


@pytest.mark.parametrize("path", ["/cookie/", "/broken/not-found/", "/broken/limit/"])
def test_cookies_and_errors_are_never_shared(client, path):
    assert "public" not in client.get(path)["Cache-Control"]


def test_posts_and_tokens_are_never_shared(client):
    assert "public" not in client.post("/act/", {"text": "x"})["Cache-Control"]
    assert "public" not in client.get("/", headers={"Authorization": "Bearer x"})["Cache-Control"]


def test_data_is_left_alone(client):
    assert "Cache-Control" not in client.get("/data/").headers
    assert "Content-Security-Policy" not in client.get("/data/").headers


def test_the_age_is_a_setting(client, settings):
    settings.THREADFLOW_CORE = {**settings.THREADFLOW_CORE, "PAGE_MAX_AGE": 5}
    assert client.get("/")["Cache-Control"] == "public, max-age=5"


def test_the_policy_is_on_every_page_and_can_be_widened(client, settings):
    assert client.get("/")["Content-Security-Policy"] == header()
    assert "default-src 'none'" in header()
    assert "unsafe" not in header()
    settings.THREADFLOW_CORE = {
        **settings.THREADFLOW_CORE,
        "CSP": {"img-src": ["'self'", "https://media.example.org"], "font-src": []},
    }
    assert policy()["img-src"] == ["'self'", "https://media.example.org"]
    assert "font-src" not in client.get("/")["Content-Security-Policy"]
