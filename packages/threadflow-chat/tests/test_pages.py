"""Pages of rooms: what they cost, odd addresses, and posts without scripts that keep every word."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from threadflow_chat.services import membership, messages, rooms
from threadflow_core.testing.queries import assert_queries
from threadflow_core.uploads.models import Upload

from .entitled import GRANTS
from .hosted.models import Project

pytestmark = pytest.mark.django_db
TEXT = "A word that I would not like to type again"


def url(name: str, *args: Any) -> str:
    return reverse(f"threadflow_chat:{name}", args=args)


@pytest.fixture
def queries():
    """`queries(client, path)`: how many a GET takes, once everything that is cached is."""

    def count(client: Any, path: str) -> int:
        assert client.get(path).status_code == 200
        with CaptureQueriesContext(connection) as found:
            assert client.get(path).status_code == 200
        return len(found)

    return count


def test_a_room_costs_the_same_with_1_25_and_100_messages(
    client_of, person, ada, bo, room, say, member, queries
):
    member(room, bo)
    client, costs = client_of(bo), []
    writers = [ada, *(person(f"p{n}") for n in range(5))]
    for size in (1, 25, 100):
        room.refresh_from_db()
        first = None
        for n in range(room.last_mno, size):
            first = say(room, author=writers[n % len(writers)], reply_to=first)
        path = room.get_absolute_url()
        costs.append(
            [queries(client, path + more) for more in ("", "?part=log", "?part=log&before=90")]
        )
    assert costs[0] == costs[1] == costs[2], costs


def test_the_list_of_rooms_costs_the_same_with_1_and_25(client_of, ada, bo, person, say, queries):
    client, costs = client_of(ada), []
    for size in (1, 25):
        for n in range(1 if size == 1 else 2, size + 1):
            lead = person(f"lead{n}")
            kinds = (
                lambda lead=lead, n=n: rooms.open_for(
                    person=ada, target=Project.objects.create(name=f"P{n}", lead=lead)
                ),
                lambda n=n: rooms.open_group(person=ada, title=f"G{n}", people=[bo]),
                lambda lead=lead: rooms.direct(person=ada, other=lead),
            )
            for make in kinds:
                say(make())
        costs.append([queries(client, url("index") + more) for more in ("", "?part=rooms")])
    assert costs[0] == costs[1], costs


ODD = (
    *("", " ", "-1", "0", "1", "²", "٣", "9" * 15, "9" * 16, "9" * 4000, "1e9", "NaN", "x", "a\0b"),
    *("2026-02-30", "0001-01-01", "9999-12-31", "2026-11-21T99", "\u202e", "💥", "../..", "%00"),
    *("0192f0c1-2345-7000-8000-000000000000", "' OR 1=1 --", "<script>", "[]", "{{ 7 }}"),
)


EVERY = pytest.mark.parametrize(
    "every", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["some", "all"]
)


def some(every: bool, salt: str, count: int) -> list[str]:
    """All odd values, or `count` of them that differ from field to field."""
    start = sum(salt.encode()) % len(ODD)
    return list(ODD) if every else [*ODD[start:], *ODD[:start]][:count]


@EVERY
def test_no_address_of_a_room_is_too_odd(client_of, ada, lead, room, say, member, every):
    say(room)
    member(room, lead)
    client = client_of(lead)
    asked = {
        room.get_absolute_url(): ("reply", "part"),
        f"{room.get_absolute_url()}?part=log": ("before", "after", "around", "date"),
        url("index"): ("part",),
        url("members", room.pk): ("cursor", "show"),
        url("search", room.pk): ("q", "cursor"),
        url("search_all"): ("q",),
        url("new"): ("with", "part", "next"),
        url("say", room.pk): ("reply", "next"),
    }
    for path, names in asked.items():
        for name in names:
            for value in some(every, path + name, 6):
                more = {"q": "word"} if name == "cursor" else {}
                more |= {"part": "log"} if path.endswith("log") else {}
                answer = client.get(path.partition("?")[0], {**more, name: value})
                assert answer.status_code in (200, 400, 404), (path, name, value)
    for value in some(every, "", 6):
        both = {"part": "log", "before": value, "after": value, "date": value}
        assert client.get(room.get_absolute_url(), both).status_code == 200, value


@pytest.mark.parametrize("name", ["ada,lead", "ada lead", "nobody", "@ada", "a\0b", "💥", ","])
def test_there_is_no_member_of_an_odd_name(client_of, ada, lead, room, name):
    client = client_of(lead)
    for send in (client.get, client.post):
        assert send(url("member", room.pk, name), {}).status_code == 404


@EVERY
def test_no_form_of_a_room_fails_on_odd_values(client_of, ada, lead, room, say, member, every):
    message = say(room)
    member(room, lead)
    client = client_of(lead)
    forms = {
        url("say", room.pk): {"text": "x", "nonce": "n", "reply_to": "", "confirmed": ""},
        url("read", room.pk): {"mno": "1", "unread": ""},
        url("join", room.pk): {"on": "1"},
        url("level", room.pk): {"level": "all"},
        url("settings", room.pk): {
            "title": "", "topic": "", "visibility": "public", "state": "open", "slow_seconds": "0",
        },
        url("invite", room.pk): {"people": "bo"},
        url("new"): {"people": "bo", "title": ""},
        url("member", room.pk, "ada"): {"act": "mute", "minutes": "5", "role": "", "reason": ""},
        url("edit", message.pk): {"text": "x", "version": "1"},
        url("react", message.pk): {"react": "+👍"},
        url("pin", message.pk): {"on": "1"},
        url("flag", message.pk): {"reason": "x"},
    }  # fmt: skip
    for path, form in forms.items():
        for field in form:
            for value in some(every, path[-5:] + field, 3):
                answer = client.post(path, {**form, field: value})
                assert answer.status_code in (303, 403, *range(400, 430)), (path, field, value)


# Refused without scripts: the status says why, the page shows what was typed.


def kept(answer: Any, status: int, *words: str) -> str:
    page = answer.content.decode()
    assert answer.status_code == status, page
    assert TEXT in page
    for word in words:
        assert word in page
    return page


def test_too_long_a_text_is_kept(client_of, ada, room, settings):
    settings.THREADFLOW_CHAT = {"TEXT_MAX_LENGTH": 20}
    answer = client_of(ada).post(url("say", room.pk), {"text": TEXT})
    kept(answer, 413, "at most 20 fit")


def test_slow_mode_keeps_the_text_and_says_when(client_of, lead, bo, room, say, member):
    member(room, bo)
    say(room, author=bo)
    rooms.edit_room(editor=lead, room=room, slow_seconds=60)
    answer = client_of(bo).post(url("say", room.pk), {"text": TEXT})
    kept(answer, 429, "slow mode")
    assert 0 < int(answer["Retry-After"]) <= 60


def test_a_mute_keeps_the_text(client_of, lead, bo, room, member):
    member(room, bo)
    until = timezone.now() + timedelta(hours=1)
    membership.mute(moderator=lead, room=room, person=bo, until=until)
    kept(client_of(bo).post(url("say", room.pk), {"text": TEXT}), 403, "You are muted")


def test_a_ban_keeps_the_text(client_of, lead, bo, room, member):
    member(room, bo)
    membership.ban(moderator=lead, room=room, person=bo)
    kept(client_of(bo).post(url("say", room.pk), {"text": TEXT}), 403, "You are banned")


def test_a_stranger_keeps_the_text_and_can_sign_in(client_of, room):
    kept(client_of().post(url("say", room.pk), {"text": TEXT}), 401, "/login/")


def test_calling_everybody_asks_once_and_keeps_the_text(client_of, person, ada, room, member):
    member(room, ada, *(person(f"p{n}") for n in range(11)))
    client = client_of(ada)
    page = kept(client.post(url("say", room.pk), {"text": f"@here {TEXT}"}), 409, "call everybody")
    assert 'name="confirmed" value="on"' in page
    again = client.post(url("say", room.pk), {"text": f"@here {TEXT}", "confirmed": "on"})
    assert again.status_code == 303


def test_an_answer_to_what_is_gone_keeps_the_text(client_of, ada, bo, room, say):
    message = say(room)
    messages.delete_message(person=ada, message=message)
    given = {"text": TEXT, "reply_to": str(message.pk)}
    kept(client_of(bo).post(url("say", room.pk), given), 410, "taken back")


@pytest.mark.parametrize(
    ("granted", "feature"), [(set(), "Live chat"), ({"chat.live"}, "Writing in live chat")]
)
def test_without_premium_the_text_is_kept_and_the_feature_named(
    client_of, bo, room, settings, granted, feature
):
    settings.THREADFLOW_CORE = {
        **settings.THREADFLOW_CORE, "ENTITLEMENTS": "tests.entitled.Sold"
    }  # fmt: skip
    GRANTS["bo"] = granted
    try:
        client = client_of(bo)
        answer = client.post(url("say", room.pk), {"text": TEXT})
        kept(answer, 403, f"“{feature}”", 'href="/premium/"')
        page = client.get(room.get_absolute_url())
        assert page.status_code == (200 if granted else 403)
        assert feature in page.content.decode() and "/premium/" in page.content.decode()
        assert 'id="tf-say"' not in page.content.decode()
    finally:
        GRANTS.clear()


# The script's own requests: the line, or one sentence with a code.


def test_htmx_is_answered_with_its_status(client_of, lead, bo, room, say, member):
    member(room, bo)
    client = client_of(bo)

    def send(name: str, *args: Any, **form: Any) -> Any:
        return client.post(url(name, *args), form, headers={"HX-Request": "true"})

    sent = send("say", room.pk, text="Hello", nonce="once")
    assert sent.status_code == 201 and "data-mno" in sent.content.decode()
    message = room.messages.get(nonce="once")
    assert send("say", room.pk, text="Hello", nonce="once").status_code == 201
    assert room.messages.filter(nonce="once").count() == 1
    for form, status, code in (
        ({"text": ""}, 422, "empty"),
        ({"text": "Hello"}, 422, "duplicate_text"),
        ({"text": "x" * 5_000}, 413, "too_long"),
        ({"text": "Other", "nonce": "once"}, 409, ""),
    ):
        refused = send("say", room.pk, **form)
        assert refused.status_code == status, form
        assert f'data-code="{code}' in refused.content.decode(), form
    assert send("react", message.pk, react="+👍").status_code == 200
    assert "🎉" in send("react", message.pk, react="🎉").content.decode()  # as one types it
    assert send("react", message.pk, react="+nothing").status_code == 422
    assert send("pin", message.pk, on="1").status_code == 403
    assert send("edit", message.pk, text="Changed", version="1").status_code == 200
    assert send("edit", message.pk, text="Late", version="1").status_code == 412
    assert send("delete", message.pk).status_code == 200
    assert send("edit", message.pk, text="Gone").status_code == 403
    assert send("say", uuid.uuid4(), text="Nowhere").status_code == 404


# Files


@pytest.mark.parametrize(
    ("name", "type_", "content"),
    [
        ("photo.png", "image/png", b"<script>alert(1)</script>"),
        ("photo.png", "image/png", b"\x89PNG\r\n\x1a\n and nothing more"),
        ("page.txt", "image/svg+xml", b"<svg onload='alert(1)'/>"),
        ("run.pdf", "application/pdf", b"MZ\x90\x00\x03"),
        ("empty.png", "image/png", b""),
    ],
)
def test_a_file_that_lies_is_refused_and_the_text_kept(client_of, ada, room, name, type_, content):
    file = SimpleUploadedFile(name, content, type_)
    answer = client_of(ada).post(url("say", room.pk), {"text": TEXT, "files": file})
    kept(answer, 422)
    assert Upload.objects.count() == 0 and room.messages.count() == 0


def test_who_may_not_write_stores_no_file(client_of, room, ada, lead):
    until = timezone.now() + timedelta(hours=1)
    membership.mute(moderator=lead, room=room, person=ada, until=until)
    file = SimpleUploadedFile("notes.txt", b"All of it", "text/plain")
    answer = client_of(ada).post(url("say", room.pk), {"text": TEXT, "files": file})
    assert answer.status_code == 403 and TEXT in answer.content.decode()
    assert Upload.objects.count() == 0


def test_a_message_by_the_page_costs_no_more_than_by_rest(client_of, room, ada, say):
    """Session and person, two to find the room, eleven to send: nothing is read again for show."""
    client, headers = client_of(ada), {"HX-Request": "true"}
    parent = say(room)
    for given in (
        {"text": "Hello", "nonce": "1"},
        {"text": "Yes", "nonce": "2", "reply_to": parent.pk},
    ):
        with assert_queries(16 if "reply_to" in given else 15):
            answer = client.post(url("say", room.pk), given, headers=headers)
        page = answer.content.decode()
        assert answer.status_code == 201 and given["text"] in page and "<bdi>ada</bdi>" in page
    assert "Message 1" in page  # what is answered


def test_who_may_begin_nothing_is_told_what_is_missing(
    client_of, ada, bo, room, project, settings, say
):
    """No form and no button that leads nowhere: the notice with the way to a plan."""
    settings.THREADFLOW_CORE = {**settings.THREADFLOW_CORE, "ENTITLEMENTS": "tests.entitled.Sold"}
    client, index = client_of(bo), url("index")
    other = Project.objects.create(name="Ferry", lead=ada)
    places = [index, url("new"), url("new") + "?part=dialog", url("of", "project", other.pk)]
    for path in places:
        answer = client.get(path)
        page = answer.content.decode()
        assert answer.status_code == 200 and 'href="/premium/"' in page, path
        assert 'name="people"' not in page and "/-/open/" not in page, path
    refused = client.post(url("new"), {"people": "ada"})
    assert refused.status_code == 403 and 'href="/premium/"' in refused.content.decode()
    GRANTS["bo"] = {"chat.live", "chat.write"}
    try:
        for path in places:
            page = client.get(path).content.decode()
            assert 'href="/premium/"' not in page, path
            assert path == index or 'name="people"' in page or "/-/open/" in page, path
    finally:
        GRANTS.clear()


def test_a_room_in_the_dock_leads_back_to_the_list(client_of, bo, room, member):
    member(room, bo)
    client, back = client_of(bo), f'hx-get="{url("index")}?part=rooms"'
    assert back in client.get(room.get_absolute_url() + "?part=dock").content.decode()
    assert back not in client.get(room.get_absolute_url() + "?part=panel").content.decode()
    headers = {"HX-Request": "true", "HX-Current-URL": "http://testserver/elsewhere/"}
    listed = client.get(url("index") + "?part=rooms", headers=headers).content.decode()
    assert f'hx-get="{room.get_absolute_url()}?part=dock"' in listed


@pytest.mark.django_db(transaction=True)
def test_what_is_found_in_all_rooms_says_where(client_of, bo, group, direct, say):
    for where in (group, direct):
        say(where, f"Marmalade {where.kind}", author=bo)
    client = client_of(bo)
    page = client.get(url("search_all"), {"q": "marmalade"}).content.decode()
    assert "Marmalade group" in page and "Marmalade direct" in page
    assert page.count("Show in Lunch") == 1 and page.count("Show in the room") == 1
    page = client.get(url("search", group.pk), {"q": "marmalade"}).content.decode()
    assert "Show in Lunch" not in page and page.count("Show in the room") == 1
