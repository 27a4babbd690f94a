"""REST: everything that the socket does, with one shape of pages and errors."""

from __future__ import annotations

import io
import json

import pytest
from django.conf import settings as django_settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone

from threadflow_core.testing.queries import assert_same_queries

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(
        "rest_framework" not in django_settings.INSTALLED_APPS,
        reason="this site has no REST framework",
    ),
]

API = "/api/v1/chat"


@pytest.fixture
def api(client_of):
    """`api(ada, "post", "/rooms/", {…})` → (status, body)."""
    clients = {}

    def ask(someone, method, path, body=None, **headers):
        key = getattr(someone, "pk", None)
        client = clients.setdefault(key, client_of(someone))
        call = getattr(client, method)
        given = {} if body is None else {"data": json.dumps(body)}
        if method != "get":
            given["content_type"] = "application/json"
        url = path if path.startswith("http") else API + path
        answer = call(url, headers=headers, **given)
        return answer.status_code, json.loads(answer.content) if answer.content else None

    return ask


def test_open_a_room_talk_and_read_it_back(api, project, ada, bo):
    status, room = api(
        ada, "post", "/rooms/", {"target_kind": "project", "target": str(project.pk)}
    )
    assert status == 201 and room["title"] == "Bridge" and "write" in room["me"]["can"]
    path = f"/rooms/{room['room']}"
    status, sent = api(ada, "post", f"{path}/messages/", {"text": "Hi *all*", "nonce": "n-1"})
    assert status == 201 and sent["mno"] == 1 and "<em>all</em>" in sent["html"]
    assert api(ada, "post", f"{path}/messages/", {"text": "Hi *all*", "nonce": "n-1"})[1] == sent
    status, page = api(None, "get", f"{path}/messages/")
    assert status == 200 and [one["id"] for one in page["results"]] == [sent["id"]]
    status, reply = api(bo, "post", f"{path}/messages/", {"text": "Hi", "reply_to": sent["id"]})
    assert status == 201 and reply["reply_to"]["excerpt"] == "Hi all"
    status, changed = api(ada, "patch", f"/messages/{sent['id']}/", {"text": "Hello", "ver": 1})
    assert (status, changed["ver"]) == (200, 2)
    assert api(ada, "patch", f"/messages/{sent['id']}/", {"text": "No", "ver": 1})[0] == 412
    assert api(bo, "patch", f"/messages/{sent['id']}/", {"text": "No"})[0] == 403
    status, marked = api(bo, "put", f"/messages/{sent['id']}/reactions/", {"emoji": "👍"})
    assert marked["reactions"] == [{"emoji": "👍", "count": 1, "mine": True}]
    assert api(ada, "delete", f"/messages/{sent['id']}/")[0] == 204
    status, gone = api(bo, "get", f"/messages/{sent['id']}/")
    assert status == 200 and gone["gone"] == "deleted" and "text" not in gone
    assert api(ada, "post", f"/messages/{sent['id']}/restore/")[0] == 200


def test_pages_lead_through_the_whole_log(api, room, say, ada):
    for _ in range(25):
        say(room)
    seen, url = [], f"/rooms/{room.pk}/messages/?limit=10"
    while url:
        status, page = api(ada, "get", url)
        assert status == 200
        seen = [one["mno"] for one in page["results"]] + seen
        url = page["previous"]
    assert seen == list(range(1, 26))
    status, page = api(ada, "get", f"/rooms/{room.pk}/messages/?after=0&limit=20")
    assert [one["mno"] for one in page["results"]] == list(range(1, 21))
    assert [one["mno"] for one in api(ada, "get", page["next"])[1]["results"]] == list(
        range(21, 26)
    )
    status, page = api(ada, "get", f"/rooms/{room.pk}/messages/?around=12&limit=5")
    assert 12 in [one["mno"] for one in page["results"]]
    for odd in (
        "before=x",
        "around=-1",
        "limit=0",
        "limit=101",
        "at=yesterday",
        "after=9" + "9" * 30,
    ):
        assert api(ada, "get", f"/rooms/{room.pk}/messages/?{odd}")[0] == 422
    assert api(ada, "get", f"/rooms/{room.pk}/messages/?cursor=forged")[0] == 400
    now = timezone.now().isoformat().replace("+", "%2B")
    assert api(ada, "get", f"/rooms/{room.pk}/messages/?at={now}")[0] == 200


