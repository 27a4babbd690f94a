"""tf-live.js in a real browser under a strict policy: receive, lose the server, resume."""

from __future__ import annotations

import os
import shutil
import signal
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.request import urlopen

import pytest
from django.db import connections

from threadflow_core.jobs.models import Leader, OutboxEvent

from .drill import topics
from .drill.models import Entry

CHROMIUM = os.environ.get("BROWSER_PATH") or shutil.which("chromium") or ""

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def serve(process: Any, eventually: Any) -> Callable[..., Any]:
    """Start the site on a port, without Redis; positions are compared often."""

    def start(port: int, **core: Any) -> Any:
        args = ("-m", "uvicorn", "tests.asgi:application", "--port", str(port))
        core = {"REALTIME_POSITION_SECONDS": 0.3, **core}
        running = process(*args, "--log-level", "warning", core=core)

        def listens() -> bool:
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", port)) == 0

        eventually(listens, 120, "the server")
        return running

    return start


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def apart() -> Iterator[Callable[..., Any]]:
    """Run database work outside of the thread in which the browser's event loop lives."""
    with ThreadPoolExecutor(1) as pool:
        yield lambda function, *args: pool.submit(function, *args).result()
        pool.submit(connections.close_all).result()


@pytest.mark.browser
def test_a_page_shows_each_frame_once_though_the_server_goes_away(
    serve: Any, port: int, apart: Any
) -> None:
    if not CHROMIUM:
        if "browser" in os.environ.get("REQUIRE", ""):
            pytest.fail("REQUIRE names a browser, and there is none")
        pytest.skip("no Chromium on this machine")
    api = pytest.importorskip("playwright.sync_api")
    apart(topics.write, "page", "before the page")
    server = serve(port)
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        problems: list[str] = []
        page.on("console", lambda line: problems.append(line.text) if line.type == "error" else 0)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto(f"http://127.0.0.1:{port}/drill/live/")
        items = page.locator("#log li")
        api.expect(page.locator("#log")).to_have_attribute("data-state", "connected")
        note, _ = apart(topics.write, "page", "one")
        api.expect(items).to_have_text(["one"])
        assert problems == []

        # The client tries again at once and often: its failures must not put off what it says.
        page.evaluate("Math.random = () => 0")
        server.send_signal(signal.SIGKILL)
        server.wait()
        api.expect(page.locator("#strip")).to_be_visible()
        apart(topics.write, "page", "two")
        apart(topics.hide, note)
        serve(port)
        page.evaluate("dispatchEvent(new Event('online'))")
        api.expect(items).to_have_text(["one", "two", "gone"])
        api.expect(page.locator("#strip")).to_be_hidden()
        apart(topics.write, "page", "three")
        api.expect(items).to_have_text(["one", "two", "gone", "three"])
        assert page.locator("#log").get_attribute("data-tf-seq") == "5"
        assert page.locator("#log").get_attribute("data-reset") is None
        refused = [text for text in problems if "Content Security Policy" in text]
        assert refused == []
        browser.close()


def test_a_server_with_embedded_jobs_runs_them_and_stops_cleanly(
    serve: Any, port: int, eventually: Any
) -> None:
    server = serve(port, JOBS_DRIVER="thread")
    eventually(lambda: Leader.objects.filter(name="thread").exists())
    with urlopen(f"http://127.0.0.1:{port}/drill/emit/?number=1") as answer:
        assert answer.read() == b"ok"
    eventually(lambda: Entry.objects.filter(handler="atomic", number=1).exists())
    server.send_signal(signal.SIGTERM)
    assert server.wait(60) in (0, -signal.SIGTERM)
    assert not Leader.objects.exists()
    assert not OutboxEvent.objects.filter(state="leased").exists()
