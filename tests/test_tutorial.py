"""The pages that a newcomer types off work as they are printed."""

from __future__ import annotations

import shutil

import pytest

from .walkthrough import Walk


@pytest.fixture(scope="module")
def clubhouse(tmp_path_factory):
    """The site that the quickstart makes."""
    walk = Walk(tmp_path_factory.mktemp("clubhouse"))
    walk.follow("quickstart.md")
    return walk


@pytest.fixture
def walk(clubhouse, tmp_path):
    """A copy of it, in which another page is followed."""
    shutil.copytree(clubhouse.folder, tmp_path, dirs_exist_ok=True)
    return Walk(tmp_path)


def test_the_quickstart_makes_a_forum(clubhouse):
    assert "python manage.py runserver" in clubhouse.ran
    assert clubhouse.ran[-1] == "python manage.py test"


@pytest.mark.parametrize("page", ["customising.md", "jobs.md", "api.md"])
def test_a_page_that_goes_on_from_the_quickstart(walk, page):
    walk.follow(page)
    assert any(command.startswith("python manage.py test") for command in walk.ran)


def test_live_updates_come_with_channels(walk):
    walk.follow("live.md")
    assert '"op":"welcome"' in walk.welcome


def test_a_replaced_model_takes_over(tmp_path):
    walk = Walk(tmp_path)
    walk.follow("replacing-models.md")
    assert "python manage.py test club" in walk.ran
