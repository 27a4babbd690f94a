"""Looking one room up asks what its kind asks, in two queries, and answers as `visible_to` does."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser

from threadflow_chat import bindings
from threadflow_chat.querysets import RoomQuerySet
from threadflow_chat.services import membership, rooms
from threadflow_chat.swaps import get_room_model
from threadflow_core.exceptions import NotFound
from threadflow_core.testing.queries import assert_queries

from .conftest import WITH_API, WITH_FORUM
from .hosted.models import Project

pytestmark = pytest.mark.django_db


@pytest.fixture
def everywhere(person: Any, ada: Any, bo: Any, lead: Any, secret: Any, project: Any) -> list[Any]:
    """Rooms of every kind, open and private, of objects that some see."""
    made = [rooms.open_for(person=ada, target=one) for one in (project, secret)]
    closed = rooms.open_for(person=lead, target=Project.objects.create(name="Closed", lead=lead))
    rooms.edit_room(editor=lead, room=closed, visibility="private")
    made += [closed, rooms.direct(person=ada, other=bo)]
    made += [
        rooms.open_group(person=ada, title=how, people=[bo], visibility=how)
        for how in ("private", "public")
    ]
    if WITH_FORUM:
        from threadflow_forum.services import subs, threads

        for how in ("public", "private"):
            sub = subs.open_sub(founder=lead, slug=f"{how}baking", title="Baking", visibility=how)
            thread = threads.post_thread(author=lead, sub=sub, title="Loaf", body="Why?")
            made += [rooms.open_for(person=lead, target=target) for target in (sub, thread)]
    return made


def seen(person: Any, room: Any) -> bool:
    try:
        return bool(get_room_model().objects.find_visible(room.pk, person) == room)
    except NotFound:
        return False


def test_one_room_is_answered_as_all_rooms_are(everywhere, person, ada, bo, lead, staff):
    gone = person("gone", is_staff=True, is_active=False)
    outsider, banned = person("outsider"), person("banned")
    for room in everywhere:
        if room.kind == "group":
            membership.invite(person=ada, room=room, people=[banned])
            membership.ban(moderator=ada, room=room, person=banned)
    found = {}
    for who in (AnonymousUser(), ada, bo, lead, staff, gone, outsider, banned):
        wanted = set(get_room_model().objects.visible_to(who).values_list("pk", flat=True))
        found[str(who)] = [room.pk in wanted for room in everywhere]
        assert [seen(who, room) for room in everywhere] == found[str(who)], who
    assert len({tuple(answers) for answers in found.values()}) > 4  # they do differ


def test_one_room_takes_two_queries(everywhere, ada):
    for room in everywhere:
        with assert_queries(2):
            seen(ada, room)


@pytest.mark.parametrize("key", [uuid.uuid4(), "x", None, 7, "a\0b"])
def test_what_is_no_room_is_not_found(room, ada, key):
    with assert_queries(at_most=1), pytest.raises(NotFound):
        get_room_model().objects.find_visible(key, ada)


def test_a_room_of_a_kind_that_nobody_registered_is_not_found(room, staff):
    binding = bindings.binding_named("project")
    assert seen(staff, room) and binding is not None
    bindings.forget("project")
    try:
        assert not seen(staff, room)
        assert not get_room_model().objects.visible_to(staff).filter(pk=room.pk).exists()
    finally:
        bindings.register(binding)


class Quiet(RoomQuerySet):
    """A host's own door: as ours, without what is called Hush."""

    def visible_to(self, person: Any) -> Any:
        return super().visible_to(person).exclude(topic="Hush")


def test_the_door_of_a_host_is_asked(room, lead, fresh):
    rows = Quiet(model=get_room_model())
    assert rows.find_visible(room.pk, lead) == room
    rooms.edit_room(editor=lead, room=room, topic="Hush")
    with pytest.raises(NotFound):
        rows.find_visible(room.pk, lead)
    assert seen(lead, fresh(room))


@pytest.mark.skipif(not WITH_API, reason="this site has no REST framework")
def test_a_message_by_rest_asks_of_no_other_kind(everywhere, client_of, ada):
    client = client_of(ada)

    def send(room: Any, text: str) -> list[str]:
        path = f"/api/v1/chat/rooms/{room.pk}/messages/"
        with assert_queries(at_most=MOST) as found:
            sent = client.post(path, json.dumps({"text": text}), content_type="application/json")
        assert sent.status_code == 201, sent.content
        return [query["sql"] for query in found.captured_queries]

    for room in everywhere:
        if not seen(ada, room):
            continue
        send(room, "The first makes one a member")
        asked = " ".join(send(room, "The second"))
        for binding in bindings.all_bindings():
            table = binding.model()._meta.db_table
            if binding.code not in (room.target_kind, "sub"):  # a thread is seen with its sub
                assert f'"{table}"' not in asked, (room.kind, binding.code)


#: Statements of one message by REST: session, person, the two of finding the room, the sending.
MOST = 40
