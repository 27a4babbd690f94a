"""Who is in a room, as open pages show it: faces that come and go, the bell, and the erased."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .browser import EXAMPLE, Watch, browser_path, demo, environment, until
from .test_chat import DESKTOP, ROOM, act, enter, line, said, say
from .test_walk import open_page, sign_in

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not browser_path(), reason="no Chromium on this machine"),
]


@pytest.fixture(scope="module")
def folder(demo_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the demo of this module keeps its data."""
    made = tmp_path_factory.mktemp("demo")
    shutil.copytree(demo_data, made, dirs_exist_ok=True)
    return made


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    with demo(folder) as found:
        yield found


@pytest.fixture
def desk(chromium: Any, address: str) -> Iterator[Any]:
    """Opens pages of a desktop's width; they are closed after the test, so nobody stays here."""
    made: list[Any] = []

    def page(**options: Any) -> Any:
        made.append(open_page(chromium, address, viewport=DESKTOP, **options))
        return made[-1]

    yield page
    for one in made:
        one.context.close()


def wait_for_label(page: Any, text: str) -> None:
    page.locator(f'[data-tf-here][aria-label="{text}"]').wait_for()


def faces(page: Any) -> list[str]:
    found: list[str] = page.locator("[data-tf-face]").evaluate_all(
        "all => all.map((one) => one.dataset.tfFace)"
    )
    return found


def wait_for_faces(page: Any, *wanted: str) -> None:
    """Whoever was in the room in the test before is told of as gone a little later."""
    until(page, lambda: faces(page) == list(wanted), f"the faces {wanted}")


def me(page: Any) -> str:
    return str(page.locator("#tf-log").get_attribute("data-tf-me"))


def dot(page: Any, who: str) -> Any:
    return page.locator(f'[data-tf-user="{who}"] .tf-pres:not(.tf-pres--off)')


def test_faces_come_and_go_with_people(desk: Any, address: str) -> None:
    mod = enter(desk(), "mod")
    watch = Watch(mod, address)
    wait_for_faces(mod, me(mod))
    wait_for_label(mod, "1 person here")
    ada = enter(desk(), "ada")
    # Who was there before has a face for who comes, too; oneself is the last.
    wait_for_faces(ada, me(mod), me(ada))
    wait_for_faces(mod, me(ada), me(mod))
    wait_for_label(ada, "2 people here")
    wait_for_label(mod, "2 people here")
    dot(mod, me(ada)).wait_for()
    assert mod.locator("[data-tf-here-n]").inner_text() == "2"
    gone = me(ada)
    ada.context.close()
    wait_for_faces(mod, me(mod))
    wait_for_label(mod, "1 person here")
    assert dot(mod, gone).count() == 0
    assert watch.found == []


def test_a_page_begins_with_who_is_there_also_without_scripts(desk: Any) -> None:
    ada = enter(desk(), "ada")
    wait_for_faces(ada, me(ada))
    plain = desk(java_script_enabled=False)
    sign_in(plain, "mod")
    plain.goto(ROOM)
    assert plain.locator("[data-tf-here]").get_attribute("aria-label") == "1 person here"
    assert faces(plain) == [me(ada)]
    plain.click("[data-tf-here]")
    plain.wait_for_url("**/members/")


def test_what_is_pinned_shows_on_pages_that_are_open(desk: Any, address: str) -> None:
    mod, ada = enter(desk(), "mod"), enter(desk(), "ada")
    watch = Watch(ada, address)
    say(mod, "pins: the agenda")
    mod.locator("#tf-log article[data-mno]", has_text="pins: the agenda").wait_for()
    act(mod, "pins: the agenda", "Pin")
    for page in (ada, mod):
        page.locator(".tf-pin", has_text="pins: the agenda").wait_for()
    act(mod, "pins: the agenda", "Edit")
    mod.fill("dialog[open] textarea", "pins: another agenda")
    mod.click("dialog[open] .tf-btn--p")
    ada.locator(".tf-pin", has_text="pins: another agenda").wait_for()
    act(mod, "pins: another agenda", "Unpin")
    ada.locator(".tf-pin", has_text="pins: another agenda").wait_for(state="detached")
    assert watch.found == []


def bell(page: Any, level: str) -> Any:
    return page.locator(f'#tf-bell[data-tf-level="{level}"] #tf-bell-b')


