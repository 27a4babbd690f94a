"""Who may connect, what they may follow, and what happens when that changes."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.contrib.auth import logout
from django.http import HttpRequest
from django.test import Client

from threadflow_core import realtime
from threadflow_core.policies import Verdict
from threadflow_core.realtime import kinds, protocol, tickets
from threadflow_core.realtime.threads import in_thread
from threadflow_core.testing.live import LiveClient

from .drill import topics
from .drill.models import Ban

pytestmark = pytest.mark.django_db(transaction=True)


# ---------------------------------------------------------------------- rights


async def test_private_topics_are_refused_like_ones_that_do_not_exist(live_clients: Any) -> None:
    client = live_clients()
    await client.hello("drill:private-x", "nothing:here", "odd name")
    answers = [await client.get() for _ in range(3)]
    assert {(answer["op"], answer["code"]) for answer in answers} == {("err", "unknown_topic")}
    await in_thread(topics.write, "private-x", "secret")
    assert await client.nothing()


async def test_losing_a_right_ends_only_that_topic(
    live_clients: Any, ada: Any, session_of: Any
) -> None:
    client = live_clients(user=ada, session=await in_thread(session_of, ada))
    await client.hello("drill:private-x", "drill:open")
    await client.get("subd")
    await client.get("subd")

    def ban() -> None:
        Ban.objects.create(room="private-x", user_id=ada.pk)
        realtime.control(ada.pk, "recheck")

    await in_thread(ban)
    kicked = await client.get("kicked")
    assert (kicked["topic"], kicked["code"]) == ("drill:private-x", "banned")
    await in_thread(topics.write, "private-x", "secret")
    await in_thread(topics.write, "open", "fine")
    assert (await client.get())["topic"] == "drill:open"
    client.send(op="sub", topic="drill:private-x", i=3)
    assert (await client.get())["code"] == "banned"


async def test_everybody_can_be_asked_again_when_a_room_changes(
    live_clients: Any, ada: Any, session_of: Any, monkeypatch: Any
) -> None:
    stranger = live_clients()
    member = live_clients(user=ada, session=await in_thread(session_of, ada))
    for client in (stranger, member):
        await client.hello("drill:a")
        await client.get("subd")

    def close_to_strangers() -> None:
        monkeypatch.setattr(
            topics.RoomTopic,
            "may_subscribe",
            lambda self, person, key: Verdict(person.is_authenticated, "members_only", "no"),
        )
        realtime.control(None, "recheck")

    await in_thread(close_to_strangers)
    assert (await stranger.get("kicked"))["code"] == "members_only"
    await in_thread(topics.write, "a", "x")
    assert (await member.get())["op"] == "note.new"
    assert stranger.frames.empty()


async def test_rights_are_asked_again_without_any_message(
    live_clients: Any, ada: Any, session_of: Any, settings: Any
) -> None:
    settings.THREADFLOW_CORE = {"JOBS_DRIVER": "inline", "REALTIME_RECHECK_SECONDS": 0.2}
    client = live_clients(user=ada, session=await in_thread(session_of, ada))
    await client.hello("drill:private-x")
    await client.get("subd")
    await in_thread(lambda: Ban.objects.create(room="private-x", user_id=ada.pk))
    assert (await client.get("kicked"))["code"] == "banned"


async def test_signing_out_closes_the_sockets_of_that_session_only(
    live_clients: Any, ada: Any, session_of: Any
) -> None:
    here, there = await in_thread(session_of, ada), await in_thread(session_of, ada)
    laptop, phone = live_clients(user=ada, session=here), live_clients(user=ada, session=there)
    await laptop.hello()
    await phone.hello()

    def sign_out() -> None:
        request = HttpRequest()
        request.session, request.user = here, ada  # type: ignore[assignment]
        logout(request)

    await in_thread(sign_out)
    assert await laptop.code() == 4505
    phone.send(op="ping")
    assert await phone.get("pong")


async def test_a_changed_password_and_a_closed_account_reach_open_sockets(
    live_clients: Any, ada: Any, bo: Any, session_of: Any
) -> None:
    first = live_clients(user=ada, session=await in_thread(session_of, ada))
    second = live_clients(user=bo, session=await in_thread(session_of, bo))
    await first.hello()
    await second.hello()

    def change() -> None:
        ada.set_password("new")
        ada.save()
        bo.is_active = False
        bo.save()

    await in_thread(change)
    assert await first.code() == 4505
    assert await second.code() == 4503


async def test_a_deleted_account_and_a_lost_session_end_the_socket(
    live_clients: Any, ada: Any, bo: Any, session_of: Any
) -> None:
    session = await in_thread(session_of, bo)
    first = live_clients(user=ada, session=await in_thread(session_of, ada))
    second = live_clients(user=bo, session=session)
    await first.hello()
    await second.hello()
    await in_thread(ada.delete)
    assert await first.code() == 4505

    def lose() -> None:
        session.delete()
        realtime.control(bo.pk, "recheck")

    await in_thread(lose)
    assert await second.code() == 4505


async def test_an_expired_identity_is_closed_and_nothing_comes_after(
    live_clients: Any, ada: Any
) -> None:
    client = live_clients(origin=None)
    ticket = tickets.issue(ada, expires_at=time.time() + 3)
    await client.hello("drill:a", ticket=ticket)
    await client.get("subd")
    assert await client.code() == 4401
    await in_thread(topics.write, "a", "late")
    assert await client.nothing()


async def test_another_ticket_renews_the_socket(live_clients: Any, ada: Any, bo: Any) -> None:
    client = live_clients(origin=None)
    soon = tickets.issue(ada, expires_at=time.time() + 3)
    await client.hello(ticket=soon)
    later = int(time.time()) + 600
    client.send(op="auth", ticket=tickets.issue(ada, expires_at=later), i=1)
    assert await client.get("ok") == {"op": "ok", "exp": later, "i": 1}
    await asyncio.sleep(3.2)
    client.send(op="ping")
    assert await client.get("pong")
    client.send(op="auth", ticket=tickets.issue(bo, expires_at=later))
    assert await client.code() == 4500


# ---------------------------------------------------------------------- who may connect


@pytest.mark.parametrize(
    ("origin", "good"),
    [
        ("http://testserver", True),
        ("http://TestServer", True),
        ("https://testserver", True),
        ("http://testserver:81", False),
        ("http://evil.example", False),
        ("http://testserver.evil.example", False),
        ("http://evil.example/http://testserver", False),
        ("https://app.friend.example", True),
        ("http://app.friend.example", False),
        ("https://friend.example", True),
        ("null", False),
        ("", False),
        ("file://", False),
    ],
)
async def test_pages_of_other_sites_are_refused_before_the_socket_opens(
    live_clients: Any, settings: Any, origin: str, good: bool
) -> None:
    settings.THREADFLOW_CORE = {"REALTIME_ORIGINS": ("https://*.friend.example",)}
    client = await live_clients(origin=origin).open()
    assert (client.accepted is not None) is good
    assert client.closed.done() is not good


async def test_without_an_origin_cookies_count_for_nothing(
    live_clients: Any, ada: Any, session_of: Any
) -> None:
    session = await in_thread(session_of, ada)
    client = live_clients(user=ada, session=session, origin=None)
    assert (await client.hello("drill:private-x"))["user"] is None
    assert (await client.get())["code"] == "unknown_topic"


async def test_the_cookie_is_read_without_a_middleware_and_checked(
    live_clients: Any, ada: Any, session_of: Any
) -> None:
    key = (await in_thread(session_of, ada)).session_key

    def with_cookie(cookie: str) -> LiveClient:
        client = live_clients()
        del client.scope["user"], client.scope["session"]
        client.scope["headers"].append((b"cookie", cookie.encode()))
        return client

    name = django_settings.SESSION_COOKIE_NAME
    assert (await with_cookie(f"a=b; {name}={key}").hello())["user"] == kinds.user_key(ada.pk)
    for cookie in ("", f"{name}=", f"{name}=nonsense", "a=b"):
        assert (await with_cookie(cookie).hello())["user"] is None

    def change() -> None:
        ada.set_password("new")
        ada.save()

    await in_thread(change)
    assert (await with_cookie(f"{name}={key}").hello())["user"] is None


async def test_a_ticket_admits_once(live_clients: Any, ada: Any) -> None:
    ticket = await in_thread(lambda: tickets.issue(ada, expires_at=time.time() + 60))
    first = live_clients(origin=None)
    welcome = await first.hello("drill:private-x", ticket=ticket)
    assert welcome["user"] == kinds.user_key(ada.pk)
    assert (await first.get("subd"))["topic"] == "drill:private-x"
    second = await live_clients(origin=None).open()
    second.send(op="hello", ticket=ticket)
    assert await second.code() == 4500


async def test_bad_tickets_are_refused(live_clients: Any, ada: Any, monkeypatch: Any) -> None:
    good = tickets.issue(ada, expires_at=time.time() + 60)
    old_password = tickets.issue(ada, expires_at=time.time() + 60)
    for ticket in ("", "nonsense", good[:-2] + "xx", 5, None, ["x"], "x" * 5000):
        client = await live_clients(origin=None).open()
        client.send(op="hello", ticket=ticket)
        assert await client.code() == 4500

    def change() -> None:
        ada.set_password("new")
        ada.save()

    await in_thread(change)
    client = await live_clients(origin=None).open()
    client.send(op="hello", ticket=old_password)
    assert await client.code() == 4500
    fresh = tickets.issue(ada, expires_at=time.time() + 60)
    monkeypatch.setattr(tickets, "GOOD_FOR", -1)
    client = await live_clients(origin=None).open()
    client.send(op="hello", ticket=fresh)
    assert await client.code() == 4500


async def test_a_crowd_of_sockets_is_cut_off(live_clients: Any, ada: Any, session_of: Any) -> None:
    session = await in_thread(session_of, ada)
    mine = [live_clients(user=ada, session=session) for _ in range(11)]
    for client in mine[:10]:
        await client.hello()
    await mine[10].open()
    assert await mine[10].code() == 4504
    strangers = [live_clients(address="10.9.9.9") for _ in range(21)]
    for client in strangers[:20]:
        await client.hello()
    (await strangers[20].open()).send(op="hello", v=1)
    assert await strangers[20].code() == 4504
    await live_clients(address="10.9.9.8").hello()


async def test_many_who_bring_tickets_connect_from_one_address(
    live_clients: Any, ada: Any, monkeypatch: Any
) -> None:
    """Behind one address may be a whole office: who proves themselves is no stranger."""
    monkeypatch.setattr(protocol, "SOCKETS_PER_ADDRESS", 2)
    monkeypatch.setattr(protocol, "UNKNOWN_PER_ADDRESS", 6)
    office = [await live_clients(origin=None, address="10.9.9.7").open() for _ in range(6)]
    late = await live_clients(origin=None, address="10.9.9.7").open()
    assert await late.code() == 4504  # so many may be unknown at a time
    until = time.time() + 600
    for client in office[:4]:
        client.send(op="hello", v=1, ticket=tickets.issue(ada, expires_at=until))
        assert (await client.get("welcome"))["user"]
    for client in office[4:]:
        client.send(op="hello", v=1)
        assert await client.get("welcome")
    third = await live_clients(origin=None, address="10.9.9.7").open()
    third.send(op="hello", v=1)
    assert await third.code() == 4504


# ---------------------------------------------------------------------- tickets by HTTP


def test_a_ticket_is_for_people_who_are_signed_in(client: Any, ada: Any) -> None:
    answer = client.post("/drill/ws-ticket/")
    assert (answer.status_code, answer.json()["code"]) == (401, "sign_in_required")
    client.force_login(ada)
    answer = client.post("/drill/ws-ticket/")
    assert answer.status_code == 200
    assert tickets.redeem(answer.json()["ticket"]).person == ada
    assert "no-store" in answer["Cache-Control"]
    assert client.get("/drill/ws-ticket/").status_code == 405


def test_a_cookie_needs_a_csrf_token_and_a_token_does_not(ada: Any, settings: Any) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(ada)
    assert browser.post("/drill/ws-ticket/").status_code == 401
    settings.THREADFLOW_CORE = {
        "REALTIME_AUTHENTICATE": "tests.test_realtime_rights.by_token",
    }
    answer = browser.post("/drill/ws-ticket/", headers={"authorization": "Bearer good"})
    assert answer.status_code == 200
    admission = tickets.redeem(answer.json()["ticket"])
    assert admission.expires_at - time.time() < 100
    ada.is_active = False
    ada.save()
    answer = browser.post("/drill/ws-ticket/", headers={"authorization": "Bearer good"})
    assert (answer.status_code, answer.json()["code"]) == (403, "suspended")


def by_token(request: HttpRequest) -> Any:
    from django.contrib.auth import get_user_model

    if request.headers.get("Authorization") != "Bearer good":
        return None
    return get_user_model().objects.get(username="ada"), time.time() + 90


def test_a_ticket_raced_by_many_admits_one(ada: Any) -> None:
    import threading

    from django.db import connections

    ticket = tickets.issue(ada, expires_at=time.time() + 60)
    start, admitted = threading.Barrier(6), []

    def use() -> None:
        start.wait()
        try:
            admitted.append(tickets.redeem(ticket))
        except tickets.BadTicket:
            pass
        finally:
            connections.close_all()

    threads = [threading.Thread(target=use) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(admitted) == 1
