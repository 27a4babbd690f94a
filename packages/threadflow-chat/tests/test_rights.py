"""Every operation for every kind of person: one table, and what a membership opens."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.utils import timezone

from threadflow_chat import policies, rosters
from threadflow_chat.exceptions import Barred, PremiumRequired
from threadflow_chat.models import RoomLogEntry, RoomMember
from threadflow_chat.services import (
    finding,
    membership,
    mentions,
    messages,
    pins,
    reactions,
    reads,
    rooms,
    standing,
)
from threadflow_chat.swaps import get_message_model, get_room_model
from threadflow_core.exceptions import Conflict, Invalid, NotAllowed, ThreadflowError
from threadflow_core.testing.queries import assert_queries

from . import entitled
from .hosted.models import Blocking

ROLES = ("stranger", "outsider", "member", "author", "muted", "banned", "moderator", "staff")

#: y: may, n: refused, -: may not even know of it (the queryset finds nothing).
TABLE = """
                stranger outsider member author muted banned moderator staff
public:see      y        y        y      y      y     y      y         y
public:read     y        y        y      y      y     -      y         y
public:send     n        y        y      y      n     -      y         y
public:edit     n        n        n      y      n     -      n         n
public:delete   n        n        n      y      n     -      y         y
public:react    n        y        y      y      n     -      y         y
public:pin      n        n        n      n      n     -      y         y
public:flag     n        y        y      n      y     -      y         y
public:mute     n        n        n      n      n     n      y         y
public:ban      n        n        n      n      n     n      y         y
public:settings n        n        n      n      n     n      y         y
public:join     n        y        y      y      y     n      y         y
public:invite   n        n        n      n      n     n      y         y
private:see     -        -        y      y      y     -      y         y
private:read    -        -        y      y      y     -      y         y
private:send    -        -        y      y      n     -      y         y
private:edit    -        -        n      y      n     -      n         n
private:delete  -        -        n      y      n     -      y         y
private:react   -        -        y      y      n     -      y         y
private:pin     -        -        n      n      n     -      y         y
private:mute    -        -        n      n      n     -      y         y
private:settings -       -        n      n      n     -      y         y
private:invite  -        -        y      y      n     -      y         y
direct:see      -        -        y      y      y     -      y         -
direct:read     -        -        y      y      y     -      y         -
direct:send     -        -        y      y      n     -      y         -
direct:delete   -        -        n      y      n     -      n         -
direct:pin      -        -        y      y      n     -      y         -
direct:settings -        -        n      n      n     -      n         -
direct:invite   -        -        n      n      n     -      n         -
"""


def column(where, role):
    """What `role` is answered for every act in one kind of room."""
    lines = [line.split() for line in TABLE.strip().splitlines()]
    assert tuple(lines[0]) == ROLES
    found = {line[0]: line[1 + ROLES.index(role)] for line in lines[1:]}
    return {name.split(":")[1]: mark for name, mark in found.items() if name.startswith(where)}


@pytest.fixture
def world(person, project, lead, staff):
    """A public bound room, a private group and a direct room with the same kinds of people.

    In the direct room only two are in: whoever acts, and the author of its message.
    """
    ada, later = person("ada"), timezone.now() + dt.timedelta(hours=1)
    people = {
        "stranger": AnonymousUser(),
        "outsider": person("outsider"),
        "member": person("member"),
        "author": ada,
        "muted": person("muted"),
        "banned": person("banned"),
        "moderator": lead,
        "staff": staff,
    }
    public = rooms.open_for(person=ada, target=project)
    private = rooms.open_group(
        person=lead, title="Us", people=[ada, people["member"], people["muted"], people["banned"]]
    )
    for name in ("member", "author", "muted", "banned"):
        membership.join(person=people[name], room=public)
    for room in (public, private):
        membership.mute(moderator=lead, room=room, person=people["muted"], until=later)
        membership.ban(moderator=lead, room=room, person=people["banned"])
    target = person("target")
    membership.join(person=target, room=public)
    membership.invite(person=lead, room=private, people=[target])
    made = {"public": public, "private": private}
    said = {
        name: messages.send_message(author=ada, room=room, text="Zanzibar")
        for name, room in made.items()
    }
    return SimpleNamespace(
        people=people, rooms=made, said=said, target=target, guest=person("guest")
    )


def direct_of(world, role, person):
    """A direct room of the one who acts and a friend; the message is the friend's or their own."""
    actor = world.people[role]
    if role in ("stranger", "outsider", "banned", "staff"):
        pair = (world.people["author"], world.people["member"])
    else:
        pair = (actor, person("friend"))
    room = rooms.direct(person=pair[0], other=pair[1])
    author = actor if role == "author" else pair[1]
    message = messages.send_message(author=author, room=room, text="Zanzibar")
    if role == "muted":
        later = timezone.now() + dt.timedelta(hours=1)
        RoomMember.objects.filter(room=room, person=actor).update(muted_until=later)
    return room, message


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("where", ["public", "private", "direct"])
def test_who_may_do_what(world, person, where, role):
    actor = world.people[role]
    if where == "direct":
        room, message = direct_of(world, role, person)
    else:
        room, message = world.rooms[where], world.said[where]
    promised = column(where, role)
    found = {}
    for act in promised:
        with transaction.atomic():
            found[act] = answer(act, actor, room, message, world)
            transaction.set_rollback(True)
    assert found == promised


