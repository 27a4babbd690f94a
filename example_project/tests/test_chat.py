"""Rooms in two real browsers: the same talk in both, also after a cut; and without scripts."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest

from .browser import Watch, browser_path
from .test_walk import open_page, sign_in

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not browser_path(), reason="no Chromium on this machine"),
]
ROOM = "/chat/of/sub/breadmaking/"
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}


def slow(*values: Any, id: str) -> Any:
    return pytest.param(*values, marks=pytest.mark.slow, id=id)


def enter(page: Any, name: str, room: str = ROOM) -> Any:
    """Sign in and wait until the room is followed."""
    sign_in(page, name)
    page.goto(room)
    page.wait_for_selector("#tf-log[data-tf-epoch]")
    return page


def say(page: Any, text: str) -> None:
    page.fill("#tf-say-text", text)
    page.click(".tf-send")


def said(page: Any, mark: str) -> list[str]:
    texts = page.locator("#tf-log article .tf-prose").all_inner_texts()
    return [text.strip() for text in texts if text.startswith(mark)]


def line(page: Any, text: str) -> Any:
    return page.locator("#tf-log article", has_text=text).last


@pytest.mark.parametrize(
    ("count", "second"),
    [(10, PHONE), slow(100, DESKTOP, id="100"), slow(100, PHONE, id="100 on a phone")],
)
def test_two_people_talk_in_turns(
    chromium: Any,
    address: str,
    count: int,
    second: dict[str, int],
) -> None:
    ada = enter(open_page(chromium, address, viewport=DESKTOP), "ada")
    mod = enter(open_page(chromium, address, viewport=second), "mod")
    watches = [Watch(ada, address), Watch(mod, address)]
    mark = f"turn{count}-{second['width']}:"
    for number in range(count):
        writer, reader = (ada, mod) if number % 2 == 0 else (mod, ada)
        say(writer, f"{mark} {number}")
        reader.wait_for_selector(f"#tf-log article >> text=/^{mark} {number}$/")
        writer.wait_for_selector(f"#tf-log article[data-mno] >> text=/^{mark} {number}$/")
        writer.wait_for_timeout(1_050)  # as fast as anybody may write
    wanted = [f"{mark} {number}" for number in range(count)]
    assert said(ada, mark) == said(mod, mark) == wanted
    assert ada.locator(".tf-m--sent").count() == mod.locator(".tf-m--sent").count() == 0
    assert [text for watch in watches for text in watch.found] == []


@pytest.mark.parametrize(
    ("count", "seconds", "reader"),
    [(5, 0, DESKTOP), slow(20, 30, DESKTOP, id="30 s"), slow(20, 30, PHONE, id="30 s on a phone")],
)
def test_what_was_said_during_a_cut_arrives_once(
    chromium: Any,
    address: str,
    count: int,
    seconds: int,
    reader: dict[str, int],
) -> None:
    """The reader's socket is cut; the page catches up by itself."""
    mod = enter(open_page(chromium, address), "mod")
    page = open_page(chromium, address, viewport=reader)
    page.add_init_script(CUT)
    ada = enter(page, "ada")
    mark = f"cut{count}-{reader['width']}:"
    ada.evaluate("tfCut()")
    began = time.monotonic()
    for number in range(count):
        say(mod, f"{mark} {number}")
        mod.wait_for_selector(f"#tf-log article[data-mno] >> text=/^{mark} {number}$/")
        mod.wait_for_timeout(1_050)
    mod.wait_for_timeout(max(0, seconds - time.monotonic() + began) * 1000)
    assert said(ada, mark) == []
    ada.evaluate("tfMend()")
    last = count - 1
    ada.wait_for_selector(f"#tf-log article >> text=/^{mark} {last}$/", timeout=60_000)
    wanted = [f"{mark} {number}" for number in range(count)]
    assert said(ada, mark) == said(mod, mark) == wanted


#: Lets a test cut the page's socket and keep new ones from being opened.
CUT = """
(() => {
  const Real = WebSocket, open = [];
  let cut = false;
  window.WebSocket = class extends Real {
    constructor(...given) { super(...given); open.push(this); if (cut) this.close(); }
  };
  window.tfCut = () => { cut = true; open.forEach((socket) => socket.close()); };
  window.tfMend = () => { cut = false; };
})();
"""


