"""Concrete models. The two swappable ones are shells; the others are closed and hold the keys."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from threadflow_core import swaps

from .abstract_models import AbstractMessage, AbstractRoom
from .querysets import RoomMemberQuerySet

APP = "threadflow_chat"


class Room(AbstractRoom):
    class Meta(AbstractRoom.Meta):
        swappable = swaps.swappable_setting(APP, "Room")


class Message(AbstractMessage):
    class Meta(AbstractMessage.Meta):
        swappable = swaps.swappable_setting(APP, "Message")


class Role(models.TextChoices):
    """What a person is in a room. `guest` rows exist for bans and pointers of people outside."""

    GUEST = "guest", _("guest")
    MEMBER = "member", _("member")
    MODERATOR = "moderator", _("moderator")
    OWNER = "owner", _("owner")


INSIDE = (Role.MEMBER, Role.MODERATOR, Role.OWNER)
MODERATING = (Role.MODERATOR, Role.OWNER)


class Level(models.TextChoices):
    """What a member wants to be told of."""

    ALL = "all", _("every message")
    MENTIONS = "mentions", _("mentions only")
    NONE = "none", _("nothing")


class RoomMember(models.Model):
    """Everything that ties one person to one room. One row per pair."""

    room = models.ForeignKey(
        swaps.label(APP, "Room"), on_delete=models.CASCADE, related_name="members", db_index=False
    )
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    role = models.CharField(_("role"), max_length=10, choices=Role.choices, default=Role.MEMBER)
    level = models.CharField(
        _("notifications"), max_length=10, choices=Level.choices, default=Level.ALL
    )
    #: Number of the newest message that the person has read; it only grows, but for "mark unread".
    last_read_mno = models.PositiveBigIntegerField(default=0)
    #: Unread messages that name the person.
    mention_count = models.PositiveIntegerField(default=0)
    joined_at = models.DateTimeField(_("joined"), default=timezone.now)
    muted_until = models.DateTimeField(_("muted until"), null=True, blank=True)
    banned_at = models.DateTimeField(_("banned"), null=True, blank=True)
    #: End of a ban; empty with `banned_at` set means without end.
    banned_until = models.DateTimeField(_("banned until"), null=True, blank=True)
    ban_reason = models.CharField(_("reason of the ban"), max_length=300, blank=True)
    #: For slow mode and for the check of repeated texts.
    last_sent_at = models.DateTimeField(null=True, blank=True)
    last_sent_hash = models.CharField(max_length=32, blank=True, default="")

    objects = RoomMemberQuerySet.as_manager()

    class Meta:
        verbose_name = _("member of a room")
        verbose_name_plural = _("members of rooms")
        constraints = [
            models.UniqueConstraint(fields=["person", "room"], name="threadflow_chat_member_once")
        ]
        indexes = [models.Index(fields=["room", "role", "id"])]

    def __str__(self) -> str:
        return f"{self.person_id} in {self.room_id}"

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

    def is_muted(self, now: Any = None) -> bool:
        return self.muted_until is not None and self.muted_until > (now or timezone.now())


class MessageRevision(models.Model):
    """A text that a message had before it was edited."""

    message = models.ForeignKey(
        swaps.label(APP, "Message"),
        on_delete=models.CASCADE,
        related_name="revisions",
        db_index=False,
    )
    version = models.PositiveIntegerField(_("version"))
    source = models.TextField(_("text"))
    html = models.TextField()
    created_at = models.DateTimeField(_("replaced"), default=timezone.now)

    class Meta:
        verbose_name = _("earlier text of a message")
        verbose_name_plural = _("earlier texts of messages")
        constraints = [
            models.UniqueConstraint(
                fields=["message", "version"], name="threadflow_chat_revision_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.message_id} {self.version}"


class Reaction(models.Model):
    """One person's one emoji on one message."""

    message = models.ForeignKey(
        swaps.label(APP, "Message"),
        on_delete=models.CASCADE,
        related_name="reactions",
        db_index=False,
    )
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    emoji = models.CharField(_("emoji"), max_length=32)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("reaction")
        verbose_name_plural = _("reactions")
        constraints = [
            models.UniqueConstraint(
                fields=["message", "emoji", "person"], name="threadflow_chat_reaction_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.emoji} {self.message_id}"


class Pin(models.Model):
    """A message that is kept in sight."""

    message = models.OneToOneField(
        swaps.label(APP, "Message"), on_delete=models.CASCADE, related_name="pin"
    )
    room = models.ForeignKey(
        swaps.label(APP, "Room"), on_delete=models.CASCADE, related_name="pins", db_index=False
    )
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(_("pinned"), default=timezone.now)

    class Meta:
        verbose_name = _("pinned message")
        verbose_name_plural = _("pinned messages")
        indexes = [models.Index(fields=["room", "-created_at"])]

    def __str__(self) -> str:
        return f"{self.message_id}"


class Mention(models.Model):
    """A message that names a person (or, by `@here`, everybody)."""

    message = models.ForeignKey(
        swaps.label(APP, "Message"), on_delete=models.CASCADE, related_name="mentions"
    )
    room = models.ForeignKey(
        swaps.label(APP, "Room"), on_delete=models.CASCADE, related_name="+", db_index=False
    )
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    mno = models.PositiveBigIntegerField()

    class Meta:
        verbose_name = _("mention")
        verbose_name_plural = _("mentions")
        constraints = [
            models.UniqueConstraint(
                fields=["person", "message"], name="threadflow_chat_mention_once"
            )
        ]
        indexes = [models.Index(fields=["room", "person", "mno"])]

    def __str__(self) -> str:
        return f"{self.person_id} in {self.message_id}"


class RoomAction(models.TextChoices):
    MUTE = "mute", _("muted a person")
    UNMUTE = "unmute", _("let a person speak again")
    KICK = "kick", _("sent a person out")
    BAN = "ban", _("banned a person")
    UNBAN = "unban", _("lifted a ban")
    CHANGE_ROLE = "change_role", _("changed a role")
    REMOVE_MESSAGE = "remove_message", _("removed a message")
    RESTORE_MESSAGE = "restore_message", _("restored a message")
    EDIT_ROOM = "edit_room", _("changed the room")


class RoomLogEntry(models.Model):
    """One row per privileged act, written in its transaction."""

    room = models.ForeignKey(
        swaps.label(APP, "Room"), on_delete=models.CASCADE, related_name="log", db_index=False
    )
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    action = models.CharField(_("action"), max_length=20, choices=RoomAction.choices)
    reason = models.CharField(_("reason"), max_length=300, blank=True)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    message = models.ForeignKey(
        swaps.label(APP, "Message"), null=True, on_delete=models.SET_NULL, related_name="+"
    )
    details = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("entry of a room's log")
        verbose_name_plural = _("logs of rooms")
        indexes = [models.Index(fields=["room", "-created_at", "-id"])]

    def __str__(self) -> str:
        return f"{self.get_action_display()} ({self.room_id})"
