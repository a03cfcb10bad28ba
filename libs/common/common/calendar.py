"""Tehran's clock: shifts, dates in both calendars. Stored times are UTC; shown times are Tehran's, Jalali."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from enum import StrEnum

import jdatetime

from common.persian import latin_digits, persian_digits

TEHRAN = timezone(timedelta(hours=3, minutes=30), "Asia/Tehran")  # no daylight saving since 1401
_MORNING, _NOON, _NIGHT = time(7), time(15), time(23)


class ShiftName(StrEnum):
    """The three shifts of a day."""

    MORNING = "morning"
    NOON = "noon"
    NIGHT = "night"


@dataclass(frozen=True, slots=True, order=True)
class Shift:
    """One shift: the night belongs to the day on which it began."""

    day: date
    name: ShiftName

    @property
    def start(self) -> datetime:
        """First moment of the shift, UTC."""
        begin = {ShiftName.MORNING: _MORNING, ShiftName.NOON: _NOON, ShiftName.NIGHT: _NIGHT}[self.name]
        return datetime.combine(self.day, begin, TEHRAN).astimezone(UTC)

    @property
    def end(self) -> datetime:
        """First moment after the shift, UTC."""
        return self.start + timedelta(hours=8)


def shift_of(moment: datetime) -> Shift:
    """The shift in which a moment falls."""
    local = moment.astimezone(TEHRAN)
    clock = local.time()
    if clock < _MORNING:
        return Shift(local.date() - timedelta(days=1), ShiftName.NIGHT)
    if clock < _NOON:
        return Shift(local.date(), ShiftName.MORNING)
    return Shift(local.date(), ShiftName.NOON if clock < _NIGHT else ShiftName.NIGHT)


def parse_date(text: str) -> date:
    """A day written 2026-11-24 or, Jalali, 1405-09-03 (also with / and Persian digits); ValueError otherwise."""
    parts = latin_digits(text).replace("/", "-").split("-")
    if len(parts) != 3 or not all(part.isascii() and part.isdigit() for part in parts):
        raise ValueError("write a date as 2026-11-24 or 1405-09-03")
    year, month, day = map(int, parts)
    if year < 1700:
        return jdatetime.date(year, month, day).togregorian()  # type: ignore[no-any-return]  # untyped library
    return date(year, month, day)


def jalali(day: date) -> str:
    """A day in the Jalali calendar, 1405-09-03."""
    return jdatetime.date.fromgregorian(date=day).isoformat()  # type: ignore[no-any-return]  # untyped library


def jalali_moment(moment: datetime) -> str:
    """A moment as a citizen reads it, in Tehran's time: ۱۴۰۵/۰۹/۰۳ ۱۴:۰۵."""
    local = moment.astimezone(TEHRAN)
    return persian_digits(f"{jalali(local.date()).replace('-', '/')} {local:%H:%M}")
