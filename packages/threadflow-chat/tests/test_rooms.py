"""Rooms: bound, direct and groups; who sees them, who opens and changes them."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser

from threadflow_chat import bindings, rosters
from threadflow_chat.models import RoomLogEntry, RoomMember
from threadflow_chat.services import membership, messages, rooms
from threadflow_chat.swaps import get_room_model
from threadflow_core import privacy
from threadflow_core.exceptions import Conflict, Invalid, NotAllowed, NotFound, SignInRequired
from threadflow_core.testing.queries import assert_queries, assert_same_queries

from .hosted.models import Blocking, Project

NOBODY = AnonymousUser()


def seen_by(person, room):
    return get_room_model().objects.visible_to(person).filter(pk=room.pk).exists()


def read_by(person, room):
    return get_room_model().objects.readable_by(person).filter(pk=room.pk).exists()


# ---------------------------------------------------------------------- bound


def test_an_object_has_one_room_whoever_asks(project, ada, bo):
    room = rooms.open_for(person=ada, target=project)
    assert (room.kind, room.target_kind, room.title) == ("bound", "project", "Bridge")
    assert rooms.open_for(person=bo, target=project) == room
    assert room.target == project and room.live_topic == f"room:{room.pk}"


def test_a_stranger_reads_an_open_room_and_opens_none(project, ada):
    with pytest.raises(SignInRequired):
        rooms.open_for(person=NOBODY, target=project)
    room = rooms.open_for(person=ada, target=project)
    assert rooms.open_for(person=NOBODY, target=project) == room
    assert seen_by(NOBODY, room) and read_by(NOBODY, room)


def test_a_room_is_seen_with_its_object_and_gone_with_it(secret, ada, bo, lead, staff):
    room = rooms.open_for(person=ada, target=secret)
    assert [seen_by(one, room) for one in (ada, lead, bo, NOBODY)] == [True, True, False, False]
    secret.team.remove(ada)
    assert not seen_by(ada, room)
    secret.delete()
    assert not any(seen_by(one, room) for one in (ada, lead, bo, staff, NOBODY))
    room = get_room_model().objects.get(pk=room.pk)
    assert room.effective_state == "archived"


def test_a_model_without_binding_has_no_room(ada, room):
    with pytest.raises(LookupError):
        rooms.open_for(person=ada, target=room)
    with pytest.raises(ValueError, match="is no code"):
        bindings.bind("Odd code", Project)


def test_only_moderators_open_rooms_where_the_site_says_so(project, ada, lead, settings):
    settings.THREADFLOW_CHAT = {"ROOM_OPENING": "moderators"}
    with pytest.raises(NotAllowed) as refused:
        rooms.open_for(person=ada, target=project)
    assert refused.value.code == "moderators_only"
    assert rooms.open_for(person=lead, target=project)


def test_keys_of_another_kind_do_not_disturb_a_look_up(room, direct, group, ada):
    """The key of a direct room is no number; the database must not try to read it as one."""
    found = get_room_model().objects.visible_to(ada)
    assert set(found.values_list("pk", flat=True)) == {room.pk, direct.pk, group.pk}


# ---------------------------------------------------------------------- direct and groups


def test_two_people_have_one_direct_room_whoever_begins(ada, bo, person, staff):
    room = rooms.direct(person=ada, other=bo)
    assert rooms.direct(person=bo, other=ada) == room
    assert room.is_private and room.member_count == 2
    assert [seen_by(one, room) for one in (ada, bo, person("cy"), staff)] == [
        True,
        True,
        False,
        False,
    ]
    with pytest.raises(NotAllowed):
        rooms.direct(person=ada, other=ada)


def test_blocked_pairs_neither_open_nor_write(ada, bo, person, direct):
    Blocking.objects.create(person=bo, other=ada)
    for sender in (ada, bo):
        with pytest.raises(NotAllowed) as refused:
            messages.send_message(author=sender, room=direct, text="Hello?")
        assert refused.value.code == "blocked"
    cy = person("cy")
    Blocking.objects.create(person=ada, other=cy)
    with pytest.raises(NotAllowed):
        rooms.direct(person=cy, other=ada)
    with pytest.raises(Invalid):
        rooms.open_group(person=ada, title="Us", people=[cy])


def test_a_group_is_for_those_inside(group, ada, bo, person, staff):
    cy = person("cy")
    assert [seen_by(one, group) for one in (ada, bo, cy, NOBODY)] == [True, True, False, False]
    with pytest.raises(NotAllowed):
        membership.join(person=cy, room=group)
    membership.invite(person=bo, room=group, people=[cy])
    assert seen_by(cy, group) and seen_by(staff, group)
    membership.leave(person=ada, room=group)
    assert not seen_by(ada, group)
    assert RoomMember.objects.filter(room=group, role="owner").count() == 1
    open_group = rooms.open_group(person=ada, title="All", visibility="public")
    assert seen_by(NOBODY, open_group) and membership.join(person=cy, room=open_group).is_inside


def test_a_group_needs_a_name_and_has_an_end(ada, person, settings):
    for title in ("", "   ", "\u202e\x00", "x" * 101):
        with pytest.raises(Invalid):
            rooms.open_group(person=ada, title=title)
    settings.THREADFLOW_CHAT = {"GROUP_MAX_PEOPLE": 2}
    with pytest.raises(Invalid):
        rooms.open_group(person=ada, title="Us", people=[person("cy"), person("di")])


# ---------------------------------------------------------------------- changing


def test_moderators_change_a_room_and_it_is_written_down(room, ada, lead):
    with pytest.raises(NotAllowed):
        rooms.edit_room(editor=ada, room=room, topic="Mine")
    rooms.edit_room(editor=lead, room=room, topic="The  arch", slow_seconds=5, state="read_only")
    found = get_room_model().objects.get(pk=room.pk)
    assert (found.topic, found.slow_seconds, found.state) == ("The arch", 5, "read_only")
    entry = RoomLogEntry.objects.get()
    assert (entry.actor, entry.details["changed"]) == (lead, ["slow_seconds", "state", "topic"])
    rooms.edit_room(editor=lead, room=room, topic="The arch")
    assert RoomLogEntry.objects.count() == 1


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"slow_seconds": -1}, Invalid),
        ({"slow_seconds": 10**6}, Invalid),
        ({"state": "burning"}, Invalid),
        ({"visibility": "odd"}, Invalid),
        ({"title": "Another"}, Conflict),
        ({"topic": "x" * 301}, Invalid),
    ],
)
def test_what_a_room_cannot_be(room, lead, change, error):
    with pytest.raises(error):
        rooms.edit_room(editor=lead, room=room, **change)


def test_a_bound_room_made_private_is_for_members_and_moderators(room, ada, bo, lead, member):
    member(room, ada)
    rooms.edit_room(editor=lead, room=room, visibility="private")
    assert [seen_by(one, room) for one in (ada, lead, bo, NOBODY)] == [True, True, False, False]


@pytest.mark.parametrize("how", ["room", "object"])
def test_closed_rooms_are_read_and_not_written(room, project, lead, ada, staff, how, say):
    def close(state):
        if how == "room":
            rooms.edit_room(editor=lead, room=room, state=state)
        else:
            Project.objects.filter(pk=project.pk).update(chat_state=state)

    close("read_only")
    with pytest.raises(NotAllowed) as refused:
        say(room)
    assert refused.value.code == "closed"
    assert say(room, author=lead)
    close("archived")
    for one in (ada, lead, staff):
        with pytest.raises(NotAllowed):
            say(room, author=one)
    assert read_by(ada, room)


def test_what_is_no_key_is_not_found(ada):
    for key in ("", "x", None, "0" * 32, 7, "room:1", "\x00"):
        with pytest.raises(NotFound):
            get_room_model().objects.visible_to(ada).get_room(key)


# ---------------------------------------------------------------------- lists


def test_the_list_shows_what_is_unread_and_who_the_other_is(ada, bo, direct, group, say, room):
    say(direct, author=bo)
    say(direct, author=bo)
    say(group, author=bo)
    rows = rosters.of(ada)
    assert [(row.kind, row.unread) for row in rows] == [("group", 1), ("direct", 2)]
    assert rows[1].title == "bo" and rows[1].other.handle == "bo"
    assert rosters.totals(ada) == {"unread": 2, "mentions": 0}
    assert rosters.of(NOBODY) == []


def test_the_list_costs_the_same_for_any_number_of_rooms(ada, person, project):
    def grow(count, start):
        for n in range(start, start + count):
            rooms.direct(person=ada, other=person(f"p{n}"))
            rooms.open_group(person=ada, title=f"Group {n}")

    grow(1, 0)
    assert assert_same_queries(lambda: rosters.of(ada), lambda: grow(12, 1)) <= 3


def test_a_cached_list_is_fresh_in_counts_and_knows_new_rooms(
    ada, bo, direct, say, settings, django_capture_on_commit_callbacks, person
):
    settings.THREADFLOW_CHAT = {"CACHE_ALIAS": "default"}
    with django_capture_on_commit_callbacks(execute=True):
        rosters.expire_all()
    rosters.of(ada)
    say(direct, author=bo)
    with assert_queries(1):
        assert rosters.of(ada)[0].unread == 1
    with django_capture_on_commit_callbacks(execute=True):
        rooms.direct(person=person("cy"), other=ada)
    assert len(rosters.of(ada)) == 2
    settings.THREADFLOW_CHAT = {}


def test_a_cached_list_forgets_the_name_of_the_erased(
    ada, bo, direct, settings, django_capture_on_commit_callbacks
):
    settings.THREADFLOW_CHAT = {"CACHE_ALIAS": "default"}
    with django_capture_on_commit_callbacks(execute=True):
        rosters.expire_all()
    assert [row.title for row in rosters.of(ada)] == ["bo"]
    with django_capture_on_commit_callbacks(execute=True):
        privacy.erase(bo)
    (row,) = rosters.of(ada)
    assert row.title != "bo" and row.other.is_gone
    settings.THREADFLOW_CHAT = {}
