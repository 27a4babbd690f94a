from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from threadflow_core.ids import uuid7

from .. import bindings
from ..querysets import RoomQuerySet

if TYPE_CHECKING:
    from django.db.models import Manager


class RoomKind(models.TextChoices):
    BOUND = "bound", _("room of an object")
    DIRECT = "direct", _("direct messages")
    GROUP = "group", _("group")


class RoomVisibility(models.TextChoices):
    PUBLIC = "public", _("public: whoever sees what it belongs to")
    PRIVATE = "private", _("private: only its members")


class RoomState(models.TextChoices):
    OPEN = bindings.OPEN, _("open")
    READ_ONLY = bindings.READ_ONLY, _("read-only")
    ARCHIVED = bindings.ARCHIVED, _("archived")


_ORDER = (RoomState.OPEN, RoomState.READ_ONLY, RoomState.ARCHIVED)


class AbstractRoom(models.Model):
    """A place where people talk: bound to an object, of two people, or a group."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(_("kind"), max_length=10, choices=RoomKind.choices)
    #: Code of the binding, or "direct"; empty for groups.
    target_kind = models.CharField(_("belongs to a"), max_length=30, default="", blank=True)
    #: Key of the object (see `bindings.key_of`), or of the pair of people.
    target_key = models.CharField(_("key"), max_length=100, default="", blank=True)
    #: Of a bound room: its object's, taken again when the room is opened or edited.
    title = models.CharField(_("title"), max_length=300, default="", blank=True)
    topic = models.CharField(_("topic"), max_length=300, default="", blank=True)
    visibility = models.CharField(
        _("visibility"),
        max_length=10,
        choices=RoomVisibility.choices,
        default=RoomVisibility.PUBLIC,
    )
    state = models.CharField(
        _("state"), max_length=10, choices=RoomState.choices, default=RoomState.OPEN
    )
    #: Seconds between two messages of one person; 0: no slow mode.
    slow_seconds = models.PositiveIntegerField(_("slow mode"), default=0)
    #: Number of the newest message; the next one takes one more.
    last_mno = models.PositiveBigIntegerField(default=0, editable=False)
    last_message_at = models.DateTimeField(_("last message"), null=True, blank=True)
    member_count = models.PositiveIntegerField(_("members"), default=0, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("opened by"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    created_at = models.DateTimeField(_("opened"), default=timezone.now)
    metadata = models.JSONField(_("metadata"), default=dict, blank=True)

    objects: Manager[Any] = RoomQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        abstract = True
        verbose_name = _("room")
        verbose_name_plural = _("rooms")
        constraints = [
            models.UniqueConstraint(
                fields=["target_kind", "target_key"],
                condition=~Q(target_key=""),
                name="%(app_label)s_%(class)s_target",
            ),
        ]
        indexes = [models.Index(fields=["-last_message_at", "-id"])]

    def __str__(self) -> str:
        return self.title or f"{self.kind} {self.pk}"

    def get_absolute_url(self) -> str:
        """The page of the room, "" where a site has not mounted the pages."""
        try:
            return reverse("threadflow_chat:room", args=[self.pk])
        except NoReverseMatch:
            return ""

    @property
    def live_topic(self) -> str:
        """The name of the live topic that follows this room."""
        return f"room:{self.pk}"

    @property
    def is_direct(self) -> bool:
        return self.kind == RoomKind.DIRECT

    @property
    def is_private(self) -> bool:
        return self.visibility == RoomVisibility.PRIVATE

    @property
    def binding(self) -> bindings.Binding | None:
        """The binding of a bound room; None when its package is no longer installed."""
        return bindings.binding_named(self.target_kind) if self.kind == RoomKind.BOUND else None

    @cached_property
    def target(self) -> Any:
        """The object of a bound room, None when it is gone. One query, remembered."""
        binding = self.binding
        return binding.load(self.target_key) if binding is not None else None

    @property
    def target_url(self) -> str:
        binding = self.binding
        return binding.url(self.target) if binding is not None and self.target is not None else ""

    @property
    def effective_state(self) -> str:
        """The stricter of the room's own state and that of its object."""
        if self.kind != RoomKind.BOUND:
            return self.state
        binding = self.binding
        if binding is None or self.target is None:
            return RoomState.ARCHIVED
        states = [RoomState(self.state), RoomState(binding.state(self.target))]
        return max(states, key=_ORDER.index)
