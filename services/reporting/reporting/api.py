"""The reports."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from operator import itemgetter
from typing import Annotated, Any

from common.app import DatabaseOf
from common.auth import Caller, Require, Role
from common.calendar import Shift, ShiftName, jalali, jalali_moment, parse_date, shift_of
from common.errors import FieldError, Problem
from common.http import Page, decode_cursor, encode_cursor
from fastapi import APIRouter, Depends, Path, Query

from reporting.incidents import incident_figures
from reporting.queries import Key, case_figures, timeline
from reporting.schemas import (
    Calls,
    Deflections,
    Figures,
    IncidentFigures,
    KeyFigures,
    ShiftFigures,
    ShiftReport,
    Timeline,
    TimelineStep,
)
from reporting.shifts import ShiftSources, read_shifts, shifts_between

router = APIRouter(prefix="/v1", tags=["reports"])
Reader = Annotated[Caller, Depends(Require(Role.STAFF, Role.OPERATOR, Role.SUPERVISOR, Role.SERVICE))]
Cursor = Annotated[str | None, Query(max_length=200)]
Limit = Annotated[int, Query(ge=1, le=200)]
MOST_DAYS = 92
SUMS = (
    *("messages", "incident_messages", "answered", "urgent", "warned", "breached"),
    *("sms_sent", "sms_delivered", "accepted", "objected", "rated"),
)

OVERFLOW_SUMS = ("deflected_messages", "callbacks_reached", "callbacks_closed")


@dataclass(frozen=True)
class Days:
    """The days of a report, both included; the night shift of the last one ends at 07:00 of the next."""

    first: date
    last: date

    @property
    def start(self) -> datetime:
        """First moment, UTC."""
        return Shift(self.first, ShiftName.MORNING).start

    @property
    def end(self) -> datetime:
        """First moment after, UTC."""
        return Shift(self.last, ShiftName.NIGHT).end


async def _days(
    first: Annotated[str | None, Query(alias="from", max_length=20, examples=["1405-09-03"])] = None,
    last: Annotated[str | None, Query(alias="to", max_length=20, examples=["2026-11-24"])] = None,
) -> Days:
    """Gregorian or Jalali dates; without any, today's shifts."""
    today = shift_of(datetime.now(UTC)).day
    begin = _date("from", first) or (_date("to", last) or today)
    days = Days(begin, _date("to", last) or max(begin, today))
    if not timedelta(0) <= days.last - days.first < timedelta(days=MOST_DAYS):
        raise Problem(422, f"`from` must not be after `to`, and at most {MOST_DAYS} days are reported at once.")
    return days


def _date(name: str, text: str | None) -> date | None:
    if text is None:
        return None
    try:
        day = parse_date(text)
    except (ValueError, OverflowError) as error:
        raise Problem(422, "A date does not fit.", [FieldError(f"?{name}", str(error))]) from error
    if not 1900 <= day.year <= 2200:
        raise Problem(422, "A date does not fit.", [FieldError(f"?{name}", "out of range")])
    return day


DaysOf = Annotated[Days, Depends(_days)]


@router.get("/reports/shifts")
async def get_shifts(caller: Reader, database: DatabaseOf, days: DaysOf) -> ShiftReport:
    """Every shift of the days, the empty ones too. A figure belongs to the shift in which its contact occurred."""
    async with database.transaction() as tx:
        sources = await read_shifts(days.start, days.end, tx)
    items = [_shift(moment, sources) for moment in shifts_between(days.start, days.end)]
    totals = {name: sum(getattr(item, name) for item in items) for name in (*SUMS, *OVERFLOW_SUMS)}
    totals |= {name: sum(getattr(item.calls, name) for item in items) for name in ("offered", "abandoned")}
    totals["deflected"] = sum(item.deflected.callback + item.deflected.link for item in items)
    return ShiftReport(items=items, totals=totals | {"contacts": sum(sum(i.contacts.values()) for i in items)})


