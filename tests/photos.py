"""Photos for tests, with what a camera writes beside the picture."""

import io
from typing import Any

from PIL import ExifTags, Image

AZADI = (35.699722, 51.3375)
_GPS: dict[int, Any] = {
    ExifTags.GPS.GPSLatitudeRef: "N",
    ExifTags.GPS.GPSLatitude: (35.0, 41.0, 59.0),
    ExifTags.GPS.GPSLongitudeRef: "E",
    ExifTags.GPS.GPSLongitude: (51.0, 20.0, 15.0),
}


def a_photo(colour: str = "green", *, size: tuple[int, int] = (64, 48), exif: Image.Exif | None = None) -> bytes:
    """A JPEG."""
    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, "JPEG", **({"exif": exif} if exif else {}))
    return file.getvalue()


def a_photo_at_azadi(colour: str = "green") -> bytes:
    """A JPEG that says where and when it was taken, and by which camera."""
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "Camera"
    exif.get_ifd(ExifTags.IFD.GPSInfo).update(_GPS)
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = "2026:01:05 10:30:00"
    return a_photo(colour, exif=exif)


def a_noisy_photo(size: tuple[int, int]) -> bytes:
    """A JPEG that does not get small."""
    file = io.BytesIO()
    Image.effect_noise(size, 90).convert("RGB").save(file, "JPEG", quality=95)
    return file.getvalue()
