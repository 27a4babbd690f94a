"""The walk of a newcomer, in a real browser, with scripts and without."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .browser import WAIT, Watch, browser_path, code_for, demo, until

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not browser_path(), reason="no Chromium on this machine"),
]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """As a newcomer finds it: nothing is prepared."""
    with demo(Path(tmp_path_factory.mktemp("demo"))) as found:
        yield found


def open_page(chromium: Any, address: str, **options: Any) -> Any:
    context = chromium.new_context(base_url=address, **options)
    context.set_default_timeout(WAIT)
    return context.new_page()


def sign_up(page: Any, address: str, name: str) -> None:
    """Make an account with a code from the outbox instead of a password."""
    page.goto("/accounts/signup/")
    page.fill("[name=username]", name)
    page.fill("[name=email]", f"{name}@mail.example")
    page.click("main form:has([name=username]) button:not([type=button])")
    page.wait_for_selector("[name=code]")
    page.fill("[name=code]", code_for(address, f"{name}@mail.example"))
    page.click("main form:has([name=code]) button:not([type=button])")
    page.wait_for_load_state()


def sign_in(page: Any, name: str) -> None:
    page.goto("/accounts/login/")
    page.fill("[name=login]", name)
    page.fill("[name=password]", "threadflow")
    page.click("main form:has([name=password]) button:not([type=button])")
    page.wait_for_url("**/")


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_a_newcomer_takes_part(chromium: Any, address: str, scripts: bool) -> None:
    page = open_page(chromium, address, java_script_enabled=scripts)
    watch = Watch(page, address)
    name = f"newcomer_{secrets.token_hex(3)}"
    sign_up(page, address, name)

    page.goto("/s/breadmaking/")
    page.click("#join-breadmaking")
    page.wait_for_selector("#join-breadmaking[aria-pressed=true]")

    page.goto("/s/breadmaking/submit/")
    page.fill("[name=title]", f"First loaf of {name}")
    page.fill("[name=body]", "It is **flat**. What now?")
    page.click("main form:has([name=title]) button:has-text('Post')")
    page.wait_for_url("**/threads/**")
    thread = page.url
    assert page.locator(".tf-prose strong").inner_text() == "flat"

    write(page, thread, scripts, None, "Patience is an ingredient")
    first = page.locator("li.tf-c", has_text="Patience is an ingredient").first
    write(page, thread, scripts, first.get_attribute("id"), "How much of it?")
    second = page.locator("li.tf-c li.tf-c", has_text="How much of it?").first
    write(page, thread, scripts, second.get_attribute("id"), "A day, mostly")
    page.goto(thread)
    assert page.locator("li.tf-c li.tf-c li.tf-c", has_text="A day, mostly").count() == 1

    vote_on_something_else(page, scripts)
    edit_delete_and_undo(page, thread, scripts)
    sign_out(page, scripts)
    assert watch.found == []


def write(page: Any, thread: str, scripts: bool, below: str | None, text: str) -> None:
    page.goto(thread)
    if below is None:
        page.click("#comment-line")
    else:
        page.click(f"#{below} > article > details > .tf-c-main .tf-acts a:has-text('Reply')")
    page.fill("form.tf-comp textarea", text)
    page.click("form.tf-comp .tf-comp-f button")
    page.wait_for_selector(f"li.tf-c .tf-c-body:has-text('{text}')")
    if scripts:
        page.wait_for_selector("li.tf-c > article:focus")


def vote_on_something_else(page: Any, scripts: bool) -> None:
    page.goto("/all/?sort=new")
    row = page.locator("li[data-tf-item]:has(.tf-vote--v button.tf-up)").first
    box = f"#{row.get_attribute('id')} .tf-vote--v"
    before = page.locator(f"{box} [data-tf-score]").get_attribute("data-tf-score")
    with page.expect_response(lambda answer: "/-/vote/" in answer.url):
        page.click(f"{box} .tf-up")
    page.wait_for_selector(f"{box} .tf-up[aria-pressed=true]")
    if scripts:
        assert "tf-up" in page.evaluate("document.activeElement.className")
    page.goto("/all/?sort=new")
    page.wait_for_selector(f"{box} .tf-up[aria-pressed=true]")
    after = page.locator(f"{box} [data-tf-score]").get_attribute("data-tf-score")
    assert int(after) == int(before) + 1


def edit_delete_and_undo(page: Any, thread: str, scripts: bool) -> None:
    page.goto(thread)
    last = page.locator("li.tf-c", has_text="A day, mostly").last
    identity = str(last.get_attribute("id"))
    menu = f"#{identity} > article > details > .tf-c-main .tf-acts a[aria-label^='More']"
    page.click(menu)
    page.click(f"{'#tf-dialog' if scripts else 'main'} a:has-text('Edit')")
    page.fill("form textarea[name=body]", "Two days, mostly")
    page.click("form:has(textarea[name=body]) button:has-text('Save')")
    page.wait_for_selector(".tf-c-body:has-text('Two days, mostly')")
    page.goto(thread)
    page.click(menu)
    if scripts:
        page.click("#tf-dialog button:has-text('Delete')")
        page.wait_for_selector(f"#{identity}:has-text('Deleted by the author')")
        page.click(".tf-toast button:has-text('Undo')")
    else:
        page.click("main button:has-text('Delete')")
        page.wait_for_load_state()
        assert "Deleted by the author" in page.inner_text("main")
        page.goto(f"/comments/{identity.removeprefix('c-')}/-/undelete/")
        page.click("main form button:not([type=button])")
    page.wait_for_selector(".tf-c-body:has-text('Two days, mostly')")


def sign_out(page: Any, scripts: bool) -> None:
    page.goto("/")
    if scripts:
        page.click("[popovertarget=tf-me]")
        page.click("#tf-me button:has-text('Sign out')")
    else:
        page.goto("/accounts/logout/")
        page.click("main form button")
    page.wait_for_load_state()
    page.goto("/")
    assert page.locator("a:has-text('Sign in')").count() >= 1


def test_two_browsers_see_each_other(chromium: Any, address: str) -> None:
    ada, bo = open_page(chromium, address), open_page(chromium, address)
    sign_in(ada, "ada")
    sign_in(bo, "bo")
    ada.goto("/s/breadmaking/")
    thread = ada.locator(".tf-row-t a").first.get_attribute("href")
    frames: list[str] = []
    ada.on(
        "websocket", lambda socket: socket.on("framereceived", lambda frame: frames.append(frame))
    )
    ada.goto(thread)
    until(ada, lambda: any('"subd"' in str(frame) for frame in frames), "the live topic")
    ada.evaluate("window.scrollTo(0, 300)")
    before = ada.evaluate("window.scrollY")
    write(bo, f"{address}{thread}", True, None, "Hello from the other window")
    pill = ada.locator("[data-tf-new='comment.new']")
    pill.locator("a").wait_for(state="visible")
    assert "1 new comment" in pill.inner_text()
    assert ada.evaluate("window.scrollY") == before
    assert ada.locator("text=Hello from the other window").count() == 0
    pill.locator("a").click()
    ada.wait_for_selector(".tf-c-body:has-text('Hello from the other window')")
