from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ..querysets import SubQuerySet

if TYPE_CHECKING:
    from django.db.models import Manager

SLUG = r"^[a-z0-9][a-z0-9_]{1,29}\Z"
slug_rule = RegexValidator(
    SLUG,
    _("Use 2 to 30 small letters, digits and underscores, starting with a letter or digit."),
)


class Visibility(models.TextChoices):
    PUBLIC = "public", _("public: everybody reads, members and guests post")
    RESTRICTED = "restricted", _("restricted: everybody reads, approved members post")
    PRIVATE = "private", _("private: only members read and post")


class AbstractSub(models.Model):
    """A community: a name, its rules, and who may read and write there."""

    slug = models.CharField(_("name"), max_length=30, unique=True, validators=[slug_rule])
    title = models.CharField(_("title"), max_length=100)
    description = models.CharField(_("in one sentence"), max_length=300, blank=True)
    sidebar = models.TextField(_("about"), blank=True)
    sidebar_html = models.TextField(blank=True, editable=False)
    #: A list of {"title", "text"}; reports and removals refer to a rule by its place, from 1.
    rules = models.JSONField(_("rules"), default=list, blank=True)
    #: A list of {"code", "label", "hue"}: what a thread's `flair` may be.
    flairs = models.JSONField(_("flairs"), default=list, blank=True)
    visibility = models.CharField(
        _("visibility"), max_length=10, choices=Visibility.choices, default=Visibility.PUBLIC
    )
    hue = models.PositiveSmallIntegerField(_("colour"), default=1)
    icon = models.CharField(_("icon"), max_length=40, blank=True)
    founder = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("founder"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    created_at = models.DateTimeField(_("opened"), default=timezone.now)
    archived_at = models.DateTimeField(_("archived"), null=True, blank=True)
    member_count = models.PositiveIntegerField(_("members"), default=0)
    thread_count = models.PositiveIntegerField(_("threads"), default=0)
    active_at = models.DateTimeField(_("last thread or comment"), default=timezone.now)
    version = models.PositiveIntegerField(_("version"), default=1)
    metadata = models.JSONField(_("metadata"), default=dict, blank=True)

    objects: Manager[Any] = SubQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        abstract = True
        verbose_name = _("sub")
        verbose_name_plural = _("subs")
        indexes = [
            models.Index(fields=["-member_count", "-id"]),
            models.Index(fields=["-active_at", "-id"]),
        ]

    def __str__(self) -> str:
        return self.slug

    def get_absolute_url(self) -> str:
        return reverse("threadflow_forum:sub", args=[self.slug])

    @property
    def is_private(self) -> bool:
        return self.visibility == Visibility.PRIVATE

    @property
    def is_restricted(self) -> bool:
        return self.visibility == Visibility.RESTRICTED

    def flair_of(self, code: str) -> dict[str, Any] | None:
        """The flair with this code, or None when the sub has none (any more)."""
        return next((flair for flair in self.flairs if flair.get("code") == code), None)