@pytest.mark.slow
def test_reactions_answers_edits_and_deletions_are_seen(chromium: Any, address: str) -> None:
    ada = enter(open_page(chromium, address, viewport={"width": 1280, "height": 900}), "ada")
    mod = enter(open_page(chromium, address), "mod")
    say(mod, "look: a loaf")
    line(ada, "look: a loaf").wait_for()
    tools = line(ada, "look: a loaf").locator(".tf-m-tools a")
    line(ada, "look: a loaf").hover()
    tools.nth(0).click()
    ada.locator("dialog[open] .tf-chat-emoji button").first.click()
    line(mod, "look: a loaf").locator(".tf-react").wait_for()
    line(ada, "look: a loaf").hover()
    tools.nth(1).click()
    say(ada, "look: an answer")
    line(mod, "look: an answer").locator(".tf-m-re b", has_text="mod").wait_for()
    act(ada, "look: an answer", "Edit")
    ada.fill("dialog[open] textarea", "look: another answer")
    ada.click("dialog[open] .tf-btn--p")
    line(mod, "look: another answer").wait_for()
    act(ada, "look: another answer", "Delete")
    mod.wait_for_selector("#tf-log .tf-m--gone")
    assert mod.locator("#tf-log", has_text="look: another answer").count() == 0


def days(page: Any) -> list[str]:
    found: list[str] = page.locator("#tf-log [data-tf-day]").all_inner_texts()
    return found


def test_a_day_begins_once_and_reads_alike_after_a_reload(chromium: Any, address: str) -> None:
    """Nobody has said anything in this group today; what is sent stands below one rule."""
    page = open_page(chromium, address, viewport=DESKTOP, timezone_id="UTC")
    sign_in(page, "ada")
    page.goto("/chat/")
    page.click('[data-tf-room] >> text="Bake-along planning"')
    page.wait_for_selector("#tf-log[data-tf-epoch]")
    watch, before = Watch(page, address), days(page)
    for n in range(3):
        say(page, f"today {n}")
    page.locator("#tf-log article[data-mno]", has_text="today 2").wait_for()
    assert said(page, "today") == ["today 0", "today 1", "today 2"]
    after = days(page)
    assert len(after) == len(before) + 1 and after[:-1] == before
    first = page.locator("#tf-log [data-tf-day]").last.locator("+ article")
    assert "today 0" in first.inner_text()
    page.reload()
    assert days(page) == after
    assert watch.found == []
    page.context.close()


def act(page: Any, text: str, name: str) -> None:
    page.wait_for_selector("#tf-dialog:not([open])", state="attached")
    line(page, text).hover()
    line(page, text).locator(".tf-m-tools a").nth(2).click()
    page.locator("dialog[open] .tf-menu").get_by_text(name, exact=True).click()


def test_a_room_works_without_scripts(chromium: Any, address: str) -> None:
    page = open_page(chromium, address, java_script_enabled=False)
    sign_in(page, "ada")
    page.goto(ROOM)
    say(page, "plain: hello")
    page.wait_for_url(re.compile("#m-"))
    own = page.locator("#" + str(line(page, "plain: hello").get_attribute("id")))
    assert own.is_visible()
    own.hover()
    own.locator(".tf-m-tools a").nth(1).click()
    page.wait_for_url(re.compile("reply="))
    say(page, "plain: again")
    page.wait_for_url(re.compile("/#m-"))
    assert line(page, "plain: again").locator(".tf-m-re").is_visible()
    page.goto(str(own.locator(".tf-m-tools a").nth(2).get_attribute("href")))
    page.get_by_role("button", name="Delete").click()
    page.wait_for_url(re.compile("around="))
    assert page.locator("#tf-log .tf-m--gone").count() > 0
    assert page.locator("#tf-log article", has_text="plain: hello").all_inner_texts() == []
    say(page, "")
    page.locator(".tf-form").wait_for()  # refused, and nothing is lost
