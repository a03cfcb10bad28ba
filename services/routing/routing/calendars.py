"""What the city sets about time: calendars, holidays, terms. Read once from `data/`, then values."""

import csv
import re
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from itertools import pairwise
from typing import Literal

import yaml
from common.calendar import parse_date
from holidays import country_holidays
from pydantic import BaseModel, ConfigDict, Field

from routing.hours import DAY, MINUTE, WEEKDAYS, Hours, Period, Spans, day_number
from routing.sla import Policy

YEARS = range(2022, 2101)  # no daylight saving from 2022 on; the library ends with 2100
Holidays = Mapping[date, tuple[str, ...]]
_SPAN = re.compile(r"(\d\d):([0-5]\d)-(\d\d):([0-5]\d)")
_AS_USUAL = "as usual"
_MONTH_DAY = r"^(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class CalendarIn(_Part):
    """A calendar as the file writes it."""

    title_fa: str
    week: dict[str, str]
    holidays: str = _AS_USUAL
    periods: dict[str, str] = {}


class PeriodIn(_Part):
    """A period of every Jalali year as the file writes it."""

    title_fa: str
    first: str = Field(pattern=_MONTH_DAY)
    last: str = Field(pattern=_MONTH_DAY)


class DutyIn(_Part):
    """The calendar of a unit or level, and who takes urgent work while it is closed."""

    hours: str
    on_call: str | None = None


class HoursFile(_Part):
    """The whole of `data/hours.yaml`."""

    calendars: dict[str, CalendarIn]
    periods: dict[str, PeriodIn] = {}
    levels: dict[str, DutyIn] = {}
    units: dict[str, DutyIn] = {}


class UrgentIn(_Part):
    """Minutes of the clock for urgent cases."""

    respond: int = Field(gt=0)
    resolve_at_most: int = Field(gt=0)


class OrdinaryIn(_Part):
    """Minutes of working time for the others."""

    respond: int = Field(gt=0)


class TermsFile(_Part):
    """The whole of `data/terms.yaml`."""

    urgent: UrgentIn
    ordinary: OrdinaryIn
    round_the_clock: list[str] = []


@dataclass(frozen=True, slots=True)
class Correction:
    """A holiday to add or to take away; without a name, all of that day."""

    day: date
    change: Literal["add", "remove"]
    name: str = ""


def load_calendars() -> Mapping[str, Hours]:
    """The calendars by name, from the data files; ValueError says what is wrong in them."""
    corrections = read_corrections(_text("holidays.csv"))
    return calendars(load_hours_file(), corrected(official_holidays(), corrections))


def load_hours_file() -> HoursFile:
    """`data/hours.yaml`, checked for its form."""
    return HoursFile.model_validate(yaml.safe_load(_text("hours.yaml")))


def load_policy(topics: Container[str]) -> Policy:
    """`data/terms.yaml`; ValueError for a topic that the catalogue does not have."""
    return policy(TermsFile.model_validate(yaml.safe_load(_text("terms.yaml"))), topics)


def policy(file: TermsFile, topics: Container[str]) -> Policy:
    """The city's terms; ValueError for a topic that the catalogue does not have."""
    if unknown := [code for code in file.round_the_clock if code not in topics]:
        raise ValueError(f"terms.yaml: there are no topics {', '.join(unknown)}")
    urgent, ordinary = file.urgent, file.ordinary
    return Policy(urgent.respond, urgent.resolve_at_most, ordinary.respond, frozenset(file.round_the_clock))


def official_holidays(years: Iterable[int] = YEARS) -> Holidays:
    """Iran's holidays of Gregorian years, with their Persian names (source: the library `holidays`)."""
    # The language is named: without it the names follow LANG of the machine.
    known = country_holidays("IR", years=years, language="fa_IR", islamic_show_estimated=False)
    return {day: tuple(known.get_list(day)) for day in known}


def read_corrections(text: str) -> list[Correction]:
    """The rows of `holidays.csv`; lines that begin with # are comments. ValueError names the row."""
    rows = csv.DictReader(line for line in text.splitlines() if line.strip() and not line.startswith("#"))
    return [_correction(row) for row in rows]


