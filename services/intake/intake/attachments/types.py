"""What a file is, by its first bytes: neither its name nor what its sender says of it counts.

An own table of eight kinds: `puremagic` 1.30 knows no MP4 of the brands `iso5`, `iso6`, `avc1` and `mp41`, which
encoders write every day, and `filetype` has had no release since 2022. Of images the decoder has the last word.
"""

JPEG, PNG, WEBP = "image/jpeg", "image/png", "image/webp"
IMAGES = (JPEG, PNG, WEBP)
MP4, M4A = "video/mp4", "audio/mp4"
OGG, MP3, PDF = "audio/ogg", "audio/mpeg", "application/pdf"
ALLOWED = (*IMAGES, MP4, M4A, OGG, MP3, PDF)

UNKNOWN = "its content is none of JPEG, PNG, WebP, MP4, M4A, Ogg, MP3 and PDF"
HEIC = "HEIC images are not taken; send it as JPEG"

_STARTS = {
    b"\xff\xd8\xff": JPEG,
    b"\x89PNG\r\n\x1a\n": PNG,
    b"OggS": OGG,
    b"ID3": MP3,
    b"%PDF-": PDF,
}
# ISO/IEC 14496-12: a box `ftyp` with the major brand, a version, and the brands that the file is compatible with.
_AUDIO = {b"M4A ", b"M4B "}
_STILL = {b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1", b"hevc", b"avif", b"avis"}
_VIDEO = {b"isom", b"mp41", b"mp42", b"avc1", b"M4V ", b"MSNV", b"dash"} | {b"iso%d" % n for n in range(2, 10)}


class Refused(Exception):
    """This file is never stored; its text is the reason, in words for whoever asks."""


def type_of(data: bytes) -> str:
    """The media type of a file; Refused for what we do not take."""
    for start, media_type in _STARTS.items():
        if data.startswith(start):
            return media_type
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return WEBP
    if data[4:8] == b"ftyp":
        return _of_brands(data)
    if _is_mp3_frame(data):
        return MP3
    raise Refused(UNKNOWN)


def _of_brands(data: bytes) -> str:
    end = min(int.from_bytes(data[:4]), 256, len(data))
    major, others = data[8:12], {data[at : at + 4] for at in range(16, end - 3, 4)}
    if major in _AUDIO:
        return M4A
    if major in _STILL:
        raise Refused(HEIC)
    if ({major} | others) & _VIDEO:
        return MP4
    raise Refused(UNKNOWN)


def _is_mp3_frame(data: bytes) -> bool:
    """ISO/IEC 11172-3: eleven bits of sync, then a version, layer III, and a bit and sampling rate that exist."""
    if len(data) < 4 or data[0] != 0xFF or data[1] & 0xE6 != 0xE2:
        return False
    reserved = data[1] & 0x18 == 0x08 or data[2] & 0x0C == 0x0C
    return not reserved and data[2] & 0xF0 not in (0x00, 0xF0)
