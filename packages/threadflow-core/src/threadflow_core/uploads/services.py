"""Taking files in, tying them to objects, giving them out, deleting them."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.apps import apps
from django.contrib.auth import get_user_model
from django.core.files.base import ContentFile
from django.db import transaction
from django.db.models import Model
from django.utils.translation import gettext_lazy as _

from .. import jobs, ports
from ..app_settings import app_settings
from ..exceptions import NotFound, TooLarge
from . import images, kinds
from .kinds import Refused

if TYPE_CHECKING:
    from .models import Upload

_HEAD = 4096
# Control characters and those that turn the direction of text, so that "gpj.exe" stays itself.
_UNSEEN = re.compile("[\x00-\x1f\x7f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def store(
    file: Any,
    *,
    owner: Any,
    kind: str = "image",
    target: Model | None = None,
    visibility: str | None = None,
    tags: list[str] | None = None,
    max_bytes: int | None = None,
) -> Upload:
    """Check `file` (an uploaded file), re-encode images, store it, and return its row.

    With `target` it may be fetched by whoever may see that object, otherwise by `owner` alone.
    A file for a text that is still being written is stored with `visibility="target"` and no
    target: `attach` ties it later, and after a day without it is deleted. `max_bytes` narrows
    the kind's own bound. Raises TooLarge and uploads.Refused. Call it outside of transactions:
    storing may take long.
    """
    from .models import Upload

    use = kinds.kind_named(kind)
    most = min(n for n in (use.max_bytes, max_bytes, app_settings.UPLOAD_MAX_BYTES) if n)
    _check_size(file, most)
    content_type = _check_type(file, use)
    _scan(file, content_type)
    content, width, height = _content(file, content_type, use)
    _check_quota(owner, len(content))
    upload = Upload(
        owner=owner,
        kind=kind,
        name=display_name(file.name, content_type),
        content_type=content_type,
        size=len(content),
        width=width,
        height=height,
        sha256=hashlib.sha256(content).hexdigest(),
        tags=tags or [],
        visibility=visibility or (Upload.Visibility.TARGET if target else Upload.Visibility.OWNER),
        **_target(target),
    )
    upload.file.save(f"x.{kinds.EXTENSIONS[content_type]}", ContentFile(content), save=False)
    try:
        _insert(upload, owner)
    except BaseException:
        upload.file.delete(save=False)  # no row, no file
        raise
    return upload


@transaction.atomic
def attach(upload_ids: list[UUID], target: Model, *, owner: Any) -> int:
    """Tie uploads of `owner` that belong to nothing yet to `target`; returns how many.

    From now on they are seen by whoever may see `target`. Ids of others are passed over.
    """
    from .models import Upload

    found = Upload.objects.filter(pk__in=upload_ids, owner=owner, target_id="")
    return found.update(visibility=Upload.Visibility.TARGET, **_target(target))


def get_visible(person: Any, upload_id: UUID) -> Upload:
    """The upload, if `person` may fetch it now; raises NotFound otherwise and says no more."""
    from .models import Upload

    upload = Upload.objects.filter(pk=upload_id).first()
    if upload is None or not _may_fetch(person, upload):
        raise NotFound()
    return upload


@transaction.atomic
def delete(upload: Upload) -> None:
    """Delete the row now and the stored file by a job once this is committed."""
    jobs.emit("core.upload_deleted", path=upload.file.name)
    upload.delete()


def delete_all_of(person: Any) -> None:
    """Delete everything that `person` uploaded."""
    from .models import Upload

    for upload in Upload.objects.filter(owner=person).iterator():
        delete(upload)


def display_name(name: str, content_type: str) -> str:
    """What a file is called when it is downloaded: the typed name, made harmless, with the
    extension of what it is."""
    base = re.split(r"[/\\]", name or "")[-1]
    stem = _UNSEEN.sub("", base).rsplit(".", 1)[0].strip(" .")[:100]
    return f"{stem or 'file'}.{kinds.EXTENSIONS[content_type]}"


def _check_size(file: Any, most: int) -> None:
    if not file.size:
        raise Refused(_("This file is empty."), code="upload_empty")
    if file.size > most:
        megabytes = f"{most / 1024 / 1024:g}"
        raise TooLarge(_("Files may have up to %(size)s MB.") % {"size": megabytes})


def _check_type(file: Any, use: kinds.UploadKind) -> str:
    file.seek(0)
    content_type = kinds.sniff(file.read(_HEAD))
    file.seek(0)
    if content_type not in use.types:
        raise Refused(_("Files of this type are not taken here."), code="upload_type")
    return content_type


def _scan(file: Any, content_type: str) -> None:
    if app_settings.UPLOAD_SCANNER:
        app_settings.load("UPLOAD_SCANNER")(file, content_type)
        file.seek(0)


def _content(
    file: Any, content_type: str, use: kinds.UploadKind
) -> tuple[bytes, int | None, int | None]:
    if content_type not in kinds.IMAGE_TYPES:
        return file.read(), None, None
    encoded = images.encode(file, content_type, use.max_side or app_settings.UPLOAD_MAX_SIDE)
    return encoded.content, encoded.width, encoded.height


def _check_quota(owner: Any, size: int) -> None:
    from .models import Upload

    quota = app_settings.UPLOAD_QUOTA_BYTES
    if quota and owner is not None and Upload.objects.bytes_of(owner) + size > quota:
        raise Refused(_("Your space for files is used up."), code="upload_quota")


@transaction.atomic
def _insert(upload: Upload, owner: Any) -> None:
    if owner is not None:
        # Two uploads at once must not both fit into the last free bytes.
        # (`owner` may be a request's lazy user, whose type knows no rows.)
        get_user_model()._default_manager.select_for_update().filter(pk=owner.pk).first()
        _check_quota(owner, upload.size)
    upload.save(force_insert=True)


def _target(target: Model | None) -> dict[str, str]:
    if target is None:
        return {}
    return {"target_type": target._meta.label_lower, "target_id": str(target.pk)}


def _may_fetch(person: Any, upload: Upload) -> bool:
    if upload.visibility == upload.Visibility.PUBLIC:
        return True
    if upload.visibility == upload.Visibility.TARGET and upload.target_id:
        try:
            model = apps.get_model(upload.target_type)
        except LookupError:
            return False
        target = model._base_manager.filter(pk=upload.target_id).first()
        return target is not None and bool(ports.visibility().may_see(person, target))
    mine = getattr(person, "pk", None)
    return mine is not None and mine == upload.owner_id
