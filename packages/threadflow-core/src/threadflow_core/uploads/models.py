"""The one table of uploaded files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.files.storage import Storage, storages
from django.db import models
from django.db.models import Q, Sum
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ..app_settings import app_settings
from ..ids import uuid7

if TYPE_CHECKING:
    from typing import Self


def storage() -> Storage:
    """The storage named by `UPLOAD_STORAGE`; it should not be served by the web server."""
    return storages[app_settings.UPLOAD_STORAGE]


def path_for(upload: Upload, filename: str) -> str:
    """A path made of nothing that a person typed."""
    extension = filename.rsplit(".", 1)[-1]
    return f"uploads/{upload.created_at:%Y/%m}/{upload.pk.hex}.{extension}"


class UploadQuerySet(models.QuerySet["Upload"]):
    def visible_to(self, person: Any) -> Self:
        """Files that `person` may fetch by themselves: public ones and their own.

        A file that belongs to an object is opened by that object's door instead; see
        `uploads.get_visible`.
        """
        mine = Q(owner_id=person.pk) if getattr(person, "pk", None) else Q(pk=None)
        return self.filter(mine | Q(visibility=Upload.Visibility.PUBLIC))

    def of(self, target: models.Model) -> Self:
        """Files that belong to `target`, in the order in which they came."""
        return self.filter(target_type=target._meta.label_lower, target_id=str(target.pk)).order_by(
            "id"
        )

    def bytes_of(self, person: Any) -> int:
        return self.filter(owner_id=person.pk).aggregate(total=Sum("size"))["total"] or 0


class Upload(models.Model):
    """A stored file, re-encoded where it is an image. Every fetch asks for rights again."""

    class Visibility(models.TextChoices):
        OWNER = "owner", _("the uploader")
        TARGET = "target", _("who may see the object that it belongs to")
        PUBLIC = "public", _("everybody")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        verbose_name=_("uploader"),
    )
    kind = models.CharField(_("kind"), max_length=40)
    file = models.FileField(_("file"), upload_to=path_for, storage=storage, max_length=200)
    name = models.CharField(_("name"), max_length=120)
    content_type = models.CharField(_("content type"), max_length=80)
    size = models.PositiveBigIntegerField(_("bytes"))
    width = models.PositiveIntegerField(_("width"), null=True, blank=True)
    height = models.PositiveIntegerField(_("height"), null=True, blank=True)
    sha256 = models.CharField(max_length=64)
    tags = models.JSONField(_("tags"), default=list, blank=True)
    visibility = models.CharField(
        _("visible to"), max_length=8, choices=Visibility.choices, default=Visibility.OWNER
    )
    target_type = models.CharField(_("belongs to"), max_length=100, default="", blank=True)
    target_id = models.CharField(_("key of its object"), max_length=64, default="", blank=True)
    created_at = models.DateTimeField(_("created"), default=timezone.now)

    objects = UploadQuerySet.as_manager()

    class Meta:
        verbose_name = _("upload")
        verbose_name_plural = _("uploads")
        indexes = [
            models.Index(fields=["target_type", "target_id"], name="tf_upload_target"),
            models.Index(
                fields=["created_at"], condition=Q(target_id=""), name="tf_upload_unclaimed"
            ),
        ]

    def __str__(self) -> str:
        return self.name