def test_what_is_not_for_one_is_not_there(api, group, direct, say, person, bo, ada):
    cy, message = person("cy"), say(group)
    for one in (cy, None):
        for path in (
            f"/rooms/{group.pk}/",
            f"/rooms/{group.pk}/messages/",
            f"/messages/{message.pk}/",
        ):
            assert api(one, "get", path)[0] == 404
    assert api(cy, "post", f"/rooms/{group.pk}/messages/", {"text": "Hi"})[0] == 404
    assert api(None, "post", f"/rooms/{group.pk}/messages/", {"text": "Hi"})[0] == 401
    assert api(cy, "put", f"/messages/{message.pk}/reactions/", {"emoji": "👍"})[0] == 404


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ({"text": ""}, 422),
        ({"text": "   "}, 422),
        ({"text": "x" * 4001}, 413),
        ({"text": ["a"]}, 422),
        ({"text": "a", "reply_to": "x"}, 422),
        ({"text": "a", "reply_to": "01a1fee5-6013-7139-aa96-8346f7f4b7c6"}, 404),
        ({"text": "a", "nonce": "with space"}, 422),
        ({"text": "a", "attachments": ["01a1fee5-6013-7139-aa96-8346f7f4b7c6"]}, 422),
    ],
)
def test_bad_messages_are_refused_in_words(api, room, ada, body, status):
    found, answer = api(ada, "post", f"/rooms/{room.pk}/messages/", body)
    assert found == status and answer["code"] and answer["detail"]


def test_an_idempotency_key_sends_once(api, room, ada):
    for _ in range(2):
        status, _body = api(
            ada,
            "post",
            f"/rooms/{room.pk}/messages/",
            {"text": "Once"},
            **{"Idempotency-Key": "k-1"},
        )
        assert status == 201
    assert len(api(ada, "get", f"/rooms/{room.pk}/messages/")[1]["results"]) == 1


def test_people_of_a_group_over_the_api(api, ada, bo, person):
    cy = person("cy")
    status, room = api(ada, "post", "/rooms/", {"title": "Lunch", "people": ["bo"]})
    path = f"/rooms/{room['room']}"
    assert status == 201 and room["kind"] == "group"
    assert api(ada, "post", "/rooms/", {"title": "Lunch", "people": ["who"]})[0] == 422
    assert api(ada, "post", "/rooms/", {})[0] == 422
    status, page = api(bo, "post", f"{path}/members/", {"people": ["cy"]})
    assert status == 200 and page["results"][0]["person"]["handle"] == "cy"
    until = (timezone.now() + timezone.timedelta(hours=1)).isoformat()
    assert api(bo, "post", f"{path}/members/cy/", {"do": "kick"})[0] == 403
    assert api(ada, "post", f"{path}/members/cy/", {"do": "mute"})[0] == 422
    assert api(ada, "post", f"{path}/members/cy/", {"do": "mute", "until": until})[0] == 200
    status, refused = api(cy, "post", f"{path}/messages/", {"text": "Hm"})
    assert (status, refused["code"]) == (403, "muted")
    assert api(ada, "post", f"{path}/members/cy/", {"do": "ban", "reason": "Spam"})[0] == 200
    assert api(cy, "get", f"{path}/messages/")[0] == 404
    status, page = api(ada, "get", f"{path}/members/?limit=1")
    assert [one["person"]["handle"] for one in page["results"]] == ["ada"]
    assert "muted_until" in page["results"][0]
    status, page = api(bo, "get", page["next"])
    assert [one["person"]["handle"] for one in page["results"]] == ["bo"]
    assert "muted_until" not in page["results"][0]
    assert api(bo, "put", f"{path}/membership/", {"level": "none"})[1]["me"]["level"] == "none"
    assert api(bo, "put", f"{path}/membership/", {"joined": False})[0] in (200, 403)
    assert api(bo, "get", f"{path}/")[0] == 404


def test_pointers_pins_search_and_reports(api, direct, ada, bo, say):
    message = say(direct, "The sourdough")
    path = f"/rooms/{direct.pk}"
    assert api(bo, "get", "/rooms/")[1]["results"][0]["unread"] == 1
    status, state = api(bo, "put", f"{path}/read/", {"mno": 1})
    assert state == {"last_read_mno": 1, "unread": 0, "mentions": 0}
    assert api(bo, "put", f"{path}/read/", {"mno": 1, "unread": True})[1]["unread"] == 1
    assert api(bo, "put", f"{path}/read/", {"mno": 2**70})[0] == 422
    assert api(bo, "put", f"/messages/{message.pk}/pin/", {"on": True})[0] == 200
    assert len(api(ada, "get", f"{path}/pins/")[1]["results"]) == 1
    assert api(bo, "post", f"/messages/{message.pk}/report/", {"reason": "Rude"})[0] == 204
    assert api(ada, "get", "/search/?q=sourdough")[0] == 200
    assert api(ada, "get", "/search/?q=a&room=nonsense")[0] == 404
    assert api(ada, "get", f"/messages/{message.pk}/revisions/")[1]["results"] == []
    assert api(ada, "post", f"{path}/call/")[0] == 404
    assert api(None, "get", "/rooms/")[0] == 401


