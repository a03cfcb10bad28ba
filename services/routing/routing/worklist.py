"""The worklist: cases in the order in which they should be worked, a page at a time, whatever the filters.

The indexes hold each unit's cases by status and urgency (a lane), in order of their deadlines. A page is the first
rows of each lane, merged; so it costs the same whether a thousand cases were closed before or a million.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any

from common.auth import Caller, Role
from common.errors import FieldError, Problem
from common.events import Channel, Kind, Status
from common.http import decode_cursor, encode_cursor
from common.persian import parse_phone
from common.sealed import Sealer
from fastapi import Query
from pydantic import AwareDatetime
from sqlalchemy import ColumnElement, Select, cast, func, select, true, tuple_
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import aliased

from routing.models import Case
from routing.workflow import OPEN, TICKING

_START = datetime(1970, 1, 1, tzinfo=UTC)


class Sort(StrEnum):
    """The order of a list: what to work first, the next deadline first, or the newest first."""

    WORK = "work"
    DEADLINE = "deadline"
    RECEIVED_AT = "received_at"


@dataclass
class Filters:
    """What to list; nothing given lists everything that the caller may see."""

    unit: Annotated[str | None, Query(max_length=40)] = None
    status: Status | None = None
    urgent: bool | None = None
    overdue: bool | None = None
    escalated: bool | None = None
    topic: Annotated[str | None, Query(max_length=40)] = None
    code: Annotated[str | None, Query(pattern=r"^\d{10}$")] = None
    phone: Annotated[str | None, Query(max_length=40, description="operators and supervisors")] = None
    region: Annotated[int | None, Query(ge=1, le=22)] = None
    nahiye: Annotated[int | None, Query(ge=1, le=99, description="whose the case is now; needs `region`")] = None
    kind: Kind | None = None
    channel: Channel | None = None
    open: Annotated[bool | None, Query(description="not answered yet")] = None
    since: Annotated[AwareDatetime | None, Query(description="received then or later")] = None
    until: Annotated[AwareDatetime | None, Query(description="received before")] = None


@dataclass(frozen=True, slots=True)
class After:
    """The last row of the page before: its urgency, its moment in the order, its code."""

    urgent: bool
    moment: datetime
    code: str


@dataclass(frozen=True, slots=True)
class Scope:
    """What a list is of: the filters, the units that the caller may see (None: all), the number's hash, the time."""

    filters: Filters
    units: frozenset[str] | None
    phone: str | None
    now: datetime

    def visited(self) -> frozenset[str] | None:
        """The units to look into; None is all of them."""
        asked = _units_asked(self.filters)
        if asked is None or self.units is None:
            return self.units if asked is None else asked
        return asked & self.units

    def statuses(self) -> list[str]:
        """The statuses to look into."""
        asked = self.filters
        found = {asked.status} if asked.status is not None else set(Status)
        if asked.open or asked.overdue:
            found &= TICKING if asked.overdue else OPEN
        if asked.open is False:
            found -= OPEN
        return sorted(found)


def worklist(scope: Scope, sort: Sort, cursor: str | None, limit: int) -> Select[Case]:
    """The page after a cursor, with one row more than `limit` where another page follows."""
    after = _after(cursor, sort) if cursor else None
    few = scope.phone is not None or scope.filters.code is not None or scope.filters.escalated is not None
    if sort is Sort.RECEIVED_AT or few:
        return _in_a_row(scope, sort, after).limit(limit + 1)
    return _merged(scope, sort, after, limit + 1)


def cursor_of(case: Case, sort: Sort) -> str:
    """Where the next page begins."""
    moment = case.received_at if sort is Sort.RECEIVED_AT else case.deadline
    return encode_cursor(sort.value, case.urgent, moment.isoformat(), case.code)


def sifted(scope: Scope, case: type[Case]) -> list[ColumnElement[bool]]:
    """The filters other than unit, status and urgency."""
    asked = scope.filters
    region = asked.region if asked.nahiye is None else None  # else it names the nahiye, wherever the place is
    wanted = {"topic": asked.topic, "region": region, "kind": asked.kind, "channel": asked.channel}
    wanted |= {"code": asked.code, "phone_lookup": scope.phone}
    found: list[ColumnElement[bool]] = [
        getattr(case, name) == _plain(value) for name, value in wanted.items() if value is not None
    ]
    if asked.since is not None:
        found.append(case.received_at >= asked.since)
    if asked.until is not None:
        found.append(case.received_at < asked.until)
    if asked.overdue:
        found.append(case.deadline < scope.now)
    return found


def placed(scope: Scope, case: type[Case]) -> list[ColumnElement[bool]]:
    """The filters by unit, status and urgency."""
    units, statuses, asked = scope.visited(), scope.statuses(), scope.filters
    found: list[ColumnElement[bool]] = [case.unit.in_(sorted(units))] if units is not None else []
    if asked.escalated:  # what reached a unit from below, whoever has it
        found = [
            case.escalated_to.in_(sorted(scope.units)) if scope.units is not None else case.escalated_to.is_not(None)
        ]
        statuses = sorted({*statuses} & OPEN)
    if asked.escalated is False:
        found.append(case.escalated_to.is_(None))
    if len(statuses) < len(Status):
        found.append(case.status.in_(statuses))
    if asked.urgent is not None:
        found.append(case.urgent.is_(asked.urgent))
    if asked.overdue is False:
        found.append(~((case.deadline < scope.now) & case.status.in_(sorted(TICKING))))
    return found


