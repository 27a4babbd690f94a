"""Counters against rows: wrong ones are found and repaired."""

from __future__ import annotations

import io

import pytest
from django.apps import apps
from django.core.management import call_command

from threadflow_chat import reconcile
from threadflow_chat.models import RoomMember
from threadflow_chat.services import membership, mentions, messages, reactions
from threadflow_chat.swaps import get_message_model, get_room_model
from threadflow_core import privacy


@pytest.fixture
def busy(group, room, ada, bo, lead, say, member):
    """Rooms in which something happened."""
    member(room, bo)
    message = say(group, "@bo hello")
    mentions.follow_text(str(message.pk))
    reactions.react(person=bo, message=message, emoji="👍", on=True)
    messages.delete_message(person=ada, message=say(room))
    membership.kick(moderator=lead, room=room, person=bo)
    return message


def test_what_services_write_adds_up(busy):
    assert list(reconcile.find()) == []


def test_wrong_counters_are_found_and_repaired(busy, group, bo):
    get_room_model().objects.filter(pk=group.pk).update(last_mno=0, member_count=9)
    get_message_model().objects.filter(pk=busy.pk).update(reaction_count=7)
    RoomMember.objects.filter(person=bo, room=group).update(mention_count=3)
    fields = sorted(drift.field for drift in reconcile.find())
    assert fields == ["last_mno", "member_count", "mention_count", "reaction_count"]
    out = io.StringIO()
    with pytest.raises(SystemExit):
        call_command("threadflow_chat_reconcile", "--check", stdout=out)
    call_command("threadflow_chat_reconcile", stdout=out)
    assert "4 wrong counters, repaired" in out.getvalue()
    assert list(reconcile.find()) == []


def test_a_pointer_beyond_the_newest_message_is_put_right(busy, group, bo):
    RoomMember.objects.filter(person=bo, room=group).update(last_read_mno=99, mention_count=0)
    (drift,) = reconcile.find()
    assert (drift.field, drift.counted) == ("last_read_mno", 1)


def test_what_is_kept_of_a_person_is_handed_out_and_erased(busy, group, ada, bo):
    mine = {label for label in privacy.unregistered_models() if label.startswith("threadflow_chat")}
    assert mine == set()
    exported = {label for label, _values in privacy.export(ada)}
    message_label = get_message_model()._meta.label
    assert message_label in exported
    assert any(values.get("source") == "@bo hello" for _l, values in privacy.export(ada))
    privacy.erase(ada)
    privacy.erase(bo)
    said = get_message_model().objects.values_list("source", "html", "author_id", "state")
    assert set(said) <= {("", "", None, "deleted")}
    assert get_message_model().objects.count() == 2  # the places stay
    assert list(reconcile.find()) == []
    for model in apps.get_app_config("threadflow_chat").get_models():
        for field in model._meta.fields:
            if field.is_relation and field.related_model is type(ada):
                rows = model._default_manager.filter(**{field.name: ada})
                assert not rows.exists(), f"{model.__name__}.{field.name}"
