"""The chat in a site: admin, checks, adapter, kinds of messages, what it brings along."""

from __future__ import annotations

import subprocess
import sys

import pytest
from django.core import checks as django_checks
from django.urls import reverse

from threadflow_chat import bindings, checks, frames, message_kinds
from threadflow_chat.models import RoomLogEntry
from threadflow_chat.services import messages, rooms
from threadflow_chat.swaps import get_message_model, get_room_model
from threadflow_core import swaps
from threadflow_core.exceptions import NotAllowed
from threadflow_core.policies import Verdict
from threadflow_core.ports import declared_features


def test_the_admin_shows_and_removes_and_keeps_direct_rooms_out(
    room, direct, ada, person, say, client_of
):
    if swaps.is_swapped("threadflow_chat", "Room"):
        pytest.skip("a swapped model is the site's to register")
    boss = person("boss", is_staff=True, is_superuser=True)
    mine, private = say(room, "Zanzibar"), say(direct, "Timbuktu")
    browser = client_of(boss)
    label = get_message_model()._meta
    url = reverse(f"admin:{label.app_label}_{label.model_name}_changelist")
    page = browser.get(url).content.decode()
    assert str(mine.pk) in page and str(private.pk) not in page
    for model in (get_room_model(), RoomLogEntry):
        meta = model._meta
        assert (
            browser.get(reverse(f"admin:{meta.app_label}_{meta.model_name}_changelist")).status_code
            == 200
        )
    browser.post(
        url, {"action": "remove_chosen", "_selected_action": [str(mine.pk), str(private.pk)]}
    )
    states = dict(get_message_model().objects.values_list("pk", "state"))
    assert states == {mine.pk: "removed", private.pk: "visible"}


def test_checks_find_settings_that_cannot_be(settings, db):  # a field asks what SQLite can do
    assert checks.check_values(None) == []
    settings.THREADFLOW_CHAT = {
        "GATED_KINDS": ("bound", "attic"),
        "PRESENCE_LEASE_SECONDS": 10,
        "PRESENCE_RENEW_SECONDS": 15,
        "HERE_WARN": 100,
        "HERE_MAX": 10,
        "COLOUR": "red",
    }
    found = {message.id for message in django_checks.run_checks()}
    assert {"threadflow_chat.E010", "threadflow_chat.E011", "threadflow_chat.W010"} <= found
    assert any(one.startswith("threadflow_chat.") for one in found - {"threadflow_chat.E010"})


def test_features_are_declared(settings):
    found = declared_features()
    assert found["chat.live"].free is True and str(found["chat.write"].label)
    settings.THREADFLOW_CHAT = {"FREE_FEATURES": ()}
    assert declared_features()["chat.live"].free is False


class Strict:
    """A site that lets nobody in without a reason."""

    def __getattr__(self, name):
        from threadflow_chat.adapter import ChatAdapter

        return getattr(ChatAdapter(), name)

    def may_take_part(self, *, person):
        if person.get_username() == "bo":
            return Verdict.no("not_verified", "Verify your address first.")
        return Verdict.yes()

    def is_spam(self, *, author, room, text):
        return "casino" in text

    def is_new(self, *, person):
        return True


def test_a_site_decides_differently(room, group, ada, bo, say, settings):
    settings.THREADFLOW_CHAT = {"ADAPTER": "tests.test_site.Strict"}
    with pytest.raises(NotAllowed) as refused:
        say(group, author=bo)
    assert refused.value.code == "not_verified"
    with pytest.raises(NotAllowed) as refused:
        say(room, "Best casino")
    assert refused.value.code == "spam"
    assert messages.limit_of(ada) == messages.NEWCOMER_LIMIT
    with pytest.raises(NotAllowed):
        rooms.direct(person=bo, other=ada)


def test_packages_add_kinds_of_messages(room, ada, say):
    message_kinds.register(message_kinds.MessageKind("poll", "poll", by_person=False))
    message = say(room, "Soup or stew?", kind="poll")
    assert frames.messages([message])[0]["kind"] == "poll"
    with pytest.raises(NotAllowed):
        messages.edit_message(editor=ada, message=message, text="Stew")
    note = messages.write_system_line(room=room, text="The room was opened")
    assert (note.author, note.mno, note.kind) == (None, 2, "system")
    assert frames.messages([note])[0]["author"]["id"] is None


def test_a_binding_that_is_gone_hides_its_rooms(room, ada):
    binding = bindings.binding_named("project")
    bindings.forget("project")
    try:
        assert not get_room_model().objects.visible_to(ada).exists()
        assert get_room_model().objects.get().effective_state == "archived"
    finally:
        bindings.register(binding)


def test_nothing_of_channels_redis_or_rest_is_imported_at_start():
    script = (
        "import django, sys; django.setup();"
        "print([m for m in ('channels', 'redis', 'rest_framework', 'PIL') if m in sys.modules])"
    )
    env = {"DJANGO_SETTINGS_MODULE": "tests.settings", "WITHOUT_API": "1", "WITHOUT_FORUM": "1"}
    import os

    found = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.strip() == "[]"
