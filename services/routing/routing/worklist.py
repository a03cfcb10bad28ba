"""The worklist: one query, whatever the filters, in the order in which cases should be worked."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from common.auth import Caller, Role
from common.errors import FieldError, Problem
from common.events import Status
from common.http import decode_cursor, encode_cursor
from common.persian import parse_phone
from common.sealed import Sealer
from fastapi import Query
from sqlalchemy import Select, select, tuple_

from routing.models import Case
from routing.workflow import OPEN, TICKING


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


def worklist(filters: Filters, units: frozenset[str] | None, phone: str | None, now: datetime) -> Select[Case]:
    """Urgent ones first, then by deadline."""
    query = select(Case).order_by(Case.urgent.desc(), Case.deadline, Case.code)
    if units is not None:
        query = query.where(Case.unit.in_(sorted(units)) | Case.escalated_to.in_(sorted(units)))
    if phone is not None:
        query = query.where(Case.phone_lookup == phone)
    if filters.overdue is not None:
        late = (Case.deadline < now) & Case.status.in_(sorted(TICKING))
        query = query.where(late if filters.overdue else ~late)
    wanted = {"unit": filters.unit, "status": filters.status, "topic": filters.topic, "code": filters.code}
    for name, value in wanted.items():
        if value is not None:
            query = query.where(getattr(Case, name) == str(value).replace("\x00", ""))
    if filters.escalated is not None:
        above = Case.escalated_to.is_not(None) & Case.status.in_(sorted(OPEN))
        query = query.where(above if filters.escalated else ~above)
    if filters.urgent is not None:
        query = query.where(Case.urgent.is_(filters.urgent))
    return query


def after_cursor(query: Select[Case], cursor: str) -> Select[Case]:
    """The same list from after a row on."""
    urgent, deadline, code = decode_cursor(cursor, 3)
    try:
        moment = datetime.fromisoformat(str(deadline))
    except ValueError as error:
        raise Problem(422, "`cursor` is not one that a list gave.") from error
    if moment.tzinfo is None or not isinstance(urgent, bool) or not str(code).isalnum():
        raise Problem(422, "`cursor` is not one that a list gave.")
    later = tuple_(Case.deadline, Case.code) > (moment, str(code))
    return query.where(
        ((Case.urgent.is_(True)) & later) | (Case.urgent.is_(False)) if urgent else (Case.urgent.is_(False)) & later
    )


def cursor_of(case: Case) -> str:
    """Where the next page begins."""
    return encode_cursor(case.urgent, case.deadline.isoformat(), case.code)


def phone_lookup(text: str | None, caller: Caller, sealer: Sealer) -> str | None:
    """The keyed hash of a number; 403 for those who may not search by number, 422 for what is none."""
    if text is None:
        return None
    if not caller.has(Role.OPERATOR, Role.SUPERVISOR):
        raise Problem(403, "Only operators and supervisors may search by telephone number.")
    number = parse_phone(text)
    if number is None:
        raise Problem(422, "`phone` is not a telephone number.", [FieldError("?phone", "write it like 09121234567")])
    return sealer.lookup(number.e164)