def corrected(official: Holidays, corrections: Iterable[Correction]) -> Holidays:
    """The holidays after all corrections; ValueError for taking away what is not there: a mistyped day."""
    days = dict(official)
    for one in sorted(corrections, key=lambda one: (one.day, one.change == "add")):
        names = days.pop(one.day, ())
        kept = (*names, one.name) if one.change == "add" else _without(names, one)
        if kept:
            days[one.day] = tuple(dict.fromkeys(kept))
    return days


def calendars(file: HoursFile, holidays: Holidays) -> Mapping[str, Hours]:
    """The calendars by name; ValueError names the calendar and what is wrong with it."""
    days = frozenset(map(day_number, holidays))
    return {name: _hours(name, calendar, file.periods, days) for name, calendar in file.calendars.items()}


def spans(text: str) -> Spans:
    """`07:30-12:00, 13:00-16:00`, `closed`, or a night `23:00-07:00`; ValueError otherwise."""
    if text == "closed":
        return ()
    parts = tuple(sorted(map(_span, text.split(","))))
    if any(later[0] < earlier[1] for earlier, later in pairwise(parts)):
        raise ValueError(f"{text!r}: hours overlap")
    return parts


def _span(text: str) -> tuple[int, int]:
    found = _SPAN.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text!r}: write hours as 07:30-14:30, several with commas, or closed")
    opens, closes = (int(found[i]) * 60 + int(found[i + 1]) for i in (1, 3))
    if max(opens, closes) > 24 * 60 or opens in (closes, 24 * 60):
        raise ValueError(f"{text!r}: hours are within 00:00-24:00 and not empty")
    return opens * MINUTE, closes * MINUTE + (DAY if closes < opens else 0)


def _hours(name: str, calendar: CalendarIn, periods: Mapping[str, PeriodIn], days: frozenset[int]) -> Hours:
    try:
        other = tuple(_period(which, periods, text) for which, text in calendar.periods.items())
        holiday = None if calendar.holidays == _AS_USUAL else spans(calendar.holidays)
        return Hours(name, _week(calendar.week), holiday, days, other)
    except ValueError as error:
        raise ValueError(f"calendar {name}: {error}") from error


def _period(name: str, periods: Mapping[str, PeriodIn], text: str) -> Period:
    if name not in periods:
        raise ValueError(f"there is no period {name!r}")
    return Period(name, periods[name].first, periods[name].last, spans(text))


def _week(lines: Mapping[str, str]) -> tuple[Spans, ...]:
    given = [(day, spans(text)) for words, text in lines.items() for day in _days(words)]
    if sorted(day for day, _ in given) != list(range(len(WEEKDAYS))):
        raise ValueError("every day of the week has its hours exactly once")
    return tuple(own for _, own in sorted(given))


def _days(words: str) -> range:
    """`friday`, `saturday to wednesday`, `every day`."""
    first, _, last = words.partition(" to ")
    if words == "every day":
        return range(len(WEEKDAYS))
    if {first, last or first} - set(WEEKDAYS):
        raise ValueError(f"{words!r} is no day of the week")
    return range(WEEKDAYS.index(first), WEEKDAYS.index(last or first) + 1)


def _without(names: tuple[str, ...], one: Correction) -> tuple[str, ...]:
    if not names or (one.name and one.name not in names):
        there = " / ".join(names) or "none"
        raise ValueError(f"holidays.csv: {one.day} has no holiday {one.name!r} to remove; it has: {there}")
    return tuple(name for name in names if one.name and name != one.name)


def _correction(row: Mapping[str, str | None]) -> Correction:
    try:
        day = parse_date(row.get("date") or "")
    except ValueError as error:
        raise ValueError(f"holidays.csv: {dict(row)}: {error}") from error
    change, name = (row.get("change") or "").strip(), (row.get("name") or "").strip()
    if change == "add" and name:
        return Correction(day, "add", name)
    if change == "remove":
        return Correction(day, "remove", name)
    raise ValueError(f"holidays.csv: {day}: change is add, with a name, or remove")


def _text(name: str) -> str:
    return (files("routing") / "data" / name).read_text(encoding="utf-8")
