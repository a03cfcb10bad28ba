import io
import struct
import zlib
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from intake.attachments import content, types
from intake.attachments.content import LONGEST, examine
from intake.attachments.types import Refused, type_of
from PIL import ExifTags, Image, PngImagePlugin

AZADI = ((35.0, 41.0, 59.0), (51.0, 20.0, 15.0))  # degrees, minutes, seconds


def a_picture(form: str = "JPEG", size: tuple[int, int] = (40, 30), mode: str = "RGB", **given: Any) -> bytes:
    file = io.BytesIO()
    Image.new(mode, size, "green").save(file, form, **given)
    return file.getvalue()


def an_exif(*, gps: dict[int, Any] | None = None, taken: dict[int, Any] | None = None) -> Image.Exif:
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "Camera"
    if gps is not None:
        exif.get_ifd(ExifTags.IFD.GPSInfo).update(gps)
    if taken is not None:
        exif.get_ifd(ExifTags.IFD.Exif).update(taken)
    return exif


def at_azadi(north: str = "N", east: str = "E") -> dict[int, Any]:
    return {
        ExifTags.GPS.GPSLatitudeRef: north,
        ExifTags.GPS.GPSLatitude: AZADI[0],
        ExifTags.GPS.GPSLongitudeRef: east,
        ExifTags.GPS.GPSLongitude: AZADI[1],
    }


def a_box(brand: bytes, *others: bytes) -> bytes:
    body = b"ftyp" + brand + b"\0\0\2\0" + b"".join(others)
    return struct.pack(">I", len(body) + 4) + body + b"\0" * 64


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (a_picture("JPEG"), types.JPEG),
        (a_picture("PNG"), types.PNG),
        (a_picture("WEBP"), types.WEBP),
        (a_box(b"isom"), types.MP4),
        (a_box(b"iso5", b"iso6", b"mp41"), types.MP4),
        (a_box(b"XAVC", b"mp42"), types.MP4),
        (a_box(b"M4A ", b"isom"), types.M4A),
        (b"OggS\0\2" + b"\0" * 22 + b"\1\x13OpusHead", types.OGG),
        (b"ID3\3\0\0\0\0\0\x21", types.MP3),
        (b"\xff\xfb\x90\x64" + b"\0" * 100, types.MP3),
        (b"%PDF-1.7\n", types.PDF),
    ],
)
def test_a_type_is_what_the_first_bytes_say(data: bytes, media_type: str) -> None:
    assert type_of(data) == media_type


@pytest.mark.parametrize(
    "data",
    [
        b"<!DOCTYPE html><script>alert(1)</script>",
        b"<svg xmlns='http://www.w3.org/2000/svg'></svg>",
        b"MZ\x90\0",
        b"PK\3\4",
        b"GIF89a",
        b"\xff\xfe<\0h\0t\0m\0l\0",
        a_box(b"qt  ", b"qt  "),
        a_box(b"heic", b"mif1"),
        b"RIFF\0\0\0\0WAVE",
        b"\xff",
    ],
)
def test_what_is_not_on_the_list_is_refused(data: bytes) -> None:
    with pytest.raises(Refused):
        examine(data)


@given(st.binary(max_size=400))
def test_whatever_the_bytes_are_they_are_stored_or_refused(data: bytes) -> None:
    try:
        outcome = examine(data).media_type
    except Refused as refused:
        outcome = str(refused)
    assert outcome in (*types.ALLOWED, types.UNKNOWN, types.HEIC, content.EMPTY, content.BROKEN)


