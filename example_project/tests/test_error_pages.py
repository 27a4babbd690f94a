"""Errors look like the site, too, and small things that browsers ask for are there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.test import AsyncClient, Client

FONTS = 130 * 1024


@pytest.mark.django_db
def test_nothing_here(client: Client) -> None:
    answer = client.get("/nothing/here/")
    assert answer.status_code == 404 and b"This thread leads nowhere" in answer.content
    assert b"tf-top" in answer.content and "Content-Security-Policy" in answer.headers


@pytest.mark.django_db
def test_a_form_without_its_token_is_asked_for_again(nora: Any) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(nora, backend="django.contrib.auth.backends.ModelBackend")
    answer = strict.post("/accounts/logout/")
    assert answer.status_code == 403 and b"Please send that again" in answer.content
    assert b"tf-top" in answer.content


@pytest.mark.django_db
def test_not_open_to_you(person: Any, signed_in: Any) -> None:
    answer = signed_in(person("nora", password=None)).get("/accounts/reauthenticate/")
    assert answer.status_code == 403 and b"This is not open to you" in answer.content


def test_a_name_that_is_not_ours(client: Client) -> None:
    answer = client.get("/", headers={"host": "evil.example"})
    assert answer.status_code == 400 and b"That request made no sense" in answer.content


@pytest.mark.django_db
def test_a_bug_has_a_page_without_details(client: Client, monkeypatch: Any) -> None:
    from threadflow_forum.views import feeds

    monkeypatch.setattr(feeds.AllView, "get_context", lambda self: 1 / 0)
    client.raise_request_exception = False
    answer = client.get("/all/")
    assert answer.status_code == 500 and b"We dropped a stitch" in answer.content
    assert b"ZeroDivisionError" not in answer.content


def test_the_icon_is_found_where_browsers_look_first(client: Client) -> None:
    answer = client.get("/favicon.ico")
    assert answer.status_code == 302 and finders.find(answer.url.removeprefix("/static/"))


async def read(path: str, **headers: str) -> Any:
    return await AsyncClient().get(path, headers=headers)


@pytest.mark.filterwarnings("error")
def test_files_are_served_under_asgi_without_streams(recwarn: Any) -> None:
    from asgiref.sync import async_to_sync

    whole = async_to_sync(read)("/static/site/site.css")
    assert whole.status_code == 200 and not whole.streaming
    assert whole.headers["Content-Type"].startswith("text/css")
    assert whole.content == Path(str(finders.find("site/site.css"))).read_bytes()
    part = async_to_sync(read)("/static/site/site.css", range="bytes=0-9")
    assert part.status_code == 206 and part.content == whole.content[:10]
    same = async_to_sync(read)(
        "/static/site/site.css", **{"if-modified-since": whole.headers["Last-Modified"]}
    )
    assert same.status_code == 304 and same.content == b""


def test_the_fonts_are_the_sites_own_light_and_licensed(client: Client) -> None:
    folder = Path(settings.BASE_DIR) / "static/site/fonts"
    fonts = sorted(folder.glob("*.woff2"))
    assert len(fonts) == 2 and sum(font.stat().st_size for font in fonts) <= FONTS
    css = Path(str(finders.find("site/site.css"))).read_text()
    for font in fonts:
        assert font.name in css
        name = font.name.split("-latin")[0]
        assert "SIL Open Font License" in (folder / f"LICENSE-{name}.txt").read_text()
    assert css.count("font-display: swap") == 2 and css.count("size-adjust") == 4
    assert (
        "http" not in css.replace("https://", "").replace("http://", "") or 'url("http' not in css
    )