def test_the_bell_is_changed_where_it_stands_and_in_other_tabs(desk: Any, address: str) -> None:
    page = enter(desk(), "ada")
    watch = Watch(page, address)
    other = page.context.new_page()
    other.goto(ROOM)
    other.wait_for_selector("#tf-log[data-tf-epoch]")
    bell(page, "all").click()
    page.locator("#tf-level [value=none]").click()
    bell(page, "none").wait_for()
    assert page.evaluate("document.activeElement.id") == "tf-bell-b"
    assert bell(page, "none").get_attribute("aria-label") == "Notify: nothing"
    bell(other, "none").wait_for()
    page.keyboard.press("Enter")  # by keyboard: open, to the first choice, take it
    page.locator("#tf-level").wait_for()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    bell(page, "all").wait_for()
    bell(other, "all").wait_for()
    assert watch.found == []


def test_the_bell_works_without_scripts(desk: Any) -> None:
    page = desk(java_script_enabled=False)
    sign_in(page, "mod")
    page.goto(ROOM)
    say(page, "The first message makes one a member")
    page.wait_for_url("**/#m-*")
    bell(page, "all").click()
    page.locator("#tf-level [value=mentions]").click()
    bell(page, "mentions").wait_for()
    assert bell(page, "mentions").get_attribute("aria-label") == "Notify: mentions only"


ERASE = """
from django.contrib.auth import get_user_model
from threadflow_core import privacy
privacy.erase(get_user_model().objects.get(username="{name}"))
"""


def erase(folder: Path, name: str) -> None:
    subprocess.run(
        [sys.executable, "manage.py", "shell", "-c", ERASE.format(name=name)],
        cwd=EXAMPLE, env=environment(folder), check=True, capture_output=True, timeout=120,
    )  # fmt: skip


def test_the_erased_leave_open_pages(desk: Any, address: str, folder: Path) -> None:
    """Words, quotes, name and face go from pages that are open, without a reload."""
    leaver, ada = enter(desk(), "admin"), enter(desk(), "ada")
    watch = Watch(ada, address)
    name, who = leaver.locator("#tf-log").get_attribute("data-tf-name"), me(leaver)
    say(leaver, "erased: my secret loaf")
    mark = line(ada, "erased: my secret loaf").get_attribute("id")
    ada.hover(f"#{mark}")
    ada.click(f"#{mark} [data-tf-reply]")
    say(ada, "erased: an answer")
    line(ada, "erased: an answer").locator(".tf-m-re b", has_text=str(name)).wait_for()
    ada.locator(f'[data-tf-user="{who}"]').wait_for()
    ada.locator(f'[data-tf-face="{who}"]').wait_for()
    ada.evaluate("window.tfSame = true")
    erase(folder, "admin")
    ada.locator(f"#{mark}.tf-m--gone").wait_for()
    ada.locator(f'[data-tf-face="{who}"]').wait_for(state="detached")
    ada.locator(f'[data-tf-user="{who}"]').wait_for(state="detached")
    assert said(ada, "erased: my") == []
    answer = line(ada, "erased: an answer")
    assert "loaf" not in answer.inner_text() and str(name) not in answer.inner_text()
    assert ada.evaluate("window.tfSame") is True  # this very page, not another
    assert ada.locator("#tf-log", has_text="my secret loaf").count() == 0
    assert watch.found == []


def test_the_page_of_two_is_read_anew_when_the_other_is_erased(
    desk: Any, address: str, folder: Path
) -> None:
    """It bears their name, at its top and in its title, so it is loaded again, once."""
    ada = desk()
    sign_in(ada, "ada")
    ada.goto("/chat/")
    ada.click('[data-tf-room] >> text="hanneke"')
    ada.wait_for_selector("#tf-log[data-tf-epoch][data-tf-direct]")
    watch = Watch(ada, address)
    assert "hanneke" in ada.title() and "hanneke" in ada.inner_text("h1")
    assert line(ada, "hat stand").count() == 1
    loads: list[Any] = []
    ada.on("framenavigated", lambda frame: loads.append(frame.url))
    erase(folder, "hanneke")
    ada.locator("h1", has_text="deleted").wait_for()
    ada.wait_for_selector("#tf-log[data-tf-epoch]")
    assert "hanneke" not in ada.content() and "hat stand" not in ada.content()
    assert line(ada, "Keep it until Sunday?").count() == 1  # what ada said stays
    assert ada.locator("#tf-say-text").count() == 0
    assert ada.locator("main", has_text="Nobody is there to read it any more.").count() == 1
    assert len(loads) == 1
    assert watch.found == []