@router.get("/reports/channels")
async def get_channels(caller: Reader, database: DatabaseOf, days: DaysOf) -> Page[KeyFigures]:
    """By channel."""
    return await _by("channel", database, days, None, 50)


@router.get("/reports/units")
async def get_units(
    caller: Reader,
    database: DatabaseOf,
    days: DaysOf,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[KeyFigures]:
    """By the unit that has the case now."""
    return await _by("unit", database, days, cursor, limit)


@router.get("/reports/topics")
async def get_topics(
    caller: Reader,
    database: DatabaseOf,
    days: DaysOf,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[KeyFigures]:
    """By topic of the catalogue."""
    return await _by("topic", database, days, cursor, limit)


@router.get("/reports/incidents")
async def get_incidents(
    caller: Reader,
    database: DatabaseOf,
    days: DaysOf,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[IncidentFigures]:
    """The incidents that opened in the days, in order."""
    after = str(decode_cursor(cursor, 1)[0]) if cursor else ""
    async with database.transaction() as tx:
        rows = await incident_figures(days.start, days.end, tx)
    left = [row for row in rows if str(row["incident"]) > after]
    items = [IncidentFigures(**row) for row in left[:limit]]
    return Page(items=items, next_cursor=encode_cursor(str(items[-1].incident)) if len(left) > limit else None)


@router.get("/cases/{code}/timeline", responses={404: {"description": "Problem"}})
async def get_timeline(
    code: Annotated[str, Path(pattern=r"^\d{10}$")], caller: Reader, database: DatabaseOf
) -> Timeline:
    """Everything that is known of a case, in order."""
    async with database.transaction() as tx:
        steps = await timeline(code, tx)
    if steps is None:
        raise Problem(404, "Nothing is known of this code yet.")
    return Timeline(code=code, steps=[TimelineStep(**s, at_tehran=jalali_moment(s["at"])) for s in steps])


async def _by(key: Key, database: DatabaseOf, days: Days, cursor: str | None, limit: int) -> Page[KeyFigures]:
    async with database.transaction() as tx:
        left = keys_after(cursor, await case_figures(key, days.start, days.end, tx))
    items = [KeyFigures(key=row["key"], **_figures(row).model_dump()) for row in left[:limit]]
    return Page(items=items, next_cursor=encode_cursor(items[-1].key) if len(left) > limit else None)


def keys_after(cursor: str | None, rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """What the cursor leaves, by key; sorted here, for a database that sorts by a language has another order."""
    after = str(decode_cursor(cursor, 1)[0]) if cursor else ""
    return sorted((row for row in rows if row["key"] > after), key=itemgetter("key"))


def _shift(moment: datetime, sources: ShiftSources) -> ShiftFigures:
    shift, calls, ways = shift_of(moment), sources.calls.get(moment, {}), sources.deflections.get(moment, {})
    return ShiftFigures(
        **_figures(sources.cases.get(moment, {})).model_dump(),
        day=shift.day,
        day_jalali=jalali(shift.day),
        shift=shift.name,
        begins=shift.start,
        ends=shift.end,
        contacts=sources.contacts(moment),
        calls=Calls(**{name: calls[name] for name in Calls.model_fields if name in calls}),
        deflected=Deflections(**{name: ways[name] for name in Deflections.model_fields if name in ways}),
        contacts_without_message=sources.without_message(moment),
        **{name: ways.get(name, 0) for name in OVERFLOW_SUMS},
    )


def _figures(row: Mapping[str, Any]) -> Figures:
    if not row:
        return Figures()
    return Figures(
        **{name: row[name] for name in SUMS},
        handled_in_nahiye=_share(row["in_nahiye"], row["messages"]),
        handled_at_hq=_share(row["at_hq"], row["messages"]),
        referred_within_a_second=_share(row["referred_in_a_second"], row["messages"]),
        answered_within_deadline=_share(row["answered_in_time"], row["answered"]),
        urgent_answered_in_time=_share(row["urgent_in_time"], row["urgent"]),
        mean_stars=row["mean_stars"],
    )


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None