def answer(act, actor, room, message, world):
    about_room = {"see", "mute", "ban", "settings", "join", "invite"}
    visible = get_room_model().objects.visible_to(actor).filter(pk=room.pk)
    readable = get_message_model().objects.readable_by(actor).filter(pk=message.pk)
    if not (visible if act in about_room else readable).exists():
        return "-"
    target = world.target
    acts = {
        "see": lambda: None,
        "read": lambda: policies.require(policies.may_read(actor, room)),
        "send": lambda: messages.send_message(author=actor, room=room, text="Hello"),
        "edit": lambda: messages.edit_message(editor=actor, message=message, text="New"),
        "delete": lambda: messages.delete_message(person=actor, message=message),
        "react": lambda: reactions.react(person=actor, message=message, emoji="👍", on=True),
        "pin": lambda: pins.set_pinned(person=actor, message=message, on=True),
        "flag": lambda: policies.require(policies.may_flag(actor, message)),
        "mute": lambda: membership.mute(
            moderator=actor, room=room, person=target, until=timezone.now()
        ),
        "ban": lambda: membership.ban(moderator=actor, room=room, person=target),
        "settings": lambda: rooms.edit_room(editor=actor, room=room, slow_seconds=7),
        "join": lambda: membership.join(person=actor, room=room),
        "invite": lambda: membership.invite(person=actor, room=room, people=[world.guest]),
    }
    try:
        acts[act]()
    except ThreadflowError as error:
        return "n" if error.code and str(error.message) else "refused without a word"
    return "y"


@pytest.mark.parametrize("kind", ["bound", "direct", "group"])
def test_what_one_may_do_is_told_in_few_queries(kind, project, direct, group, ada, member):
    room = rooms.open_for(person=ada, target=project)
    member(room, ada)
    room = get_room_model().objects.get(
        pk={"bound": room, "direct": direct, "group": group}[kind].pk
    )
    with assert_queries(at_most=4):
        told = standing.of(ada, room)
    assert {"read", "write", "react"} <= set(told["can"]) and told["why_not_write"] is None


# ---------------------------------------------------------------------- memberships


@pytest.fixture
def sold(settings, monkeypatch):
    """From now on everything is sold: `sold("ada", "chat.live")` grants it."""
    monkeypatch.setattr(entitled, "GRANTS", {})

    def on():
        settings.THREADFLOW_CORE = {
            **settings.THREADFLOW_CORE,
            "ENTITLEMENTS": "tests.entitled.Sold",
        }

    def grant(name, *features):
        entitled.GRANTS[name] = set(features)

    on()
    return grant


def test_reading_and_writing_are_sold_apart(room, ada, bo, lead, say, sold, person):
    message = say(room, author=lead)
    sold("bo", "chat.live")
    sold("cy", "chat.live", "chat.write")
    for one, reads_it, writes_it in (
        (ada, False, False),
        (bo, True, False),
        (person("cy"), True, True),
    ):
        assert bool(policies.may_read(one, room)) is reads_it
        assert bool(policies.may_write(one, room)) is writes_it
        rows = get_message_model().objects.visible_to(one).filter(pk=message.pk)
        assert rows.exists() is reads_it
    with pytest.raises(PremiumRequired) as refused:
        say(room, author=bo)
    assert (refused.value.feature, refused.value.upgrade_url) == ("chat.write", "/premium/")
    assert "Writing in live chat" in str(refused.value.message)
    with pytest.raises(PremiumRequired) as refused:
        say(room, author=ada)
    assert refused.value.feature == "chat.live"


def test_who_moderates_needs_no_membership(room, lead, staff, say, sold):
    assert say(room, author=lead) and say(room, author=staff)
    assert get_message_model().objects.visible_to(lead).count() == 2


def test_a_site_chooses_what_is_sold(room, direct, ada, say, sold, settings):
    settings.THREADFLOW_CHAT = {"GATED_KINDS": ("bound",)}
    assert say(direct)
    settings.THREADFLOW_CHAT = {"READ_FEATURE": "", "GATED_KINDS": ("bound",)}
    assert policies.may_read(ada, room) and not policies.may_write(ada, room)
    settings.THREADFLOW_CHAT = {"READ_FEATURE": "", "WRITE_FEATURE": ""}
    assert say(room)


def test_without_billing_the_declared_features_decide(room, ada, settings):
    assert policies.may_write(ada, room)
    settings.THREADFLOW_CHAT = {"FREE_FEATURES": ("chat.live",)}
    assert policies.may_read(ada, room)
    assert policies.may_write(ada, room).code == "premium_required"