def test_a_missing_membership_is_named(api, room, ada, settings):
    settings.THREADFLOW_CORE = {
        **settings.THREADFLOW_CORE,
        "ENTITLEMENTS": "tests.entitled.Sold",
    }
    status, seen = api(ada, "get", f"/rooms/{room.pk}/")
    assert status == 200 and "read" not in seen["me"]["can"]
    why = seen["me"]["why_not_write"]
    assert (why["code"], why["feature"], why["upgrade_url"]) == (
        "premium_required",
        "chat.live",
        "/premium/",
    )
    status, refused = api(ada, "get", f"/rooms/{room.pk}/messages/")
    assert (status, refused["code"]) == (403, "premium_required")


def test_files_go_up_first_and_then_with_a_message(api, client_of, group, ada, bo, person):
    pytest.importorskip("PIL", reason="images need threadflow-core[uploads]")
    url = f"{API}/uploads/"

    def up(someone, name="loaf.txt", content=b"Flour, water, salt."):
        return client_of(someone).post(url, {"file": SimpleUploadedFile(name, content)})

    assert up(None).status_code == 401
    answer = up(ada)
    assert answer.status_code == 201 and answer.json()["type"] == "text/plain"
    assert up(ada, "loaf.png", b"<html><script>").status_code == 422
    assert up(ada, "loaf.bin", bytes(range(256))).status_code == 422
    assert up(ada, "empty.txt", b"").status_code == 422
    key, file_url = answer.json()["id"], answer.json()["url"]
    assert [client_of(one).get(file_url).status_code for one in (ada, bo)] == [200, 404]
    body = {"text": "", "attachments": [key]}
    status, message = api(ada, "post", f"/rooms/{group.pk}/messages/", body)
    assert status == 201 and message["att"][0]["name"] == "loaf.txt"
    statuses = [client_of(one).get(file_url).status_code for one in (ada, bo, person("cy"))]
    assert statuses == [200, 200, 404]


def test_a_ticket_for_the_socket(api, ada):
    assert api(ada, "post", "/ws-ticket/")[0] == 200
    assert api(None, "post", "/ws-ticket/")[0] == 401


def test_the_description_has_no_warnings(tmp_path):
    out = io.StringIO()
    call_command(
        "spectacular", "--validate", "--fail-on-warn", "--file", tmp_path / "a.yaml", stderr=out
    )
    text = (tmp_path / "a.yaml").read_text()
    assert "/api/v1/chat/rooms/{id}/messages/" in text and "Idempotency-Key" in text


def test_every_route_keeps_a_private_room_from_others(api, group, ada, person, say):
    """No route of a room or message answers an outsider, whatever the method."""
    from threadflow_chat.api import urls

    message, cy = say(group, "Zanzibar"), person("cy")
    open_to_all = {"rooms", "uploads", "search", "ws-ticket"}
    asked = 0
    for pattern in urls.urlpatterns:
        if pattern.name in open_to_all:
            continue
        about = message if str(pattern.pattern).startswith("chat/messages/") else group
        given = {"id": about.pk} | ({"username": "ada"} if pattern.name == "member" else {})
        path = reverse(f"threadflow_chat_api:{pattern.name}", kwargs=given).removeprefix(API)
        for method in ("get", "post", "put", "patch", "delete"):
            if not hasattr(pattern.callback.cls, method):
                continue
            body = None if method in ("get", "delete") else BODIES[pattern.name]
            for someone, expected in ((cy, {404}), (None, {404} if method == "get" else {401})):
                status, answer = api(someone, method, path, body)
                assert status in expected, (pattern.name, method, someone, status)
                assert "Zanzibar" not in str(answer) and "Lunch" not in str(answer)
                asked += 1
    assert asked >= 40
    assert api(cy, "get", "/search/?q=zanzibar")[1]["results"] == []
    assert api(cy, "get", "/rooms/")[1]["results"] == []


BODIES = {
    "room": {"about": "Mine"},
    "messages": {"text": "Hello"},
    "read": {"mno": 1},
    "membership": {"joined": True},
    "call": {},
    "members": {"people": ["cy"]},
    "member": {"do": "kick"},
    "message": {"text": "Mine"},
    "restore": {},
    "reactions": {"emoji": "👍"},
    "pin": {"on": True},
    "report": {"reason": "Spam"},
    "stop": {},
}


def test_lists_cost_the_same_for_any_length(api, room, ada, bo, person, plant, member):
    def grow(count, start):
        member(room, *(person(f"p{n}") for n in range(start, start + count)))
        plant(room, bo, count)

    grow(1, 0)
    for path in (f"/rooms/{room.pk}/members/?limit=100", f"/rooms/{room.pk}/messages/?limit=100"):
        start = room.members.count()
        assert_same_queries(lambda path=path: api(ada, "get", path), lambda n=start: grow(20, n))
