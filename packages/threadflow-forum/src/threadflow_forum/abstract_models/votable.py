"""What threads and comments have in common: text, author, state, votes."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from threadflow_core.ids import PublicIds

from .. import ranking


class State(models.TextChoices):
    """Whether the text is shown. Anything but `visible` leaves a stub where replies hang on it."""

    VISIBLE = "visible", _("visible")
    PENDING = "pending", _("waiting for a moderator")
    REMOVED = "removed", _("removed by a moderator")
    DELETED = "deleted", _("deleted by the author")


class Votable(models.Model):
    """A text by somebody that others vote on."""

    public_ids: ClassVar[PublicIds]

    author = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("author"),
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
        db_index=False,  # both tables have an index that begins with the author
    )
    body = models.TextField(_("text"), blank=True)
    body_html = models.TextField(_("rendered text"), blank=True, editable=False)
    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.VISIBLE)
    state_reason = models.CharField(_("reason"), max_length=300, blank=True, default="")
    created_at = models.DateTimeField(_("posted"), default=timezone.now)
    edited_at = models.DateTimeField(_("edited"), null=True, blank=True)
    deleted_at = models.DateTimeField(_("deleted"), null=True, blank=True)
    version = models.PositiveIntegerField(_("version"), default=1)
    #: One-time key of the form or the client: the same key again is the same post.
    nonce = models.CharField(_("one-time key"), max_length=64, null=True, blank=True)
    up = models.PositiveIntegerField(_("upvotes"), default=0)
    down = models.PositiveIntegerField(_("downvotes"), default=0)
    score = models.IntegerField(_("score"), default=0)
    controversy = models.FloatField(_("controversy"), default=0.0)
    metadata = models.JSONField(_("metadata"), default=dict, blank=True)

    class Meta:
        abstract = True

    @property
    def public_id(self) -> str:
        return self.public_ids.encode(self.pk)

    @property
    def is_visible(self) -> bool:
        return self.state == State.VISIBLE

    def count_vote(self, before: int, after: int) -> None:
        """Move one vote's effect from `before` to `after` (each −1, 0 or 1) and rank anew.

        The row must be locked: the new ranks follow from the counters just read.
        """
        self.up += (after == 1) - (before == 1)
        self.down += (after == -1) - (before == -1)
        self.score = self.up - self.down
        self.rank()

    def rank(self) -> None:
        """Set the stored ranks from the counters."""
        self.controversy = ranking.controversy(self.up, self.down)
