from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth import get_user_model
from django.core import mail
from django.db import connection
from django.test import Client

from threadflow_forum.services import subs

from .browser import FLAGS, browser_path, demo, prepare

PASSWORD = "a long enough pass phrase"


def pytest_collection_modifyitems(items: list[Any]) -> None:
    if connection.vendor != "postgresql":
        for item in items:
            if item.get_closest_marker("postgres"):
                item.add_marker(pytest.mark.skip(reason="needs PostgreSQL: set DATABASE_URL"))


@pytest.fixture(scope="session")
def demo_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the demo's data, to be copied: making it takes longer than most tests."""
    folder = tmp_path_factory.mktemp("demo-data")
    made = prepare(folder)
    assert made.returncode == 0, made.stderr
    return folder


@pytest.fixture(scope="module")
def address(demo_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A demo that is served for one module, with the demo's data."""
    folder = tmp_path_factory.mktemp("demo")
    shutil.copytree(demo_data, folder, dirs_exist_ok=True)
    with demo(folder) as found:
        yield found


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """For one module: as long as it runs, its event loop keeps others from the database."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path(), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def person(db: None) -> Callable[..., Any]:
    """Makes people with an address: `person("nora", verified=False)`."""

    def make(name: str, *, verified: bool = True, password: str | None = PASSWORD) -> Any:
        user = get_user_model().objects.create_user(name, f"{name}@mail.example", password)
        EmailAddress.objects.create(user=user, email=user.email, verified=verified, primary=True)
        return user

    return make


@pytest.fixture
def nora(person: Callable[..., Any]) -> Any:
    return person("nora")


@pytest.fixture
def sub(person: Callable[..., Any]) -> Any:
    return subs.open_sub(founder=person("keeper"), slug="baking", title="Baking")


@pytest.fixture
def code() -> Callable[[], str]:
    """The six digits of the newest mail."""

    def newest() -> str:
        found = re.search(r"^(\d{6})$", str(mail.outbox[-1].body), re.MULTILINE)
        assert found, mail.outbox[-1].body
        return found[1]

    return newest


@pytest.fixture
def signed_in() -> Callable[[Any], Client]:
    def make(user: Any) -> Client:
        client = Client()
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        return client

    return make
