"""What an image says about itself, read before it is taken out: where and when it was taken."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from PIL import ExifTags, Image

TEHRAN = timezone(timedelta(hours=3, minutes=30))  # a camera without an offset shows the clock of its place
_GPS, _EXIF = ExifTags.IFD.GPSInfo, ExifTags.IFD.Exif


@dataclass(frozen=True, slots=True)
class Hints:
    """Degrees, WGS 84, and UTC; what is missing or makes no sense is None."""

    lat: float | None = None
    lon: float | None = None
    taken_at: datetime | None = None


def hints_of(image: Image.Image) -> Hints:
    """Place and time from the EXIF of an image; a broken one says nothing."""
    try:
        exif = image.getexif()
        place = _place(exif.get_ifd(_GPS))
        taken_at = _time(exif.get_ifd(_EXIF), exif)
    except Exception:  # whatever a decoder makes of a stranger's bytes: a hint is not worth an error
        return Hints()
    return Hints(*place, taken_at)


def _place(gps: Mapping[int, Any]) -> tuple[float | None, float | None]:
    lat = _degrees(gps.get(ExifTags.GPS.GPSLatitude), gps.get(ExifTags.GPS.GPSLatitudeRef), "S")
    lon = _degrees(gps.get(ExifTags.GPS.GPSLongitude), gps.get(ExifTags.GPS.GPSLongitudeRef), "W")
    if lat is None or lon is None or abs(lat) > 90 or abs(lon) > 180 or lat == lon == 0:
        return None, None  # cameras without a fix write zeros
    return lat, lon


def _degrees(value: Any, side: Any, negative: str) -> float | None:
    if value is None:
        return None
    degrees, minutes, seconds = (float(part) for part in value)
    total = degrees + minutes / 60 + seconds / 3600
    if not math.isfinite(total):
        return None
    return round(-total if side == negative else total, 6)


def _time(exif: Mapping[int, Any], whole: Mapping[int, Any]) -> datetime | None:
    text = exif.get(ExifTags.Base.DateTimeOriginal) or whole.get(ExifTags.Base.DateTime)
    if not text:
        return None
    offset = exif.get(ExifTags.Base.OffsetTimeOriginal)
    if offset:
        return datetime.strptime(f"{text} {offset}", "%Y:%m:%d %H:%M:%S %z").astimezone(UTC)
    return datetime.strptime(str(text), "%Y:%m:%d %H:%M:%S").replace(tzinfo=TEHRAN).astimezone(UTC)
