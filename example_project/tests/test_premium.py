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
        """Move the clock of the demo: what is due happens at Stripe and here, in its order."""
        answer = page.request.post(
            f"{self.stripe}/_local/clock", data={"advance": int(days * DAY)}, timeout=120_000
        )
        assert answer.ok, answer.text()

    def mails(self, page: Any, subject: str) -> int:
        """How many with this subject lie in the outbox of the demo."""
        page.goto("/dev/outbox/")
        return int(page.get_by_text(subject, exact=True).count())

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
    buy(page, shop)
    open_room(page)
    told(page, "Payment", "waiting for payment", "paid", "Stripe")
    told(page, "Access", "–", "Premium", "Stripe")

    shop.later(page, 31.1)
    wait_for_invoices(page, 2)
    open_room(page)

    give_back(chromium, shop, "Asked for it on the phone")
    told(page, "Refund", "under way", "done", "staff")
    told(page, "Payment", "paid", "refunded", "staff")
    page.goto("/premium/invoices/")
    assert "refunded" in page.locator("main tbody tr").first.inner_text()
    open_room(page)  # the money went back; the subscription runs, and so does its access
    books = shop.manage("billing_audit_ledger", "--stripe")
    assert re.search(r"^refunds +eur +480$", books, re.M), books

    change_card(page, shop, "4000 0000 0000 0341")
    # Stripe goes on trying for three weeks; our grace of a week ends first.
    page.request.post(f"{shop.stripe}/_local/settings", data={"dunning_days": [3, 5, 21]})
    shop.later(page, 31.1)
    wait_for_text(page, "/premium/manage/", "The last payment failed")
    told(page, "Subscription", "active", "payment is past due", "Stripe")
    assert shop.mails(page, "Your payment did not go through") == 1
    open_room(page)  # grace
    shop.later(page, 5)
    assert shop.mails(page, "Your payment did not go through") == 3  # days 0, 3 and 5
    open_room(page)
    shop.later(page, 3)
    assert shop.mails(page, "Your access ends soon") == 1
    closed(page)
    told(page, "Access", "open", "ended", "the system")
    wait_for_text(page, "/premium/manage/", "The last payment failed")
    shop.later(page, 21)
    told(page, "Subscription", "payment is past due", "ended", "Stripe")
    wait_for_text(page, "/premium/manage/", "You have no paid plan")
    assert "The books are right." in shop.manage("billing_audit_ledger", "--stripe")


def buy(page: Any, shop: Shop) -> None:
    """A declined card first, which stays on the page; then one that works."""
    choose(page, shop, "month")
    pay(page, "4000 0000 0000 0002")
    page.locator("#card-error", has_text="declined").wait_for()
    pay(page, "4242 4242 4242 4242")
    page.wait_for_url(f"{shop.address}/premium/checkout/**")
    page.get_by_text("Premium is yours").wait_for()


def open_room(page: Any) -> None:
    """The room opens. It is left again: an open one moves on by itself when its right ends."""
    page.goto(ROOM)
    page.wait_for_selector("#tf-log")
    page.goto("/premium/manage/")


def closed(page: Any) -> None:
    """The room says, within seconds, that it is part of Premium."""
    for _turn in range(120):
        if page.request.get(ROOM).status == 403:
            break
        page.wait_for_timeout(500)
    assert page.goto(ROOM).status == 403
    assert page.get_by_text("Live chat is part of Premium").is_visible()


def told(page: Any, *cells: str) -> None:
    """The history has a step with these words, within seconds."""
    for _turn in range(120):
        page.goto("/premium/history/")
        rows = page.locator("main tbody tr").all_inner_texts()
        if any([part.strip() for part in row.split("\t")][1:] == list(cells) for row in rows):
            return
        page.wait_for_timeout(500)
    raise AssertionError(f"{cells} not in {rows}")


def give_back(chromium: Any, shop: Shop, reason: str) -> None:
    """Staff refunds the newest payment in the admin, and finds the refund in the ledger there."""
    admin = open_page(chromium, shop.address, reduced_motion="reduce")
    sign_in(admin, "admin")
    admin.goto("/admin/threadflow_billing/paymentorder/")
    admin.locator("#result_list tbody th a").first.click()
    admin.locator(".object-tools").get_by_text("Refund").click()
    assert "€4.80 of this payment can be given back" in admin.locator("#content").inner_text()
    admin.fill("[name=reason]", reason)
    admin.get_by_role("button", name="Refund").click()
    admin.get_by_text("Stripe is being asked.").wait_for()
    for _turn in range(120):
        admin.goto("/admin/threadflow_billing/refund/")
        if "done" in admin.locator("#result_list tbody tr").first.inner_text():
            break
        admin.wait_for_timeout(500)
    assert reason in admin.locator("#result_list tbody tr").first.inner_text()
    admin.goto("/admin/threadflow_billing/ledgertransaction/")
    newest = admin.locator("#result_list tbody tr", has_text="refund:re_").first.inner_text()
    assert "refunds €4.80" in newest and "stripe_balance −€4.80" in newest, newest
    admin.goto("/admin/threadflow_billing/transition/")
    steps = admin.locator("#result_list tbody tr", has_text=reason).first.inner_text()
    assert "admin" in steps, steps
    admin.context.close()


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
    told(giver, "Payment", "waiting for payment", "paid", "Stripe")
    told(giver, "Gift", "can be redeemed", "redeemed", "staff")  # who took it is of the staff
    wait_for_text(taker, "/premium/history/", "Premium until")
    books = shop.manage("billing_audit_ledger", "--stripe")
    assert re.search(r"^gift_liability +eur +0$", books, re.M), books
    assert "The books are right." in books
