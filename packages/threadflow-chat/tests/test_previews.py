"""Cards of linked pages, and calls."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser

from threadflow_chat.services import calling, previews
from threadflow_core.exceptions import NotFound, SignInRequired
from threadflow_core.jobs.models import OutboxEvent


class Page:
    """A page on this machine that messages link to."""

    def __init__(self, body: bytes, content_type: str = "text/html") -> None:
        import threading
        from http.server import BaseHTTPRequestHandler, HTTPServer

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", content_type)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                """Say nothing."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


def test_cards_of_linked_pages_arrive_late(room, say, fresh):
    page = Page(
        b"<title>Loaves &amp; more</title><meta property='og:description' content='Bread\x00'>"
    )
    url = f"http://127.0.0.1:{page.port}/"
    message = say(room, f"Look: {url}")
    permit = frozenset({("127.0.0.1", page.port)})
    assert previews.enrich(str(message.pk), unsafe_permit=permit) == 1
    (card,) = fresh(message).previews
    assert (card["title"], card["description"], card["url"]) == ("Loaves & more", "Bread", url)
    assert previews.enrich(str(message.pk), unsafe_permit=permit) == 0
    page.server.shutdown()


@pytest.mark.django_db(transaction=True)
def test_only_texts_with_links_have_a_job_for_cards(room, say, settings):
    settings.THREADFLOW_CORE = {**settings.THREADFLOW_CORE, "JOBS_DRIVER": "worker"}
    say(room, "No link, @ada")
    handlers = OutboxEvent.objects.values_list("handler", flat=True)
    assert "chat.previews" not in set(handlers.all()) and "chat.mentions" in set(handlers.all())
    say(room, "A link: https://example.org/")
    assert list(handlers.all()).count("chat.previews") == 1


def test_private_addresses_are_never_fetched(room, say, fresh):
    page = Page(b"<title>Inside</title>")
    message = say(room, f"Look: http://127.0.0.1:{page.port}/")
    assert previews.enrich(str(message.pk)) == 0
    assert fresh(message).previews == []
    page.server.shutdown()


def test_a_call_has_one_link_for_those_who_write(room, ada, bo, settings):
    with pytest.raises(NotFound):
        calling.join_call(person=ada, room=room)
    settings.THREADFLOW_CHAT = {"CALLS": "threadflow_chat.calls.JitsiCalls"}
    link = calling.join_call(person=ada, room=room).url
    assert link == calling.join_call(person=bo, room=room).url
    assert link.startswith("https://meet.jit.si/threadflow-") and str(room.pk) not in link
    with pytest.raises(SignInRequired):
        calling.join_call(person=AnonymousUser(), room=room)
