"""What the channels ask of cases for their citizens: where they stand, how they came there, what is open near by."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Any

from common.app import DatabaseOf
from common.auth import Caller, Require, Role
from common.db import Transaction
from common.errors import FieldError, Problem
from common.events import Kind, Status, Step
from common.http import json_body, parse
from fastapi import APIRouter, Depends, Query, Request
from sqlalchemy import select

from routing.access import CityOf, Code
from routing.cells import metres
from routing.city import City
from routing.duplicates import Candidate, OpenCase
from routing.matters import Matter
from routing.models import Case, History
from routing.near import find_near
from routing.steps_told import REGISTERED, parents_in, steps_told
from routing.tracking import IN_WORDS
from routing.tracking_schemas import Asked, NearCase, NearCases, Standing, Standings, StepTold, Tracked
from routing.workflow import ALLOWED, OPEN

router = APIRouter(prefix="/v1", tags=["tracking"])
Neighbour = Annotated[Caller, Depends(Require(Role.SERVICE))]
Lat = Annotated[float, Query(ge=-90, le=90, allow_inf_nan=False, examples=[35.7])]
Lon = Annotated[float, Query(ge=-180, le=180, allow_inf_nan=False, examples=[51.4])]
TopicCode = Annotated[str, Query(max_length=40, pattern=r"^[A-Z]{2}(-[A-Z]+)+$", examples=["US-GUTTER"])]
ROUNDED_M = 5
_MANY = """
SELECT code, status, (SELECT count(*) FROM open_places p WHERE p.parent = c.code) AS joined
FROM cases c WHERE code = ANY($1::text[])
"""


@router.post("/tracking", openapi_extra=json_body(Asked))
async def post_tracking(request: Request, caller: Neighbour, database: DatabaseOf, city: CityOf) -> Standings:
    """Where up to 200 cases stand, in one question."""
    codes = (await parse(request, Asked)).codes
    async with database.transaction() as tx:
        found = {case.code: case for case in await tx.session.scalars(select(Case).where(Case.code.in_(codes)))}
    return Standings(items=[standing(found[code], city) for code in dict.fromkeys(codes) if code in found])


@router.get("/tracking/{code}", responses={404: {"description": "Problem"}})
async def get_tracking(code: Code, caller: Neighbour, database: DatabaseOf, city: CityOf) -> Tracked:
    """Where a case stands and how it came there, for its citizen."""
    async with database.transaction() as tx:
        case = await tx.session.get(Case, code)
        if case is None:
            raise Problem(404, "No case has this code yet.")
        rows = await _history([code], tx)
        parents = await _history(parents_in(rows), tx)
    titles = {name: unit.title_fa for name, unit in city.units.items()}
    told = steps_told(rows, {(row.code, row.at): row for row in parents}, titles)
    first = StepTold(at=case.received_at, status=Status.REGISTERED, words=REGISTERED)
    return Tracked(**standing(case, city).model_dump(), history=[first, *(StepTold(**step) for step in told)])


@router.get("/nearby")
async def get_nearby(
    caller: Neighbour, database: DatabaseOf, city: CityOf, lat: Lat, lon: Lon, topic: TopicCode
) -> NearCases:
    """Open cases of a topic that a new message at this point could be about; none where the topic has no radius.

    None either where anybody may not see the exact point of such a case: distances from three points tell it.
    """
    if topic not in city.topics:
        raise Problem(
            422, "There is no such topic; GET /v1/topics lists them.", [FieldError("?topic", "no such topic")]
        )
    if city.topics[topic].shown != "exactly":
        return NearCases(items=[])
    async with database.transaction() as tx:
        near = await find_near(tx, [_as_if(topic, lat, lon)], city.reaches)
        found = [(case, far) for case in near.get(0, ()) if (far := _within(case, lat, lon, city)) is not None]
        known = {row["code"]: row for row in await tx.fetch(_MANY, [case.code for case, _ in found])}
    return NearCases(items=[_near(case, far, known[case.code], city) for case, far in found if case.code in known])


def standing(case: Case, city: City) -> Standing:
    """Where a case stands, for its citizen."""
    status, topic = Status(case.status), city.topics.get(case.topic or "")
    return Standing(
        code=case.code,
        status=status,
        words=IN_WORDS[status],
        unit_title=city.unit(case.unit).title_fa,
        topic=case.topic,
        topic_title=topic.title_fa if topic else None,
        deadline=case.deadline if status in OPEN else None,
        answered_at=case.answered_at,
        attachments=case.attachments,
        may=[step.value for step in (Step.ACCEPT, Step.OBJECT) if step in ALLOWED[status]],
    )


async def _history(codes: Iterable[str], tx: Transaction) -> list[History]:
    query = select(History).where(History.code.in_(list(codes))).order_by(History.code, History.revision)
    return list(await tx.session.scalars(query))


def _as_if(topic: str, lat: float, lon: float) -> Candidate:
    """A message without words at this point."""
    return Candidate("", topic, Kind.REQUEST, datetime.now(UTC), Matter.of(""), lat, lon)


def _within(case: OpenCase, lat: float, lon: float, city: City) -> float | None:
    """Metres to a case; None where that is farther than its topic's radius."""
    if case.lat is None or case.lon is None:
        return None
    far = metres(lat, lon, case.lat, case.lon)
    return far if far <= city.reaches[case.topic].radius_m else None


def _near(case: OpenCase, far: float, row: Any, city: City) -> NearCase:
    return NearCase(
        code=case.code,
        topic_title=city.topics[case.topic].title_fa,
        distance_m=round(far / ROUNDED_M) * ROUNDED_M,
        since=case.opened_at,
        citizens=row["joined"] + 1,
        words=IN_WORDS[Status(row["status"])],
    )
