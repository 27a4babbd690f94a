"""What may be uploaded: kinds of files, told by their content and never by their name."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from ..exceptions import Invalid

IMAGE_TYPES = {
    "image/gif": "GIF",
    "image/jpeg": "JPEG",
    "image/png": "PNG",
    "image/webp": "WEBP",
}
EXTENSIONS = {
    "application/pdf": "pdf",
    "application/zip": "zip",
    "image/gif": "gif",
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/webp": "webp",
    "text/plain": "txt",
}


class Refused(Invalid):
    """A file that is not taken; `code` says why: type, size, pixels, quota, scan."""

    code = "upload_refused"
    message = _("This file cannot be used.")


@dataclass(frozen=True, slots=True)
class UploadKind:
    """A use of files. `types` are MIME types that the content may have; None for the two
    bounds takes the site's settings."""

    name: str
    types: frozenset[str]
    max_bytes: int | None = None
    max_side: int | None = None


IMAGE = UploadKind("image", frozenset(IMAGE_TYPES))
FILE = UploadKind("file", frozenset(EXTENSIONS))

_kinds: dict[str, UploadKind] = {kind.name: kind for kind in (IMAGE, FILE)}


def register_kind(kind: UploadKind) -> None:
    """Add a kind, such as an avatar of at most 512 pixels."""
    unknown = kind.types - set(EXTENSIONS)
    if unknown:
        raise ValueError(f"No way to recognise {', '.join(sorted(unknown))}.")
    _kinds[kind.name] = kind


def kind_named(name: str) -> UploadKind:
    return _kinds[name]


def sniff(head: bytes) -> str:
    """The MIME type that the first bytes of a file prove, "" for anything else.

    Markup is never recognised: an HTML or SVG file is no text here.
    """
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    if head.startswith(b"%PDF-"):
        return "application/pdf"
    if head.startswith(b"PK\x03\x04"):
        return "application/zip"
    return "text/plain" if _is_text(head) else ""


def _is_text(head: bytes) -> bool:
    if not head or b"\x00" in head or b"<" in head.lstrip()[:1]:
        return False
    try:
        # The last character may be cut by the end of the head.
        head[:-3].decode() if len(head) > 4 else head.decode()
    except UnicodeDecodeError:
        return False
    return not any(byte < 9 or 13 < byte < 32 for byte in head if byte != 27)
