from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from threadflow_core import swaps
from threadflow_core.ids import uuid7

from .. import message_kinds
from ..querysets import MessageQuerySet

if TYPE_CHECKING:
    from django.db.models import Manager


class MessageState(models.TextChoices):
    VISIBLE = "visible", _("visible")
    #: A bot is still writing it.
    STREAMING = "streaming", _("being written")
    DELETED = "deleted", _("deleted by its author")
    REMOVED = "removed", _("removed by a moderator")


SHOWN = (MessageState.VISIBLE, MessageState.STREAMING)


class AbstractMessage(models.Model):
    """One line of a room's log. Its number `mno` is its place there, without holes."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    room = models.ForeignKey(
        swaps.label("threadflow_chat", "Room"),
        verbose_name=_("room"),
        on_delete=models.CASCADE,
        related_name="messages",
        db_index=False,
    )
    mno = models.PositiveBigIntegerField(_("number"))
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("author"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        db_index=False,
    )
    #: A code of `message_kinds`.
    kind = models.CharField(_("kind"), max_length=20, default=message_kinds.TEXT)
    source = models.TextField(_("text"), blank=True, default="")
    html = models.TextField(blank=True, default="", editable=False)
    reply_to = models.ForeignKey(
        swaps.label("threadflow_chat", "Message"),
        verbose_name=_("answers"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    #: The client's own key of the message: sent twice, stored once.
    nonce = models.CharField(max_length=64, null=True, blank=True, editable=False)
    version = models.PositiveIntegerField(_("version"), default=1)
    state = models.CharField(
        _("state"), max_length=10, choices=MessageState.choices, default=MessageState.VISIBLE
    )
    created_at = models.DateTimeField(_("written"), default=timezone.now)
    edited_at = models.DateTimeField(_("edited"), null=True, blank=True)
    deleted_at = models.DateTimeField(_("deleted"), null=True, blank=True)
    #: Cards of linked pages, made by a job: {"url", "title", "description", "site"}.
    previews = models.JSONField(_("link previews"), default=list, blank=True)
    #: How many reactions and files there are, so that pages without any ask for none.
    reaction_count = models.PositiveIntegerField(default=0, editable=False)
    attachment_count = models.PositiveSmallIntegerField(default=0, editable=False)
    metadata = models.JSONField(_("metadata"), default=dict, blank=True)

    objects: Manager[Any] = MessageQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        abstract = True
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        constraints = [
            models.UniqueConstraint(fields=["room", "mno"], name="%(app_label)s_%(class)s_mno"),
            models.UniqueConstraint(
                fields=["room", "author", "nonce"], name="%(app_label)s_%(class)s_once"
            ),
        ]
        indexes = [
            models.Index(fields=["room", "created_at"]),
            models.Index(fields=["author", "-created_at"]),
        ]

    def __str__(self) -> str:
        return f"{self.room_id} {self.mno}"

    def get_absolute_url(self) -> str:
        """The message in its room."""
        url = self.room.get_absolute_url()
        return f"{url}?around={self.mno}#m-{self.pk}" if url else ""

    @property
    def is_visible(self) -> bool:
        return self.state in SHOWN

    @property
    def is_streaming(self) -> bool:
        return self.state == MessageState.STREAMING

    @property
    def is_by_bot(self) -> bool:
        return self.kind == message_kinds.BOT
