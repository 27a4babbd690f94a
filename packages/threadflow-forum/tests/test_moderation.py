"""Moderating: who may, what is logged, what others see."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone

from threadflow_core.exceptions import Conflict, NotAllowed
from threadflow_forum.models import Membership, ModAction, ModLogEntry
from threadflow_forum.services import comments, moderation, subs, threads


def test_removing_writes_one_line_and_undoing_refers_to_it(mod, bo, thread, write):
    comment = write(thread)
    moderation.remove_comment(moderator=mod, comment=comment, reason="Rule 3")
    moderation.remove_comment(moderator=mod, comment=comment, reason="Rule 3")
    moderation.approve_comment(moderator=mod, comment=comment)
    removed, approved = ModLogEntry.objects.order_by("id")
    assert (removed.action, removed.reason) == (ModAction.REMOVE_COMMENT, "Rule 3")
    assert approved.reverts_id == removed.pk


def test_a_refused_act_leaves_no_trace(ada, bo, thread, write):
    with pytest.raises(NotAllowed):
        moderation.remove_comment(moderator=ada, comment=write(thread))
    assert not ModLogEntry.objects.exists()


def test_moderators_of_another_sub_have_no_say(ada, thread):
    subs.open_sub(founder=ada, slug="elsewhere", title="Elsewhere")
    with pytest.raises(NotAllowed):
        moderation.set_locked(moderator=ada, thread=thread, locked=True)


def test_what_the_author_deleted_stays_deleted(mod, bo, thread, write):
    comment = write(thread)
    comments.delete_comment(author=bo, comment=comment)
    with pytest.raises(Conflict):
        moderation.approve_comment(moderator=mod, comment=comment)


def test_the_database_refuses_to_change_the_log(mod, thread):
    moderation.set_locked(moderator=mod, thread=thread, locked=True, reason="Heated")
    with pytest.raises(DatabaseError), transaction.atomic():
        ModLogEntry.objects.update(reason="Nothing happened")
    with pytest.raises(TypeError):
        ModLogEntry.objects.get().delete()
    assert ModLogEntry.objects.get().reason == "Heated"


def test_a_ban_ends_by_time_alone(mod, bo, thread, write):
    until = timezone.now() + timedelta(hours=1)
    row = moderation.ban(moderator=mod, sub=thread.sub, person=bo, until=until)
    with pytest.raises(NotAllowed):
        write(thread)
    assert row.is_banned() and not row.is_banned(until + timedelta(seconds=1))
    Membership.objects.filter(pk=row.pk).update(banned_until=timezone.now())
    write(thread)


def test_moderators_cannot_be_banned(mod, ada, sub, person):
    other = person("other")
    subs.join(person=other, sub=sub)
    Membership.objects.filter(person=other).update(role="moderator")
    with pytest.raises(NotAllowed):
        moderation.ban(moderator=other, sub=sub, person=mod)


def test_a_removed_thread_leaves_every_list(client_of, mod, thread):
    moderation.remove_thread(moderator=mod, thread=thread, reason="Rule 1")
    for path in ("/community/all/", "/community/", f"/community/s/{thread.sub.slug}/"):
        assert thread.title not in client_of().get(path).content.decode()
    page = client_of().get(thread.get_absolute_url()).content.decode()
    assert thread.title not in page and "Rule 1" in page
    thread.sub.refresh_from_db()
    assert thread.sub.thread_count == 0


def test_undo_of_a_deletion_ends(bo, thread, write, settings):
    settings.THREADFLOW_FORUM = {"UNDO_SECONDS": 0}
    comment = comments.delete_comment(author=bo, comment=write(thread))
    with pytest.raises(NotAllowed) as refused:
        comments.undelete_comment(author=bo, comment=comment)
    assert refused.value.code == "too_late"


def test_private_subs_let_nobody_in_by_themselves(ada, mod, private_sub):
    asked = subs.join(person=ada, sub=private_sub)
    assert asked.role == "requested"
    with pytest.raises(NotAllowed):
        threads.post_thread(author=ada, sub=private_sub, title="Hello")
    moderation.answer_request(moderator=mod, sub=private_sub, person=ada, let_in=True)
    assert threads.post_thread(author=ada, sub=private_sub, title="Hello").pk
    private_sub.refresh_from_db()
    assert private_sub.member_count == 2


def test_restricted_subs_take_threads_from_approved_members(ada, mod):
    sub = subs.open_sub(founder=mod, slug="strict", title="Strict", visibility="restricted")
    subs.join(person=ada, sub=sub)
    with pytest.raises(NotAllowed) as refused:
        threads.post_thread(author=ada, sub=sub, title="Hello")
    assert refused.value.code == "approval_needed"
    moderation.answer_request(moderator=mod, sub=sub, person=ada, let_in=True)
    assert threads.post_thread(author=ada, sub=sub, title="Hello").pk


def test_every_model_with_a_person_is_known_to_privacy(db):
    from threadflow_core import privacy

    assert [
        m for m in privacy.unregistered_models() if m.startswith(("threadflow", "swapped"))
    ] == []


def test_erasing_a_person_keeps_the_talk_and_drops_the_name(bo, thread, write):
    from threadflow_core import privacy

    comment = write(thread)
    privacy.erase(bo)
    comment.refresh_from_db()
    assert comment.author_id is None and comment.body