def _in_a_row(scope: Scope, sort: Sort, after: After | None) -> Select[Case]:
    """One index in its order, or the few cases of a number."""
    query = select(Case).where(*placed(scope, Case), *sifted(scope, Case))
    if sort is Sort.RECEIVED_AT:
        query = query.order_by(Case.received_at.desc(), Case.code.desc())
        return query.where(tuple_(Case.received_at, Case.code) < (after.moment, after.code)) if after else query
    urgent = [Case.urgent.desc()] if sort is Sort.WORK else []
    query = query.order_by(*urgent, Case.deadline, Case.code)
    return query.where(_later(after, sort)) if after else query


def _later(after: After, sort: Sort) -> ColumnElement[bool]:
    later = tuple_(Case.deadline, Case.code) > (after.moment, after.code)
    if sort is Sort.DEADLINE:
        return later
    return later & Case.urgent.is_(True) | Case.urgent.is_(False) if after.urgent else later & Case.urgent.is_(False)


def _merged(scope: Scope, sort: Sort, after: After | None, size: int) -> Select[Case]:
    """The first rows of each lane, then the first of them all."""
    lane, case = _lanes(scope, sort, after), aliased(Case)
    of_unit = [case.unit == lane.c.unit] if scope.visited() is not None else []
    first = (
        select(case.code, case.urgent, case.deadline)
        .where(*of_unit, case.status == lane.c.status, case.urgent == lane.c.urgent)
        .where(tuple_(case.deadline, case.code) > tuple_(lane.c.deadline, lane.c.code), *sifted(scope, case))
        .order_by(case.deadline, case.code)
        .limit(size)
        .lateral("first")
    )
    order = [first.c.urgent.desc()] if sort is Sort.WORK else []
    page = select(first.c.code).select_from(lane.join(first, true()))
    page = page.order_by(*order, first.c.deadline, first.c.code).limit(size)
    urgent = [Case.urgent.desc()] if sort is Sort.WORK else []
    return select(Case).where(Case.code.in_(page)).order_by(*urgent, Case.deadline, Case.code)


def _lanes(scope: Scope, sort: Sort, after: After | None) -> Any:
    """Unit, status and urgency of each lane, and the deadline and code after which it is read."""
    units, asked = scope.visited(), scope.filters
    lanes = [
        (unit, status, urgent, *start)
        for unit in (sorted(units) if units is not None else [""])
        for status in scope.statuses()
        for urgent in ((True, False) if asked.urgent is None else (asked.urgent,))
        if (start := _start(scope, sort, after, (Status(status), urgent))) is not None
    ]
    columns = zip(*lanes, strict=True) if lanes else [()] * 5
    types = (Case.unit.type, Case.status.type, Case.urgent.type, Case.deadline.type, Case.code.type)
    arrays = [cast(list(column), ARRAY(kind)) for column, kind in zip(columns, types, strict=True)]
    names = ("unit", "status", "urgent", "deadline", "code")
    return func.unnest(*arrays).table_valued(*names).render_derived("lane")


def _start(scope: Scope, sort: Sort, after: After | None, lane: tuple[Status, bool]) -> tuple[datetime, str] | None:
    """Where a lane is read from; None where the pages before have passed it."""
    status, urgent = lane
    first = (scope.now, "") if scope.filters.overdue is False and status in OPEN else (_START, "")
    if after is None or (sort is Sort.WORK and after.urgent and not urgent):
        return first
    if sort is Sort.WORK and urgent and not after.urgent:
        return None
    return max(first, (after.moment, after.code))


def _after(cursor: str, sort: Sort) -> After:
    order, urgent, moment, code = decode_cursor(cursor, 4)
    try:
        after = After(urgent, datetime.fromisoformat(str(moment)), str(code))
    except ValueError as error:
        raise _foreign() from error
    if order != sort or after.moment.tzinfo is None or not isinstance(urgent, bool) or not after.code.isalnum():
        raise _foreign()
    return after


def _foreign() -> Problem:
    return Problem(422, "`cursor` is not one that a list in this order gave.")


def _units_asked(asked: Filters) -> frozenset[str] | None:
    if asked.nahiye is not None and asked.region is None:
        raise Problem(422, "`nahiye` needs its `region`.", [FieldError("?nahiye", "give `region` too")])
    nahiye = f"nahiye-{asked.region}-{asked.nahiye}" if asked.nahiye is not None else None
    units = {_plain(unit) for unit in (asked.unit, nahiye) if unit is not None}
    if not units:
        return None
    return frozenset(units) if len(units) == 1 else frozenset()


def _plain(value: Any) -> Any:
    return str(value).replace("\x00", "") if isinstance(value, str) else value


def phone_lookup(text: str | None, caller: Caller, sealer: Sealer) -> str | None:
    """The keyed hash of a number; 403 for those who may not search by number, 422 for what is none."""
    if text is None:
        return None
    if not caller.has(Role.OPERATOR, Role.SUPERVISOR, Role.SERVICE):
        raise Problem(403, "Only operators and supervisors may search by telephone number.")
    number = parse_phone(text)
    if number is None:
        raise Problem(422, "`phone` is not a telephone number.", [FieldError("?phone", "write it like 09121234567")])
    return sealer.lookup(number.e164)
