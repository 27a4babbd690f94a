"""Every page, as a guest, a member and a moderator: axe, policy, no sideways scroll, weight."""

from __future__ import annotations

import gzip
import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .browser import Watch, browser_path
from .test_walk import sign_in

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not browser_path(), reason="no Chromium on this machine"),
]

LOOKS = [(width, theme) for width in (320, 390, 1280) for theme in ("light", "dark")]
#: By default a page is loaded once, for a phone, and looked at again when its window has grown and
#: gone dark; the slow tours load each page for each look.
TOURS = [
    pytest.param([(390, "light"), (1280, "dark")], id="once"),
    *(
        pytest.param([(width, theme)], id=f"{width}-{theme}", marks=pytest.mark.slow)
        for width, theme in LOOKS
    ),
]
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

GUEST = [
    "/", "/all/?sort=top&window=week", "/subs/", "/s/breadmaking/", "{thread}", "{comment}",
    "/s/breadmaking/mod/log/", "/u/ada/", "/threads/nothing/here/", "{thread}-menu",
    "/accounts/login/", "/accounts/signup/", "/accounts/login/code/", "/accounts/password/reset/",
    "/threadflow/appearance/", "/threadflow/keyboard/", "/dev/outbox/",
]  # fmt: skip
MEMBER = [
    "/", "/all/", "/saved/", "/submit/", "/s/breadmaking/", "/s/breadmaking/submit/", "/subs/new/",
    "{thread}", "{comment}", "{reply}", "/u/bo/?tab=comments", "/accounts/email/",
    "/accounts/password/change/", "/accounts/logout/", "/accounts/sessions/",
    "/chat/", "/chat/new/", "/chat/search/?q=oven", "/chat/of/sub/breadmaking/",
]  # fmt: skip
MODERATOR = [
    "/s/breadmaking/mod/people/", "/s/breadmaking/mod/ban/", "/s/breadmaking/mod/settings/",
    "{remove}", "{lock}",
]  # fmt: skip


@pytest.fixture(scope="module")
def axe() -> str:
    import axe_playwright_python

    return (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()


@pytest.fixture(scope="module")
def places(address: str) -> dict[str, str]:
    """Addresses of real things, found over the API as any client would."""
    api = f"{address}/api/v1"
    feed = json.load(urllib.request.urlopen(f"{api}/subs/breadmaking/threads/?sort=top"))
    thread = max(feed["results"], key=lambda t: (not t["locked"], t["comment_count"]))
    comments = json.load(urllib.request.urlopen(f"{api}/threads/{thread['id']}/comments/"))
    comment = max(comments["results"], key=lambda c: c["depth"])
    return {
        "{thread}": thread["url"],
        "{thread}-menu": f"/threads/{thread['id']}/-/menu/",
        "{comment}": comment["url"],
        "{reply}": f"/comments/{comment['id']}/-/reply/",
        "{remove}": f"/comments/{comment['id']}/-/remove/",
        "{lock}": f"/threads/{thread['id']}/-/lock/",
    }


@pytest.fixture(scope="module", params=[None, "ada", "mod"], ids=["guest", "ada", "mod"])
def visitor(request: Any, chromium: Any, address: str) -> tuple[Any, list[str]]:
    """A signed-in (or not) browser context's state, and the pages to look at with it."""
    state, rooms = None, []
    if request.param:
        context = chromium.new_context(base_url=address)
        page = context.new_page()
        sign_in(page, request.param)
        page.goto("/chat/of/sub/breadmaking/")
        room = page.url.removeprefix(address)
        rooms = [f"{room}{part}" for part in ("members/", "pins/", "search/?q=soup")]
        rooms += [f"{room}-/level/"] if request.param == "ada" else [f"{room}-/settings/"]
        state = context.storage_state()
        context.close()
    pages = {None: GUEST, "ada": MEMBER, "mod": MODERATOR}[request.param]
    return state, [*pages, *rooms]


@pytest.mark.parametrize("looks", TOURS)
def test_pages(
    chromium: Any,
    address: str,
    places: dict[str, str],
    axe: str,
    visitor: tuple[Any, list[str]],
    looks: list[tuple[int, str]],
) -> None:
    state, pages = visitor
    context = chromium.new_context(base_url=address, storage_state=state, reduced_motion="reduce")
    page = context.new_page()
    watch = Watch(page, address)
    wrong: list[str] = []
    for name in pages:
        path = places.get(name, name)
        turn(page, looks[0])
        status = page.goto(path).status
        if status != (404 if "nothing" in path else 200):
            wrong.append(f"{path}: {status}")
        for role in ("status", "alert"):
            count = page.locator(f"[role={role}]").count()
            if count != 1:
                wrong.append(f"{path}: {count} regions of role {role}")
        wrong.extend(f"{path} {text}" for text in looked_at(page, looks, axe))
    wrong.extend(watch.found)
    context.close()
    assert wrong == []


def turn(page: Any, look: tuple[int, str]) -> None:
    width, theme = look
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=theme)


def looked_at(page: Any, looks: list[tuple[int, str]], axe: str) -> Iterator[str]:
    """What is wrong with the open page in each of these looks."""
    page.evaluate(axe)
    for look in looks:
        turn(page, look)
        sideways = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        if sideways > 0:
            yield f"{look}: {sideways} px wider than the window"
        yield from (f"{look}: {text}" for text in violations(page))


def violations(page: Any) -> list[str]:
    options = {"runOnly": {"type": "tag", "values": RULES}, "resultTypes": ["violations"]}
    found = page.evaluate("options => axe.run(document, options)", options)["violations"]
    return [f"{v['id']}: {n['html'][:120]}" for v in found for n in v["nodes"][:3]]


@pytest.mark.parametrize(("name", "most"), [("/", 30_000), ("{thread}", 30_000)])
def test_pages_are_light(address: str, places: dict[str, str], name: str, most: int) -> None:
    html = urllib.request.urlopen(address + places.get(name, name)).read()
    assert len(gzip.compress(html, 9)) <= most
