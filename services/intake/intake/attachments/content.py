"""From the bytes that came to the bytes that are stored: by content, and of images nothing but the picture.

An image is decoded and written anew: what a camera, an editor or an attacker put beside the picture (place, serial
number, thumbnail, another file behind it) does not come along. Sound, video and PDF are kept as they are.
"""

import hashlib
import io
from dataclasses import dataclass

from PIL import Image, ImageOps

from intake.attachments.hints import Hints, hints_of
from intake.attachments.types import IMAGES, JPEG, PNG, WEBP, Refused, type_of

LARGEST = 10 * 1024 * 1024  # bytes, as it comes
# Measured: 48 million pixels of a JPEG, decoded at half their size, take 1.6-2.3 s and 110-190 MB; of one that is too
# narrow for that 330 MB, and as WebP 760 MB.
MOST_PIXELS = {JPEG: 50_000_000, PNG: 12_000_000, WEBP: 12_000_000}
LONGEST = 3000  # pixels of a side that is stored; of a JPEG twice as long half is never decoded

EMPTY = "it is empty"
TOO_LARGE = f"it is larger than {LARGEST // 1024 // 1024} MB"
TOO_MANY_PIXELS = "it has too many pixels; send it smaller, or as JPEG of at most 50 million"
BROKEN = "it is an image that cannot be read"

_FORMATS = {JPEG: "JPEG", PNG: "PNG", WEBP: "WEBP"}


@dataclass(frozen=True, slots=True)
class Content:
    """What is stored of a file, and what the file said about itself."""

    data: bytes
    media_type: str
    hints: Hints

    @property
    def sha256(self) -> str:
        """Its name in the storage, hex."""
        return hashlib.sha256(self.data).hexdigest()


def examine(data: bytes) -> Content:
    """What is stored of these bytes; Refused with the reason. Takes up to a second: to be called in a thread."""
    if not data:
        raise Refused(EMPTY)
    if len(data) > LARGEST:
        raise Refused(TOO_LARGE)
    media_type = type_of(data)
    return _picture(data, media_type) if media_type in IMAGES else Content(data, media_type, Hints())


def _picture(data: bytes, media_type: str) -> Content:
    try:
        with Image.open(io.BytesIO(data), formats=[_FORMATS[media_type]]) as image:
            if image.width * image.height > MOST_PIXELS[media_type]:
                raise Refused(TOO_MANY_PIXELS)
            hints = hints_of(image)
            return Content(_written_anew(image, media_type), media_type, hints)
    except (Refused, MemoryError):
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise Refused(TOO_MANY_PIXELS) from error
    except Exception as error:  # a decoder may raise anything at a stranger's bytes; the file is refused, not we
        raise Refused(BROKEN) from error


def _written_anew(image: Image.Image, media_type: str) -> bytes:
    image.draft(None, (LONGEST, LONGEST))
    image.thumbnail((LONGEST, LONGEST))
    upright = ImageOps.exif_transpose(image)
    picture = upright.convert("RGBA" if media_type != JPEG and upright.has_transparency_data else "RGB")
    picture.info.clear()  # else PNG would write profile and text again
    written = io.BytesIO()
    picture.save(written, _FORMATS[media_type], quality=85)
    return written.getvalue()
