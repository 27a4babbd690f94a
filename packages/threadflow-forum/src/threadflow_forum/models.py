"""Concrete models. The three swappable ones are shells; the others are closed and hold the keys."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from threadflow_core import swaps

from .abstract_models import AbstractComment, AbstractSub, AbstractThread
from .querysets import MarkQuerySet, MembershipQuerySet

APP = "threadflow_forum"


class Sub(AbstractSub):
    class Meta(AbstractSub.Meta):
        swappable = swaps.swappable_setting(APP, "Sub")


class Thread(AbstractThread):
    class Meta(AbstractThread.Meta):
        swappable = swaps.swappable_setting(APP, "Thread")


class Comment(AbstractComment):
    class Meta(AbstractComment.Meta):
        swappable = swaps.swappable_setting(APP, "Comment")


class Role(models.TextChoices):
    """What a person is in a sub. `guest` rows exist for bans and karma of people outside."""

    GUEST = "guest", _("guest")
    REQUESTED = "requested", _("asked to join")
    MEMBER = "member", _("member")
    MODERATOR = "moderator", _("moderator")
    OWNER = "owner", _("owner")


INSIDE = (Role.MEMBER, Role.MODERATOR, Role.OWNER)
MODERATING = (Role.MODERATOR, Role.OWNER)


class Membership(models.Model):
    """Everything that ties one person to one sub: role, ban, karma. One row per pair."""

    sub = models.ForeignKey(
        swaps.label(APP, "Sub"),
        on_delete=models.CASCADE,
        related_name="memberships",
        db_index=False,
    )
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    role = models.CharField(_("role"), max_length=10, choices=Role.choices, default=Role.MEMBER)
    #: In a restricted sub only approved members post.
    is_approved = models.BooleanField(_("may post"), default=False)
    joined_at = models.DateTimeField(_("joined"), default=timezone.now)
    banned_at = models.DateTimeField(_("banned"), null=True, blank=True)
    #: End of a ban; empty with `banned_at` set means without end.
    banned_until = models.DateTimeField(_("banned until"), null=True, blank=True)
    ban_reason = models.CharField(_("reason of the ban"), max_length=300, blank=True)
    karma = models.IntegerField(_("karma here"), default=0)

    objects = MembershipQuerySet.as_manager()

    class Meta:
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        constraints = [
            models.UniqueConstraint(fields=["person", "sub"], name="threadflow_forum_member_once")
        ]
        indexes = [models.Index(fields=["sub", "role", "id"])]

    def __str__(self) -> str:
        return f"{self.person_id} in {self.sub_id}"

    @property
    def is_inside(self) -> bool:
        return self.role in INSIDE

    @property
    def is_moderating(self) -> bool:
        return self.role in MODERATING

    def is_banned(self, now: Any = None) -> bool:
        """Whether a ban holds at `now`. It ends by time alone; no job has to run."""
        if self.banned_at is None:
            return False
        return self.banned_until is None or self.banned_until > (now or timezone.now())


class Mark(models.Model):
    """What one person thinks of one thing: vote, saved, hidden. One row per pair.

    `effect` is what the vote counts for: 0 when it has been nullified. `karma` is the part of
    the effect that the author's karma already has.
    """

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    vote = models.SmallIntegerField(default=0)
    effect = models.SmallIntegerField(default=0)
    karma = models.SmallIntegerField(default=0)
    saved_at = models.DateTimeField(null=True, blank=True)

    objects = MarkQuerySet.as_manager()

    class Meta:
        abstract = True


class ThreadMark(Mark):
    thread = models.ForeignKey(
        swaps.label(APP, "Thread"), on_delete=models.CASCADE, related_name="marks"
    )
    hidden_at = models.DateTimeField(null=True, blank=True)
    #: The newest comment number that the person has seen; None before the first visit.
    read_number = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        verbose_name = _("mark on a thread")
        verbose_name_plural = _("marks on threads")
        constraints = [
            models.UniqueConstraint(
                fields=["person", "thread"], name="threadflow_forum_threadmark_once"
            ),
            models.CheckConstraint(
                condition=Q(vote__in=(-1, 0, 1)), name="threadflow_forum_threadmark_vote"
            ),
        ]
        indexes = [models.Index(fields=["person", "-saved_at"])]

    def __str__(self) -> str:
        return f"{self.person_id} on thread {self.thread_id}"


class CommentMark(Mark):
    comment = models.ForeignKey(
        swaps.label(APP, "Comment"), on_delete=models.CASCADE, related_name="marks"
    )

    class Meta:
        verbose_name = _("mark on a comment")
        verbose_name_plural = _("marks on comments")
        constraints = [
            models.UniqueConstraint(
                fields=["person", "comment"], name="threadflow_forum_commentmark_once"
            ),
            models.CheckConstraint(
                condition=Q(vote__in=(-1, 0, 1)), name="threadflow_forum_commentmark_vote"
            ),
        ]
        indexes = [models.Index(fields=["person", "-saved_at"])]

    def __str__(self) -> str:
        return f"{self.person_id} on comment {self.comment_id}"


class Block(models.Model):
    """`person` does not want to read `blocked`."""

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    blocked = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("block")
        verbose_name_plural = _("blocks")
        constraints = [
            models.UniqueConstraint(
                fields=["person", "blocked"], name="threadflow_forum_block_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.person_id} blocks {self.blocked_id}"


class ModAction(models.TextChoices):
    REMOVE_THREAD = "remove_thread", _("removed a thread")
    APPROVE_THREAD = "approve_thread", _("approved a thread")
    LOCK_THREAD = "lock_thread", _("locked a thread")
    UNLOCK_THREAD = "unlock_thread", _("unlocked a thread")
    PIN_THREAD = "pin_thread", _("pinned a thread")
    UNPIN_THREAD = "unpin_thread", _("unpinned a thread")
    REMOVE_COMMENT = "remove_comment", _("removed a comment")
    APPROVE_COMMENT = "approve_comment", _("approved a comment")
    BAN = "ban", _("banned a person")
    UNBAN = "unban", _("lifted a ban")
    APPROVE_MEMBER = "approve_member", _("let a person in")
    DECLINE_MEMBER = "decline_member", _("declined a request")
    CHANGE_ROLE = "change_role", _("changed a role")
    EDIT_SUB = "edit_sub", _("changed the settings")


class ModLogEntry(models.Model):
    """One row per privileged act, written in its transaction and never changed after.

    The database refuses updates of what happened (a trigger on both engines); only the links
    may be emptied when the thing itself is erased. Undoing an act is a new row that `reverts`.
    """

    sub = models.ForeignKey(
        swaps.label(APP, "Sub"), on_delete=models.CASCADE, related_name="modlog", db_index=False
    )
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    action = models.CharField(_("action"), max_length=20, choices=ModAction.choices)
    reason = models.CharField(_("reason"), max_length=300, blank=True)
    thread = models.ForeignKey(
        swaps.label(APP, "Thread"), null=True, on_delete=models.SET_NULL, related_name="+"
    )
    comment = models.ForeignKey(
        swaps.label(APP, "Comment"), null=True, on_delete=models.SET_NULL, related_name="+"
    )
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    details = models.JSONField(default=dict, blank=True)
    reverts = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("entry of the moderation log")
        verbose_name_plural = _("moderation log")
        indexes = [models.Index(fields=["sub", "-created_at", "-id"])]

    def __str__(self) -> str:
        return f"{self.get_action_display()} ({self.sub_id})"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self.pk is not None and not self._state.adding:
            raise TypeError("The moderation log is append-only.")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError("The moderation log is append-only.")