def test_what_is_not_paid_for_leaks_nowhere(room, direct, ada, bo, lead, say, sold):
    say(room, "Zanzibar", author=lead)
    assert rosters.of(ada) == []
    assert finding.find(person=ada, text="Zanzibar").messages == []
    membership_rows = RoomMember.objects.filter(person=ada)
    assert not any(row.mention_count for row in membership_rows)


# ---------------------------------------------------------------------- people


def test_a_ban_says_until_when_and_why_and_ends_by_itself(room, ada, bo, lead, say):
    until = timezone.now() + dt.timedelta(hours=2)
    membership.ban(moderator=lead, room=room, person=bo, reason="Spam.", until=until)
    with pytest.raises(Barred) as refused:
        say(room, author=bo)
    assert refused.value.until == until and "Spam." in str(refused.value.message)
    RoomMember.objects.filter(person=bo).update(banned_until=timezone.now())
    assert say(room, author=bo)
    membership.ban(moderator=lead, room=room, person=bo)
    membership.unban(moderator=lead, room=room, person=bo)
    assert say(room, author=bo)
    actions = RoomLogEntry.objects.order_by("pk").values_list("action", flat=True)
    assert list(actions) == ["ban", "ban", "unban"]


def test_moderators_are_protected_from_each_other(room, group, ada, lead, staff, bo):
    for person in (lead, staff):
        for act in (membership.ban, membership.kick):
            with pytest.raises(NotAllowed) as refused:
                act(moderator=staff, room=room, person=person)
            assert refused.value.code == "protected"
    with pytest.raises(NotAllowed):
        membership.set_role(moderator=bo, room=group, person=bo, role="owner")
    membership.set_role(moderator=ada, room=group, person=bo, role="moderator")
    with pytest.raises(NotAllowed):
        membership.set_role(moderator=bo, room=group, person=ada, role="member")
    with pytest.raises(Invalid):
        membership.set_role(moderator=ada, room=group, person=bo, role="guest")


def test_direct_rooms_are_not_left_and_levels_need_a_member(direct, room, ada, bo):
    with pytest.raises(Conflict):
        membership.leave(person=ada, room=direct)
    with pytest.raises(NotAllowed):
        membership.set_level(person=bo, room=room, level="none")
    assert membership.set_level(person=bo, room=direct, level="none").level == "none"


def test_kicked_people_come_back_into_public_rooms_only(room, group, ada, bo, lead, member):
    member(room, bo)
    membership.kick(moderator=lead, room=room, person=bo)
    assert get_room_model().objects.get(pk=room.pk).member_count == 0
    member(room, bo)
    membership.kick(moderator=ada, room=group, person=bo)
    with pytest.raises(NotAllowed):
        membership.join(person=bo, room=group)


# ---------------------------------------------------------------------- mentions


def counters(*pairs):
    return [RoomMember.objects.of(person, room).mention_count for person, room in pairs]


def test_mentions_follow_the_text(group, room, ada, bo, person, say):
    cy = person("cy")
    message = say(group, "Hello @bo and @cy")
    mentions.follow_text(str(message.pk))
    mentions.follow_text(str(message.pk))
    assert counters((bo, group), (cy, group)) == [1, 0]  # cy may not read it
    messages.edit_message(editor=ada, message=message, text="Hello all")
    mentions.follow_text(str(message.pk))
    assert counters((bo, group)) == [0]
    second = say(group, "@here lunch")
    mentions.follow_text(str(second.pk))
    assert counters((bo, group), (ada, group)) == [1, 0]
    assert rosters.totals(bo)["mentions"] == 1
    reads.mark_read(person=bo, room=group, mno=second.mno)
    assert counters((bo, group)) == [0]
    reads.mark_unread(person=bo, room=group, mno=1)
    assert counters((bo, group)) == [1]
    messages.delete_message(person=ada, message=second)
    mentions.follow_text(str(second.pk))
    assert counters((bo, group)) == [0]


def test_who_is_blocked_is_not_called(room, ada, bo, say, member):
    member(room, bo)
    Blocking.objects.create(person=bo, other=ada)
    message = say(room, "@bo hello")
    mentions.follow_text(str(message.pk))
    assert counters((bo, room)) == [0]


def test_badges_go_to_who_wants_them(group, room, ada, bo, person, say, settings, member):
    message = say(group)
    assert mentions.push_unread(str(message.pk)) == 1
    membership.set_level(person=bo, room=group, level="mentions")
    assert mentions.push_unread(str(message.pk)) == 0
    membership.set_level(person=bo, room=group, level="none")
    assert mentions.push_unread(str(message.pk)) == 0
    settings.THREADFLOW_CHAT = {"UNREAD_PUSH_MEMBERS": 1}
    member(room, bo, person("cy"))
    named = say(room, "@cy look")
    mentions.follow_text(str(named.pk))
    assert mentions.push_unread(str(named.pk)) == 1
