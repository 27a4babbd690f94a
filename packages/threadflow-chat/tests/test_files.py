"""Files of messages, search in them, and flags."""

from __future__ import annotations

import uuid

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.files.uploadedfile import SimpleUploadedFile

from threadflow_chat import frames
from threadflow_chat.services import finding, flags, membership, messages
from threadflow_chat.swaps import get_message_model
from threadflow_core import search, uploads
from threadflow_core.exceptions import Invalid, NotAllowed, SignInRequired
from threadflow_core.records import Report

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154"
    "789c6360606060000000050001a5f645400000000049454e44ae426082"
)


def store(owner, name="loaf.png", content=PNG):
    pytest.importorskip("PIL", reason="images need threadflow-core[uploads]")
    return uploads.store(SimpleUploadedFile(name, content), owner=owner, visibility="target")


def test_files_are_fetched_by_who_reads_the_room(group, ada, bo, person, say, client_of):
    upload = store(ada)
    message = say(group, "", attachments=[upload.pk])
    (frame,) = frames.messages([message])
    assert frame["att"][0]["name"] == "loaf.png" and frame["att"][0]["width"] == 1
    url = frame["att"][0]["url"]
    statuses = [client_of(one).get(url).status_code for one in (ada, bo, person("cy"), None)]
    assert statuses == [200, 200, 404, 404]
    membership.kick(moderator=ada, room=group, person=bo)
    assert client_of(bo).get(url).status_code == 404
    messages.delete_message(person=ada, message=message)
    assert client_of(ada).get(url).status_code == 404


def test_a_file_that_lies_or_is_somebody_elses_is_refused(room, ada, bo, say):
    with pytest.raises(uploads.Refused):
        store(ada, "loaf.png", b"<html><script>alert(1)</script>")
    for keys in ([store(bo).pk], [uuid.uuid4()], [uuid.uuid4() for _ in range(11)]):
        with pytest.raises(Invalid):
            say(room, attachments=keys)
    assert get_message_model().objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_search_finds_what_one_may_read(room, group, ada, bo, person, say):
    mine = say(room, "The sourdough rises")
    inside = say(group, "Sourdough among us")
    assert {m.pk for m in finding.find(person=bo, text="sourdough").messages} == {
        mine.pk,
        inside.pk,
    }
    assert [m.pk for m in finding.find(person=person("cy"), text="sourdough").messages] == [mine.pk]
    found = finding.find(person=bo, text="sourdough", room=group).messages
    assert [m.pk for m in found] == [inside.pk]
    messages.delete_message(person=ada, message=mine)
    assert [m.pk for m in finding.find(person=ada, text="sourdough").messages] == [inside.pk]
    search.rebuild("chat_message")
    assert [m.pk for m in finding.find(person=ada, text="sourdough").messages] == [inside.pk]


def test_a_flag_reaches_those_who_look_after_the_site(room, ada, bo, say):
    message = say(room)
    for _ in range(2):
        flags.flag(person=bo, message=message, reason="Spam")
    assert Report.objects.get().target_id == str(message.pk)
    for one, reason in ((ada, "Mine"), (bo, "  ")):
        with pytest.raises((NotAllowed, Invalid)):
            flags.flag(person=one, message=message, reason=reason)
    with pytest.raises(SignInRequired):
        flags.flag(person=AnonymousUser(), message=message, reason="Spam")
