"""Premium from the first payment to the last day, in a real browser against the local Stripe."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .browser import EXAMPLE, browser_path, demo, free_port
from .test_walk import open_page, sign_in

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not browser_path(), reason="no Chromium on this machine"),
]
DAY = 86_400
ROOM = "/chat/of/sub/breadmaking/"


class Shop:
    """The demo and its Stripe."""

    def __init__(self, address: str, stripe: str, var: Path) -> None:
        self.address, self.stripe, self.var = address, stripe, var

    def later(self, page: Any, days: float) -> None:
        """Move the clock of the local Stripe; what is due there happens."""
        answer = page.request.post(f"{self.stripe}/_local/clock", data={"advance": int(days * DAY)})
        assert answer.ok, answer.text()

    def manage(self, *command: str) -> str:
        """A command of the site, in a process of its own."""
        env = {k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "REDIS_URL")}
        env |= {
            "THREADFLOW_VAR": str(self.var),
            "DJANGO_SETTINGS_MODULE": "threadflow_site.settings",
        }
        env["LOCAL_STRIPE_PORT"] = self.stripe.rsplit(":", 1)[1]
        done = subprocess.run(
            [sys.executable, "manage.py", *command],
            cwd=EXAMPLE,
            env=env,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def shop(demo_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    var, port = tmp_path_factory.mktemp("shop"), free_port()
    shutil.copytree(demo_data, var, dirs_exist_ok=True)
    with demo(var, port) as address:
        yield Shop(address, f"http://127.0.0.1:{port}", var)


def choose(page: Any, shop: Shop, interval: str) -> None:
    """From the page of plans to Stripe's."""
    page.goto(f"/premium/?per={interval}")
    page.get_by_role("button", name="Choose Premium").click()
    page.wait_for_url(f"{shop.stripe}/pay/**")


def pay(page: Any, card: str) -> None:
    page.fill("[name=card]", card)
    page.fill("[name=month]", "12")
    page.fill("[name=year]", "2040")
    page.locator("form button", has_text=re.compile("Subscribe|Pay")).first.click()


def wait_for_text(page: Any, path: str, text: str | re.Pattern[str]) -> str:
    """Look at a page until it says something: the site hears of Stripe by webhook and job."""
    wanted = re.compile(re.escape(text), re.I) if isinstance(text, str) else text
    for _turn in range(120):
        page.goto(path)
        if found := wanted.search(page.locator("main").inner_text()):
            return found[0]
        page.wait_for_timeout(500)
    raise AssertionError(f"{path} never said {text!r}: {page.locator('main').inner_text()}")


def test_from_the_first_payment_to_the_last_day(chromium: Any, shop: Shop) -> None:
    page = open_page(chromium, shop.address, reduced_motion="reduce")
    sign_in(page, "bo")
    assert page.goto(ROOM).status == 403
    assert page.get_by_text("Live chat is part of Premium").is_visible()

    choose(page, shop, "month")
    pay(page, "4000 0000 0000 0002")
    page.locator("#card-error", has_text="declined").wait_for()  # and stays on the page
    pay(page, "4242 4242 4242 4242")
    page.wait_for_url(f"{shop.address}/premium/checkout/**")
    page.get_by_text("Premium is yours").wait_for()
    page.goto(ROOM)
    page.wait_for_selector("#tf-log")

    shop.later(page, 31.1)
    wait_for_invoices(page, 2)
    page.goto(ROOM)
    page.wait_for_selector("#tf-log")

    change_card(page, shop, "4000 0000 0000 0341")
    shop.later(page, 31.1)
    wait_for_text(page, "/premium/manage/", "payment")
    page.goto(ROOM)
    page.wait_for_selector("#tf-log")  # grace
    page.goto("/premium/manage/")  # an open room would move on by itself when the right ends
    shop.later(page, 8)
    for _turn in range(120):
        if page.request.get(ROOM).status == 403:
            break
        page.wait_for_timeout(500)
    assert page.goto(ROOM).status == 403
    assert page.get_by_text("Live chat is part of Premium").is_visible()

    page.goto("/premium/history/")
    told = page.locator("main").inner_text()
    for word in ("active", "past", "premium"):
        assert word in told.lower(), told
    assert shop.manage("billing_audit_ledger")


def wait_for_invoices(page: Any, count: int) -> None:
    for _turn in range(120):
        page.goto("/premium/invoices/")
        if page.locator("main tbody tr").count() >= count:
            return
        page.wait_for_timeout(500)
    raise AssertionError(page.locator("main").inner_text())


def change_card(page: Any, shop: Shop, card: str) -> None:
    page.goto("/premium/manage/")
    page.get_by_role("button", name="Change the card").click()
    page.wait_for_url(f"{shop.stripe}/portal/**")
    page.fill("[name=card]", card)
    with page.expect_navigation():
        page.locator("form button").first.click()
    page.goto("/premium/manage/")


@pytest.mark.slow
def test_a_gift_is_bought_and_redeemed(chromium: Any, shop: Shop) -> None:
    giver = open_page(chromium, shop.address, reduced_motion="reduce")
    sign_in(giver, "ada")
    giver.goto("/premium/gifts/buy/")
    giver.locator("main form [type=radio]").first.check()
    giver.locator("main form button.tf-btn--p").click()
    giver.wait_for_url(f"{shop.stripe}/pay/**")
    pay(giver, "4242 4242 4242 4242")
    giver.wait_for_url(f"{shop.address}/premium/checkout/**")
    code = wait_for_text(giver, "/premium/gifts/", re.compile(r"\b[A-Z0-9]{5}(?:-[A-Z0-9]{5})+\b"))

    taker = open_page(chromium, shop.address, reduced_motion="reduce")
    sign_in(taker, "admin")
    taker.goto("/premium/gifts/redeem/")
    taker.fill("[name=code]", code)
    taker.locator("main form button.tf-btn--p").click()
    taker.wait_for_load_state()
    wait_for_text(taker, "/premium/manage/", "Premium")
    thief = open_page(chromium, shop.address, reduced_motion="reduce")
    sign_in(thief, "mod")
    thief.goto("/premium/gifts/redeem/")
    thief.fill("[name=code]", code)
    thief.locator("main form button.tf-btn--p").click()
    thief.locator("main [aria-invalid=true], main .tf-note--bad").first.wait_for()
