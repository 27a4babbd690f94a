"""Images are decoded and written anew: what is stored is our encoder's output, nothing else.

So a file that is an image and a page at once, hidden data and the place where a photo was
taken are gone. Needs Pillow (`threadflow-core[uploads]`).
"""

from __future__ import annotations

import io
import logging
from dataclasses import dataclass
from typing import IO, Any

from django.utils.translation import gettext_lazy as _

from ..app_settings import app_settings
from .kinds import IMAGE_TYPES, Refused

logger = logging.getLogger("threadflow.uploads")

_FRAMES = 200


@dataclass(frozen=True, slots=True)
class Encoded:
    content: bytes
    width: int
    height: int


def encode(file: IO[bytes], content_type: str, max_side: int) -> Encoded:
    """Decode `file` and encode it again in its own format, upright, within `max_side` pixels.

    Raises uploads.Refused for what is broken, a bomb or not what it says.
    """
    pillow = _pillow()
    try:
        with pillow.Image.open(file, formats=[IMAGE_TYPES[content_type]]) as image:
            _measure(image)
            if getattr(image, "n_frames", 1) > 1:
                return _encode_frames(image, content_type, max_side)
            upright = pillow.ImageOps.exif_transpose(image)
            upright.thumbnail((max_side, max_side))
            return _written([upright], content_type, {})
    except Refused:
        raise
    except pillow.Image.DecompressionBombError as error:
        raise _too_many_pixels() from error
    # Pillow's decoders raise most of the built-in errors on crafted files.
    except (OSError, ValueError, SyntaxError, TypeError, IndexError, ArithmeticError) as error:
        raise Refused(_("This image is broken."), code="upload_broken") from error


def _measure(image: Any) -> None:
    width, height = image.size
    frames = min(getattr(image, "n_frames", 1), _FRAMES)
    if width * height * frames > app_settings.UPLOAD_MAX_PIXELS or min(image.size) < 1:
        raise _too_many_pixels()


def _too_many_pixels() -> Refused:
    return Refused(_("This image has too many pixels."), code="upload_too_many_pixels")


def _encode_frames(image: Any, content_type: str, max_side: int) -> Encoded:
    pillow = _pillow()
    frames, durations = [], []
    for frame in pillow.ImageSequence.Iterator(image):
        copy = frame.convert("RGBA")
        copy.thumbnail((max_side, max_side))
        frames.append(copy)
        durations.append(int(frame.info.get("duration", 100)))
        if len(frames) == _FRAMES:
            break
    more = {
        "save_all": True,
        "append_images": frames[1:],
        "duration": durations,
        "loop": int(image.info.get("loop", 0)),
    }
    return _written(frames, content_type, more)


def _written(frames: list[Any], content_type: str, more: dict[str, Any]) -> Encoded:
    first = _plain(frames[0], content_type)
    out = io.BytesIO()
    options: dict[str, Any] = {"format": IMAGE_TYPES[content_type], **more}
    if content_type in {"image/jpeg", "image/webp"}:
        options["quality"] = 85
    if content_type == "image/jpeg":
        options["progressive"] = True
    first.save(out, **options)
    return Encoded(out.getvalue(), first.width, first.height)


def _plain(image: Any, content_type: str) -> Any:
    """A copy with pixels only: no EXIF, no comment, no colour profile, no text chunk."""
    if content_type == "image/jpeg" and image.mode not in {"L", "RGB"}:
        image = image.convert("RGB")
    elif image.mode not in {"1", "L", "LA", "P", "RGB", "RGBA"}:
        image = image.convert("RGBA")
    copy = image.copy()
    kept = {"transparency"} & set(copy.info)
    copy.info = {name: copy.info[name] for name in kept}
    copy.getexif().clear()
    return copy


def _pillow() -> Any:
    try:
        import PIL
        import PIL.Image
        import PIL.ImageOps
        import PIL.ImageSequence
    except ImportError as error:
        logger.error("Images are refused without Pillow: pip install 'threadflow-core[uploads]'")
        raise Refused(_("Files of this type are not taken here."), code="upload_type") from error
    return PIL
