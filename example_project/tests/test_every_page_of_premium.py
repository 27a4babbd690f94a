"""Every page of premium, for everybody it may concern: axe, policy, no sideways scroll."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .browser import EXAMPLE, Watch, browser_path, demo, environment
from .test_every_page import TOURS, axe, looked_at, turn  # noqa: F401 - a fixture

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not browser_path(), reason="no Chromium on this machine"),
]
GUEST = ["/premium/", "/premium/?per=month", "/premium/?feature=chat.live"]
#: Where the pictures go, for people to look at; empty: none are made.
PICTURES = os.environ.get("PICTURES", "")


class Members:
    """The demo with somebody in every state of premium."""

    def __init__(self, address: str, found: dict[str, Any]) -> None:
        self.address, self.found = address, found


@pytest.fixture(scope="module")
def members(demo_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Members]:
    var = tmp_path_factory.mktemp("members")
    shutil.copytree(demo_data, var, dirs_exist_ok=True)
    with demo(var) as address:
        made = subprocess.run(
            [sys.executable, "manage.py", "shell", "--no-imports", "-c",
             "from tests.premium_states import load; load()"],
            cwd=EXAMPLE, env=environment(var), capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        assert made.returncode == 0, made.stderr
        yield Members(address, json.loads(made.stdout))


def rooms(members: Members) -> Iterator[tuple[str, str, list[str]]]:
    """(who, their session, the pages they look at)."""
    yield "guest", "", GUEST
    for who, found in members.found.items():
        pages = [name if name[:1] == "/" else f"/premium/{name}" for name in found["pages"]]
        yield who, found["session"], pages


@pytest.mark.parametrize("looks", TOURS)
def test_pages(
    chromium: Any,
    members: Members,
    axe: str,  # noqa: F811
    looks: list[tuple[int, str]],
) -> None:
    wrong: list[str] = []
    for who, session, pages in rooms(members):
        context = chromium.new_context(base_url=members.address, reduced_motion="reduce")
        if session:
            cookie = {"name": "sessionid", "value": session, "url": members.address}
            context.add_cookies([cookie])
        page = context.new_page()
        watch = Watch(page, members.address)
        for path in pages:
            turn(page, looks[0])
            status = page.goto(path).status
            if status != 200:
                wrong.append(f"{who} {path}: {status}")
            # The frame of the admin is Django's; what must hold there is the policy.
            if not path.startswith("/admin/"):
                wrong.extend(f"{who} {path} {text}" for text in looked_at(page, looks, axe))
            if PICTURES:
                pictures(page, f"{who}{path.split('?')[0].replace('/', '_')[-40:]}", looks)
        wrong.extend(f"{who}: {text}" for text in watch.found)
        context.close()
    assert not wrong, "\n".join(wrong)


def pictures(page: Any, name: str, looks: list[tuple[int, str]]) -> None:
    for width, theme in looks:
        turn(page, (width, theme))
        page.screenshot(path=f"{PICTURES}/{name}{width}-{theme}.png", full_page=True)
