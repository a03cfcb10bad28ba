"""What anybody may know of a case: its topic, where it is, how it stands. No word of the citizen, nor whom to answer.

A text, or an address in words, may name a person, a number or a flat; no mask finds them all. So neither is read
here: the topic's title says what it is about, and the nahiye and a point say where. `public.csv` names the topics whose
point is shown roughly, and those that stand in no list: who has such a case's code sees how it stands, and no place.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from common.app import DatabaseOf
from common.auth import Caller, Require, Role
from common.events import Status
from common.http import json_answer
from fastapi import APIRouter, Depends, Query, Response
from pydantic import AwareDatetime, BaseModel, Field
from sqlalchemy import ColumnElement, DateTime, Float, Select, case, func, select

from routing.access import CityOf
from routing.city import City
from routing.models import Case, History
from routing.tracking import IN_WORDS
from routing.workflow import OPEN

router = APIRouter(prefix="/v1/public", tags=["public"])
Neighbour = Annotated[Caller, Depends(Require(Role.SERVICE))]
MOST_CODES = 1000
DEEPEST = 100_000  # cases before a page; read in the index, 15 ms
DIGITS = {"exactly": 5, "nearby": 2}  # of a degree: a metre, and half a kilometre


@dataclass
class PublicFilters:
    """What to list; with `codes` nothing else counts."""

    codes: Annotated[str | None, Query(pattern=r"^\d{10}(,\d{10})*$", max_length=11 * MOST_CODES)] = None
    topics: Annotated[str | None, Query(max_length=4000, description="codes, with commas between")] = None
    open: bool | None = None
    since: Annotated[AwareDatetime | None, Query(description="received then or later")] = None
    until: Annotated[AwareDatetime | None, Query(description="received then or before")] = None
    updated_since: AwareDatetime | None = None
    updated_until: AwareDatetime | None = None
    offset: Annotated[int, Query(ge=0, le=DEEPEST)] = 0
    limit: Annotated[int, Query(ge=1, le=1000)] = 50


class PublicCase(BaseModel):
    """A case as anybody may see it."""

    code: str
    topic: str | None
    title: str | None
    open: bool
    words: str = Field(description="how it stands, in Persian")
    unit: str = Field(description="title of who acts")
    region: int | None
    nahiye: int | None
    lat: float | None
    lon: float | None
    received_at: AwareDatetime
    updated_at: AwareDatetime = Field(description="the last step; of one that is answered, when it was")
    deadline: AwareDatetime


class PublicCases(BaseModel):
    """A part of the list, newest first."""

    items: list[PublicCase]


@router.get("/cases", responses={200: {"model": PublicCases}})
async def get_public_cases(
    caller: Neighbour, database: DatabaseOf, city: CityOf, filters: Annotated[PublicFilters, Depends()]
) -> Response:
    """Cases as anybody may see them, newest first; for the public list of intake, whose pages have numbers."""
    async with database.transaction() as tx:
        rows = (await tx.session.execute(listed(filters, city))).all()
    return json_answer({"items": [shown(row, city) for row in rows]})


def listed(asked: PublicFilters, city: City) -> Select[Any]:
    """The rows of a page; which they are is read in an index alone."""
    codes = asked.codes.split(",") if asked.codes else None
    found = Case.code.in_(codes) if codes else Case.code.in_(_page(asked, city))
    columns = (Case.code, Case.topic, Case.status, Case.unit, Case.region, Case.nahiye, Case.received_at, Case.deadline)
    point = (_degrees("lat"), _degrees("lon"))
    query = select(*columns, *point, _updated().label("updated_at")).outerjoin(History, _last_step()).where(found)
    return query.order_by(Case.received_at.desc(), Case.code.desc())


def _page(asked: PublicFilters, city: City) -> Select[Any]:
    query = select(Case.code).where(*_sifted(asked, city))
    if asked.updated_since or asked.updated_until:
        query = query.outerjoin(History, _last_step()).where(*_between(asked, _updated()))
        query = query.where(Case.code.in_(select(History.code).where(*_between(asked, History.at))))
    return query.order_by(Case.received_at.desc(), Case.code.desc()).offset(asked.offset).limit(asked.limit)


def _sifted(asked: PublicFilters, city: City) -> list[ColumnElement[bool]]:
    hidden = [topic.code for topic in city.topics.values() if topic.shown not in DIGITS]
    wanted: list[ColumnElement[bool]] = [Case.topic.not_in(hidden)]  # and a topic it must have
    if asked.topics is not None:
        wanted.append(Case.topic.in_(sorted(city.topics.keys() & set(asked.topics.split(",")))))
    if asked.open is not None:
        wanted.append(Case.status.in_(sorted(OPEN)) if asked.open else Case.status.not_in(sorted(OPEN)))
    if asked.since is not None:
        wanted.append(Case.received_at >= asked.since)
    if asked.until is not None:
        wanted.append(Case.received_at <= asked.until)
    return wanted


def _between(asked: PublicFilters, moment: ColumnElement[datetime] | Any) -> list[ColumnElement[bool]]:
    bounds = [moment >= asked.updated_since] if asked.updated_since else []
    return bounds + ([moment <= asked.updated_until] if asked.updated_until else [])


def _last_step() -> ColumnElement[bool]:
    return (History.code == Case.code) & (History.revision == Case.revision)


def _updated() -> ColumnElement[datetime]:
    """When it was answered, of a case that is; else its last step."""
    answered = case((Case.status.not_in(sorted(OPEN)), Case.answered_at))
    return func.coalesce(answered, History.at, Case.received_at, type_=DateTime(timezone=True))


def _degrees(name: str) -> Any:
    return Case.place[name].astext.cast(Float).label(name)


def shown(row: Any, city: City) -> dict[str, Any]:
    """What is public of a row."""
    topic = city.topics.get(row.topic or "")
    digits = DIGITS.get(topic.shown) if topic else None
    return {
        "code": row.code,
        "topic": topic.code if topic else None,
        "title": topic.title_fa if topic else None,
        "open": row.status in OPEN,
        "words": IN_WORDS[Status(row.status)],
        "unit": city.units[row.unit].title_fa if row.unit in city.units else row.unit,
        "region": row.region if digits else None,
        "nahiye": row.nahiye if digits else None,
        "lat": _rounded(row.lat, digits),
        "lon": _rounded(row.lon, digits),
        "received_at": row.received_at,
        "updated_at": row.updated_at,
        "deadline": row.deadline,
    }


def _rounded(degrees: float | None, digits: int | None) -> float | None:
    return None if degrees is None or digits is None else round(degrees, digits)
