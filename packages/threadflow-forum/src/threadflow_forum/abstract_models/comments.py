from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from threadflow_core import swaps
from threadflow_core.ids import PublicIds

from .. import ranking
from ..querysets import CommentQuerySet
from .votable import Votable

if TYPE_CHECKING:
    from django.db.models import Manager


def _comment_key(**options: Any) -> Any:
    # The label, never "self": a swapped site would otherwise see changes in our migrations.
    return models.ForeignKey(
        swaps.label("threadflow_forum", "Comment"), null=True, blank=True, **options
    )


class AbstractComment(Votable):
    """A comment in the tree of a thread.

    `path` holds the numbers from the root down, four bytes each (see `paths`), so a subtree is
    an index range. A comment that is not visible stays as a stub while visible ones hang below.
    """

    public_ids = PublicIds("forum.comment")

    thread = models.ForeignKey(
        swaps.label("threadflow_forum", "Thread"),
        verbose_name=_("thread"),
        on_delete=models.CASCADE,
        related_name="comments",
        db_index=False,  # six indexes begin with the thread
    )
    parent = _comment_key(on_delete=models.CASCADE, related_name="children")
    #: None for a root. Goes with its thread like every comment, so nothing has to look for it.
    root = _comment_key(
        on_delete=models.DO_NOTHING, related_name="+", db_index=False, db_constraint=False
    )
    #: Whom a reply answers that would have gone deeper than the stored depth allows.
    answers = _comment_key(on_delete=models.SET_NULL, related_name="+")
    #: Place in the order of writing within the thread, from 1.
    number = models.PositiveIntegerField(_("number"), editable=False)
    #: Number of the parent, 0 for a root: no database walks an index in order below `IS NULL`.
    parent_number = models.PositiveIntegerField(default=0, editable=False)
    depth = models.PositiveSmallIntegerField(_("depth"), default=0, editable=False)
    path = models.BinaryField(max_length=404, editable=False)
    #: Visible direct replies, and visible replies at any depth.
    child_count = models.PositiveIntegerField(default=0, editable=False)
    descendant_count = models.PositiveIntegerField(default=0, editable=False)
    best = models.FloatField(_("best rank"), default=0.0, editable=False)

    objects: Manager[Any] = CommentQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        abstract = True
        verbose_name = _("comment")
        verbose_name_plural = _("comments")
        constraints = [
            models.UniqueConstraint(
                fields=["thread", "number"], name="%(app_label)s_%(class)s_number"
            ),
            models.UniqueConstraint(
                fields=["author", "nonce"], name="%(app_label)s_%(class)s_once"
            ),
        ]
        indexes = [
            models.Index(fields=["thread", "parent_number", "-best", "id"]),
            models.Index(fields=["thread", "parent_number", "-score", "id"]),
            models.Index(fields=["thread", "parent_number", "-controversy", "id"]),
            models.Index(fields=["thread", "parent_number", "number"]),
            models.Index(fields=["thread", "path"]),
            models.Index(fields=["author", "-created_at"]),
        ]

    def __str__(self) -> str:
        return f"#{self.number}"

    def get_absolute_url(self) -> str:
        threads: Any = type(self)._meta.get_field("thread").related_model
        thread_id = threads.public_ids.encode(self.thread_id)
        return reverse("threadflow_forum:comment", args=[thread_id, self.public_id])

    @property
    def is_shown(self) -> bool:
        """Whether the comment has a place in the tree, as itself or as a stub."""
        return self.is_visible or self.descendant_count > 0

    def rank(self) -> None:
        super().rank()
        self.best = ranking.best(self.up, self.down)