@given(st.sampled_from([types.JPEG, types.PNG, types.WEBP]), st.integers(0, 800), st.binary(min_size=1, max_size=40))
def test_an_image_that_was_damaged_is_an_image_or_refused(media_type: str, at: int, damage: bytes) -> None:
    whole = a_picture(media_type.removeprefix("image/").upper(), size=(64, 64))
    try:
        stored = examine(whole[:at] + damage + whole[at + len(damage) :])
    except Refused:
        return
    with Image.open(io.BytesIO(stored.data)) as image:
        image.load()
        assert Image.MIME[image.format or ""] == stored.media_type
        assert max(image.size) <= LONGEST


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_place_and_time_are_read_and_nothing_of_them_is_stored(form: str) -> None:
    taken: dict[int, Any] = {
        ExifTags.Base.DateTimeOriginal: "2026:01:05 10:30:00",
        ExifTags.Base.OffsetTimeOriginal: "+03:30",
    }
    stored = examine(a_picture(form, exif=an_exif(gps=at_azadi(), taken=taken)))
    assert (stored.hints.lat, stored.hints.lon) == (35.699722, 51.3375)
    assert stored.hints.taken_at == datetime(2026, 1, 5, 7, 0, tzinfo=UTC)
    with Image.open(io.BytesIO(stored.data)) as image:
        assert image.format == form
        assert not image.getexif()
        assert image.info.keys() <= {"jfif", "jfif_version", "jfif_unit", "jfif_density", "loop", "background"} | {
            "timestamp",
            "duration",
        }
    for trace in (b"Exif", b"Camera", b"2026:01:05"):
        assert trace not in stored.data


def test_south_and_west_are_negative() -> None:
    hints = examine(a_picture(exif=an_exif(gps=at_azadi("S", "W")))).hints
    assert (hints.lat, hints.lon) == (-35.699722, -51.3375)


def test_a_clock_without_an_offset_is_tehrans() -> None:
    taken: dict[int, Any] = {ExifTags.Base.DateTimeOriginal: "2026:01:05 10:30:00"}
    assert examine(a_picture(exif=an_exif(taken=taken))).hints.taken_at == datetime(2026, 1, 5, 7, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "gps",
    [
        {ExifTags.GPS.GPSLatitude: (0.0, 0.0, 0.0), ExifTags.GPS.GPSLongitude: (0.0, 0.0, 0.0)},
        {ExifTags.GPS.GPSLatitude: (99.0, 0.0, 0.0), ExifTags.GPS.GPSLongitude: (51.0, 0.0, 0.0)},
        {ExifTags.GPS.GPSLatitude: (35.0, 0.0, 0.0)},
        {ExifTags.GPS.GPSLatitude: 35.0, ExifTags.GPS.GPSLongitude: 51.0},
    ],
)
def test_a_place_that_makes_no_sense_is_no_hint(gps: dict[int, Any]) -> None:
    hints = examine(a_picture(exif=an_exif(gps=gps))).hints
    assert (hints.lat, hints.lon) == (None, None)


def test_text_and_profile_of_a_png_are_not_stored() -> None:
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", "a secret")
    stored = examine(a_picture("PNG", pnginfo=text, icc_profile=b"a secret" * 20))
    assert b"secret" not in stored.data
    assert b"tEXt" not in stored.data


def test_what_hangs_behind_an_image_is_not_stored() -> None:
    stored = examine(a_picture() + b"<script>alert(1)</script>")
    assert b"script" not in stored.data


def test_an_image_is_stored_upright() -> None:
    exif = an_exif()
    exif[ExifTags.Base.Orientation] = 6  # to be turned by a quarter
    with Image.open(io.BytesIO(examine(a_picture(size=(40, 30), exif=exif)).data)) as image:
        assert image.size == (30, 40)


def test_a_long_image_is_stored_smaller() -> None:
    with Image.open(io.BytesIO(examine(a_picture(size=(5000, 100))).data)) as image:
        assert image.size == (LONGEST, 60)


def test_what_is_transparent_stays_so() -> None:
    with Image.open(io.BytesIO(examine(a_picture("PNG", mode="RGBA")).data)) as image:
        assert image.mode == "RGBA"


@pytest.mark.parametrize("side", [4_001, 12_000, 60_000])
def test_a_decompression_bomb_is_refused_before_it_is_decoded(side: int) -> None:
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    chunks = b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in ((b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 1000)), (b"IEND", b""))
    )
    with pytest.raises(Refused, match=content.TOO_MANY_PIXELS):
        examine(b"\x89PNG\r\n\x1a\n" + chunks)


def test_too_large_and_empty_are_refused_with_their_reasons() -> None:
    with pytest.raises(Refused, match=content.TOO_LARGE):
        examine(b"%PDF-" + b"\0" * content.LARGEST)
    with pytest.raises(Refused, match=content.EMPTY):
        examine(b"")


def test_the_same_picture_is_stored_once() -> None:
    assert examine(a_picture()).sha256 == examine(a_picture()).sha256
