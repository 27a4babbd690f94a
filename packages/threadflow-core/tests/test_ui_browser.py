"""The shell in Chromium under the strict policy, with scripts and without."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import pytest

pytestmark = pytest.mark.browser

CHROMIUM = os.environ.get("BROWSER_PATH") or shutil.which("chromium") or ""
HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    if not CHROMIUM:
        if "browser" in os.environ.get("REQUIRE", ""):
            pytest.fail("REQUIRE names a browser, and there is none")
        pytest.skip("no Chromium on this machine")
    api = pytest.importorskip("playwright.sync_api")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of the site, a process with a database of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    env = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.ui_settings",
        "UI_DATABASE": str(tmp_path_factory.mktemp("ui") / "db.sqlite3"),
        "PYTHONPATH": str(HERE.parent),
    }
    django = [sys.executable, "-m", "django"]
    subprocess.run([*django, "migrate", "-v0"], env=env, check=True)
    server = subprocess.Popen(
        [*django, "runserver", address, "--noreload", "--insecure"],
        env=env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    end = time.monotonic() + 120
    while True:
        try:
            urlopen(f"http://{address}/state/").read()
            break
        except (URLError, ConnectionError):
            assert time.monotonic() < end, "the site did not start"
            time.sleep(0.1)
    yield f"http://{address}"
    server.kill()
    server.wait()


@pytest.fixture
def votes(site: str) -> Any:
    """`votes()` is what the server holds; it starts at 41 points and no vote of ours."""
    urlopen(f"{site}/state/?reset=1").read()
    return lambda: json.load(urlopen(f"{site}/state/"))


@pytest.fixture
def page(chromium, site, votes):
    """A page signed in as ada; the test fails on any script error or policy report."""
    context = chromium.new_context(base_url=site)
    page = context.new_page()
    troubles: list[str] = []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("console", lambda m: troubles.append(m.text) if "Content Security" in m.text else None)
    page.goto("/as/ada/")
    page.goto("/")
    yield page
    context.close()
    assert not troubles


@pytest.fixture
def plain(chromium, site, votes):
    """The same without scripts."""
    context = chromium.new_context(base_url=site, java_script_enabled=False)
    page = context.new_page()
    page.goto("/as/ada/")
    page.goto("/")
    yield page
    context.close()


def test_a_button_of_the_actions_form_sends_the_token_and_its_value(page):
    with page.expect_request("**/vote/") as caught:
        page.click("#up-one")
    body = caught.value.post_data
    assert "csrfmiddlewaretoken=" in body
    assert body.count("value=") == 1
    assert "value=1" in body
    page.wait_for_selector("#up-one[aria-pressed=true]")
    assert page.inner_text("#vote-one [data-tf-score]") == "42"
    assert page.evaluate("document.activeElement.id") == "up-one"


def test_the_same_button_works_without_scripts(plain):
    plain.click("#up-one")
    plain.wait_for_url("**/#vote-one")
    assert plain.get_attribute("#up-one", "aria-pressed") == "true"
    assert plain.inner_text("#vote-one > span") == "42"
    plain.click("#up-one")
    assert plain.get_attribute("#up-one", "aria-pressed") == "false"


def test_a_vote_is_painted_before_the_answer(page, votes):
    page.evaluate("document.querySelector('#up-one').setAttribute('hx-post', '/vote/?sleep=1')")
    page.evaluate("htmx.process(document.querySelector('#vote-one'), true)")
    with page.expect_response("**/vote/**"):  # waited for, lest it lands in the next test
        page.click("#up-one")
        assert page.get_attribute("#up-one", "aria-pressed") == "true"
        assert page.inner_text("#vote-one [data-tf-score]") == "42"
        assert votes()["value"] == 0


def test_fast_clicking_ends_at_the_truth(page, votes):
    for _ in range(5):
        page.click("#up-one")
    page.wait_for_timeout(800)
    assert votes()["value"] == int(page.get_attribute("#up-one", "aria-pressed") == "true")
    assert page.inner_text("#vote-one [data-tf-score]") == str(votes()["score"])


def test_a_refused_vote_goes_back_and_says_why(page):
    page.evaluate("document.querySelector('#up-one').setAttribute('hx-post', '/vote/?refuse=1')")
    page.evaluate("htmx.process(document.querySelector('#vote-one'), true)")
    page.click("#up-one")
    page.wait_for_selector("#tf-alerts .tf-toast")
    assert "locked" in page.inner_text("#tf-alerts")
    assert page.get_attribute("#up-one", "aria-pressed") == "false"
    assert page.inner_text("#vote-one [data-tf-score]") == "41"


def test_a_dead_line_restores_the_vote(page):
    page.context.set_offline(True)
    page.click("#dn-one")
    page.wait_for_selector("#tf-alerts .tf-toast")
    assert page.get_attribute("#dn-one", "aria-pressed") == "false"
    assert page.inner_text("#vote-one [data-tf-score]") == "41"


def test_an_error_page_never_lands_in_a_control(page):
    page.click("#bug")
    page.wait_for_selector("#tf-alerts .tf-toast")
    assert page.inner_text("#bug") == "Bug"


def test_toasts_go_by_themselves_and_wait_for_the_reader(page):
    page.clock.install()
    page.click("#bug")
    page.wait_for_selector("#tf-alerts .tf-toast")
    page.hover("#tf-alerts .tf-toast")
    page.clock.run_for(9000)
    assert page.locator("#tf-alerts .tf-toast").count() == 1
    page.mouse.move(5, 5)
    page.clock.run_for(9000)
    assert page.locator("#tf-alerts .tf-toast").count() == 0


def test_a_dialog_is_a_page_and_gives_the_focus_back(page):
    page.focus("#report-link")
    page.keyboard.press("Enter")
    page.wait_for_selector("#tf-dialog[open] textarea")
    assert "Report this" in page.inner_text("#tf-dialog")
    page.keyboard.press("Escape")
    page.wait_for_selector("#tf-dialog:not([open])", state="attached")
    assert page.evaluate("document.activeElement.id") == "report-link"


def test_a_refused_dialog_keeps_the_text(page):
    page.click("#report-link")
    page.fill("#tf-dialog textarea", "x" * 300)
    page.evaluate("document.querySelector('#tf-dialog textarea').removeAttribute('maxlength')")
    page.fill("#tf-dialog textarea", "x" * 300)
    page.click("#tf-dialog .tf-btn--p")
    page.wait_for_selector("#tf-dialog .tf-errsum")
    assert page.input_value("#tf-dialog textarea") == "x" * 300
    assert page.evaluate("document.activeElement.className") == "tf-errsum"


def test_the_dialog_link_is_a_page_without_scripts(plain):
    plain.click("#report-link")
    assert plain.inner_text("h1") == "Report this"
    plain.fill("textarea", "spam")
    plain.click(".tf-btn--p >> text=Send")
    assert "Thank you." in plain.inner_text("main")


def test_keys_walk_and_act_on_the_current_item(page):
    page.keyboard.press("j")
    page.keyboard.press("j")
    assert page.evaluate("document.querySelector('.tf-cur').id") == "c-2"
    page.keyboard.press("k")
    assert page.evaluate("document.querySelector('.tf-cur').id") == "c-1"
    page.keyboard.press("x")
    assert page.evaluate("document.querySelector('#c-1 details').open") is False
    page.keyboard.press("n")
    assert page.evaluate("document.querySelector('.tf-cur').id") == "c-3"
    page.keyboard.press("r")
    page.wait_for_selector("#tf-dialog[open]")
    assert "n=3" in page.get_attribute("#tf-dialog form", "action")


def test_keys_rest_while_one_writes_and_can_be_off(page):
    page.click("#new-text")
    page.keyboard.type("jkra?")
    assert page.input_value("#new-text") == "jkra?"
    assert page.locator(".tf-cur").count() == 0
    page.evaluate("document.activeElement.blur()")
    page.evaluate("document.documentElement.dataset.tfKeys = 'off'")
    page.keyboard.press("j")
    assert page.locator(".tf-cur").count() == 0


def test_chords_and_the_help_that_knows_the_page(page):
    page.keyboard.press("?")
    page.wait_for_selector("#tf-dialog[open] kbd")
    assert "Upvote" in page.inner_text("#tf-dialog")
    page.keyboard.press("Escape")
    page.goto("/page/")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("g")
    page.keyboard.press("h")
    page.wait_for_url("**/")


def test_folds_are_remembered_and_an_address_unfolds(page):
    page.focus("#c-2 summary")
    page.keyboard.press("Enter")
    page.wait_for_timeout(50)
    page.reload()
    assert page.evaluate("document.querySelector('#c-2 details').open") is False
    page.goto("/#deep-2")
    page.reload()
    assert page.evaluate("document.querySelector('#c-2 details').open") is True


def test_writing_survives_a_reload_until_it_is_sent(page):
    page.fill("#new-text", "half a thought")
    page.wait_for_selector("[data-tf-draft-state]:not(:empty)")
    page.reload()
    assert page.input_value("#new-text") == "half a thought"
    page.keyboard.press("Tab")
    page.focus("#new-text")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("#said-one")
    assert page.input_value("#new-text") == ""
    assert "half a thought" in page.inner_text("#said-one")
    assert page.evaluate("document.activeElement.closest('#said-one') !== null")
    page.reload()
    assert page.input_value("#new-text") == ""


def test_preview_shows_the_real_renderer(page):
    page.fill("#new-text", "**bold**")
    page.click("#new-p")
    page.wait_for_selector("#new-preview strong")
    assert not page.is_visible("#new-text")
    page.keyboard.press("ArrowLeft")
    assert page.is_visible("#new-text")


def test_preview_without_scripts_leads_on(plain):
    plain.fill("#new-text", "*soft*")
    plain.click("text=Preview")
    assert plain.inner_text("main em") == "soft"
    assert plain.input_value("textarea") == "*soft*"


def test_formatting_wraps_the_selection(page):
    page.fill("#new-text", "word")
    page.select_text("#new-text") if hasattr(page, "select_text") else page.locator(
        "#new-text"
    ).select_text()
    page.click("[data-tf-md='**']")
    assert page.input_value("#new-text") == "**word**"


def frame(page, **fields) -> None:
    page.evaluate(
        "f => document.querySelector('[data-tf-topic]').dispatchEvent(new CustomEvent('tf:frame', {bubbles: true, detail: f}))",
        fields,
    )


def test_the_pill_counts_others_and_moves_nothing(page):
    frame(page, op="comment.new", id="x1", author="ada")
    frame(page, op="comment.scored", id="x1")
    page.wait_for_timeout(50)
    assert not page.is_visible("[data-tf-new]")
    top = page.evaluate("document.querySelector('#said').getBoundingClientRect().top")
    frame(page, op="comment.new", id="x2", author="bo")
    frame(page, op="comment.new", id="x2", author="bo")
    page.wait_for_selector("[data-tf-new]:not([hidden])", state="attached")
    assert page.inner_text("[data-tf-new-text]") == "1 new comment"
    assert page.evaluate("document.querySelector('#said').getBoundingClientRect().top") == top


def test_there_is_one_status_and_one_alert(page):
    frame(page, op="comment.new", id="x2", author="bo")
    assert page.locator("[role=status]").count() == 1
    assert page.locator("[role=alert]").count() == 1


def test_controls_that_need_scripts_are_absent_without(plain):
    assert not plain.is_visible("[data-tf-md='**']")
    assert plain.is_visible("text=Preview")


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_nothing_scrolls_sideways(page, width):
    page.goto("/as/admin/")
    page.set_viewport_size({"width": width, "height": 800})
    for path in (
        "/",
        "/page/",
        "/threadflow/styleguide/",
        "/threadflow/appearance/",
        "/threadflow/keyboard/",
    ):
        page.goto(path)
        for way in ("ltr", "rtl"):
            page.evaluate("way => { document.documentElement.dir = way }", way)
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (path, way)


def test_the_theme_is_there_at_the_first_paint(page):
    page.goto("/threadflow/appearance/")
    page.check("input[name=theme][value=dark]")
    page.click("#tf-appearance .tf-btn--p")
    page.goto("/")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 22, 26)"
