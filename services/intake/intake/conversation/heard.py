"""What a citizen said on a messenger, whatever its platform calls it."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class FileKind(StrEnum):
    """What a file is, by the platform's word; its content has the last one."""

    PHOTO = "photo"
    VOICE = "voice"
    VIDEO = "video"
    DOCUMENT = "document"


@dataclass(frozen=True, slots=True)
class FileRef:
    """A file that the platform keeps for us: `reference` is its id there, or an https address."""

    kind: FileKind
    reference: str
    name: str | None = None
    media_type: str | None = None
    size: int | None = None  # bytes


@dataclass(frozen=True, slots=True)
class Point:
    """A place that was sent, degrees, WGS 84."""

    lat: float
    lon: float


@dataclass(frozen=True, slots=True)
class Heard:
    """One thing that a citizen sent. `account` is where they are answered (the chat); `update` makes it count once."""

    platform: str
    account: str
    update: str
    text: str | None = None
    button: str | None = None  # what stands behind a button that was pressed
    point: Point | None = None
    phone: str | None = None  # the citizen's own, by the platform's word
    files: tuple[FileRef, ...] = ()
    at: datetime | None = None  # UTC
    edited: bool = False  # a change of what was sent before
    message: str | None = None  # the platform's id of what was sent; its change carries the same
    ours: str | None = None  # our account with the platform that was written to

    def heard_by(self, several: Collection[str]) -> str:
        """The platform; with our account, `platform/account`, where that is one of `several`: it alone may answer."""
        name = f"{self.platform}/{self.ours}"
        return name if name in several else self.platform


def platform_of(heard_by: str) -> str:
    """The platform alone."""
    return heard_by.partition("/")[0]
