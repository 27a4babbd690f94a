from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from threadflow_core import swaps
from threadflow_core.ids import PublicIds

from .. import ranking
from ..querysets import ThreadQuerySet
from .votable import Votable

if TYPE_CHECKING:
    from django.db.models import Manager


class ThreadKind(models.TextChoices):
    TEXT = "text", _("text")
    LINK = "link", _("link")


class AbstractThread(Votable):
    """A post in a sub that a discussion hangs on."""

    public_ids = PublicIds("forum.thread")

    sub = models.ForeignKey(
        swaps.label("threadflow_forum", "Sub"),
        verbose_name=_("sub"),
        on_delete=models.CASCADE,
        related_name="threads",
        db_index=False,  # five indexes begin with the sub
    )
    kind = models.CharField(
        _("kind"), max_length=10, choices=ThreadKind.choices, default=ThreadKind.TEXT
    )
    title = models.CharField(_("title"), max_length=300)
    slug = models.CharField(max_length=80, blank=True, editable=False)
    url = models.URLField(_("link"), max_length=2000, blank=True)
    domain = models.CharField(max_length=253, blank=True, editable=False)
    excerpt = models.CharField(max_length=300, blank=True, editable=False)
    flair = models.CharField(_("flair"), max_length=30, blank=True)
    locked_at = models.DateTimeField(_("locked"), null=True, blank=True)
    pinned_at = models.DateTimeField(_("pinned"), null=True, blank=True)
    hot = models.FloatField(_("hot rank"), default=0.0)
    #: Visible comments.
    comment_count = models.PositiveIntegerField(_("comments"), default=0)
    #: The number of the newest comment ever written here; the next one takes one more.
    last_number = models.PositiveIntegerField(default=0, editable=False)
    active_at = models.DateTimeField(_("last comment"), default=timezone.now)
    #: Grows with every change but votes: the version of what a cache may hold of the thread.
    block_version = models.PositiveIntegerField(default=1, editable=False)

    objects: Manager[Any] = ThreadQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        abstract = True
        verbose_name = _("thread")
        verbose_name_plural = _("threads")
        constraints = [
            models.UniqueConstraint(fields=["author", "nonce"], name="%(app_label)s_%(class)s_once")
        ]
        # Mixed feeds walk one index in rank order, so the sub comes last there.
        indexes = [
            models.Index(fields=["-hot", "-id", "sub"]),
            models.Index(fields=["-created_at", "-id", "sub"]),
            models.Index(fields=["-score", "-id", "sub"]),
            models.Index(fields=["-active_at", "-id", "sub"]),
            models.Index(fields=["-controversy", "-id", "sub"]),
            models.Index(fields=["sub", "-hot", "-id"]),
            models.Index(fields=["sub", "-created_at", "-id"]),
            models.Index(fields=["sub", "-score", "-id"]),
            models.Index(fields=["sub", "-active_at", "-id"]),
            models.Index(fields=["sub", "-controversy", "-id"]),
            models.Index(fields=["sub", "-pinned_at"]),
            models.Index(fields=["author", "-created_at"]),
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("threadflow_forum:thread", args=[self.public_id, self.slug or "-"])

    @property
    def is_locked(self) -> bool:
        return self.locked_at is not None

    @property
    def topic(self) -> str:
        """The name of the live topic that follows this thread."""
        return f"thread:{self.public_id}"

    def rank(self) -> None:
        super().rank()
        self.hot = ranking.hot(self.score, self.created_at)
