"""What the messengers' wire formats have in common: ids as numbers or texts, times as seconds, points as they come.

A platform adds fields when it likes, so unknown ones are ignored; one thing that cannot be read does not lose the rest.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Annotated

from common import persian
from common.errors import pointer_of
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from intake.conversation.heard import Heard, Point

LONGEST_NAME = 200

WireId = Annotated[str, Field(min_length=1, max_length=512, pattern=r"^[^\x00-\x1f\x7f]+$")]


class Wire(BaseModel):
    """A part of what a platform sends."""

    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True, populate_by_name=True, frozen=True)


@dataclass(frozen=True, slots=True)
class Reading:
    """What one body says: what was heard, and why something else was not (without its content)."""

    heard: tuple[Heard, ...] = ()
    refused: tuple[str, ...] = ()


def together(readings: Iterable[Reading]) -> Reading:
    """The readings of a batch's parts as one."""
    parts = list(readings)
    return Reading(
        tuple(heard for part in parts for heard in part.heard),
        tuple(reason for part in parts for reason in part.refused),
    )


def written_to(ours: str | None, reading: Reading) -> Reading:
    """The same, heard by an account of ours."""
    return Reading(tuple(replace(heard, ours=ours) for heard in reading.heard), reading.refused)


def refusal(error: ValidationError, where: str = "") -> Reading:
    """The first thing that did not fit, by its place and kind; what stands there may be personal."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    return Reading(refused=(f"{where}{pointer_of(first['loc'])}: {first['type']}",))


def moment(count: str | None, *, a_second: int = 1) -> datetime | None:
    """Time since 1970 as UTC; None where it is none."""
    try:
        return datetime.fromtimestamp(float(count) / a_second, UTC) if count else None
    except (ValueError, OverflowError, OSError):
        return None


def point(lat: str | float | None, lon: str | float | None) -> Point | None:
    """A point in degrees, also from texts; None where it is none on earth."""
    try:
        found = Point(float(lat), float(lon)) if lat is not None and lon is not None else None
    except ValueError:
        return None
    on_earth = found is not None and abs(found.lat) <= 90 and abs(found.lon) <= 180  # false of what is no number
    return found if on_earth else None


def file_name(name: str | None) -> str | None:
    """A name to show, without the path that some clients put before it."""
    last = (name or "").replace("\\", "/").rpartition("/")[2]
    return persian.normalise(last[-LONGEST_NAME:]) or None


def whole(count: str | None) -> int | None:
    """A size in bytes; None where it is none."""
    return int(count) if count and count.isascii() and count.isdigit() and len(count) < 16 else None
