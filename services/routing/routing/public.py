"""What anybody may know of a case: its topic, where it is, how it stands. No word of the citizen, nor whom to answer.

A text, or an address in words, may name a person, a number or a flat; no mask finds them all. So neither is read
here: the topic's title says what it is about, and the nahiye and a point say where. `public.csv` names the topics whose
point is shown roughly, and those that stand in no list: who has such a case's code sees how it stands, and no place.
"""

from dataclasses import dataclass
from typing import Annotated, Any

from common.app import DatabaseOf
from common.auth import Caller, Require, Role
from common.db import Row, Transaction
from common.events import Status
from common.http import json_answer
from fastapi import APIRouter, Depends, Query, Response
from pydantic import AwareDatetime, BaseModel, Field

from routing.access import CityOf
from routing.city import City
from routing.tracking import IN_WORDS
from routing.workflow import OPEN

router = APIRouter(prefix="/v1/public", tags=["public"])
_OPEN = sorted(OPEN)
_ENDED = sorted(set(Status) - OPEN)
# Anybody's question, so it may not take long; and planned for its own dates, for they say which index is good.
_BOUNDED = "SET LOCAL statement_timeout = 3000; SET LOCAL plan_cache_mode = force_custom_plan"
_ROWS = """
SELECT c.code, c.topic, c.status, c.unit, c.region, c.nahiye, c.received_at, c.deadline,
       (c.place->>'lat')::float8 AS lat, (c.place->>'lon')::float8 AS lon,
       coalesce(CASE WHEN c.status <> ALL($2::text[]) THEN c.answered_at END, h.at, c.received_at) AS updated_at
FROM cases c LEFT JOIN history h ON h.code = c.code AND h.revision = c.revision WHERE c.code = ANY($1::text[])
"""
# Each case with the one step that changed it last: of one that is answered, with its answer.
_CHANGED = """
history h JOIN cases c ON c.code = h.code AND CASE WHEN c.status = ANY($3::text[]) THEN h.revision = c.revision
                                              ELSE h.at = c.answered_at AND h.status <> ALL($3::text[]) END
"""
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
    """Cases as anybody may see them, newest first; for the public list of intake, whose pages have numbers.

    With `updated_since` or `updated_until` those that changed last come first. 503 for a question of over 3 s.
    """
    async with database.transaction() as tx:
        await tx.execute(_BOUNDED)
        rows = await listed(filters, city, tx)
    return json_answer({"items": [shown(row, city) for row in rows]})


async def listed(asked: PublicFilters, city: City, tx: Transaction) -> list[Row]:
    """The rows of a page in their order, or those that are named. Which they are is read in an index alone."""
    codes = asked.codes.split(",") if asked.codes else await _page(asked, city, tx)
    rows: dict[str, Row] = {row["code"]: dict(row) for row in await tx.fetch(_ROWS, codes, _OPEN)}
    if asked.codes is None:
        return [rows[code] for code in codes]
    return sorted(rows.values(), key=lambda row: (row["received_at"], row["code"]), reverse=True)


async def _page(asked: PublicFilters, city: City, tx: Transaction) -> list[str]:
    by_update = asked.updated_since is not None or asked.updated_until is not None
    conditions = _conditions(asked, city)
    given = " AND ".join(text.replace("$", f"${n}") for n, text in enumerate(conditions, 4))
    source, order = (_CHANGED, "h.at DESC, h.code DESC") if by_update else ("cases c", "received_at DESC, code DESC")
    # $3 has to be somewhere in every query; in this place it is the list of what is open, for all of them.
    query = f"SELECT c.code FROM {source} WHERE $3::text[] IS NOT NULL AND {given} ORDER BY {order} OFFSET $1 LIMIT $2"
    return [row["code"] for row in await tx.fetch(query, asked.offset, asked.limit, _OPEN, *conditions.values())]


def _conditions(asked: PublicFilters, city: City) -> dict[str, object]:
    """What must hold, `$` for the value beside it."""
    hidden = [topic.code for topic in city.topics.values() if topic.shown not in DIGITS]
    found: dict[str, object] = {"c.topic <> ALL($::text[])": hidden}  # and a topic it must have
    if asked.topics is not None:
        found["c.topic = ANY($::text[])"] = sorted(city.topics.keys() & set(asked.topics.split(",")))
    if asked.open is not None:
        found["c.status = ANY($::text[])"] = _OPEN if asked.open else _ENDED
    bounds = {
        "c.received_at >= $": asked.since,
        "c.received_at <= $": asked.until,
        "h.at >= $": asked.updated_since,
        "h.at <= $": asked.updated_until,
    }
    return found | {text: moment for text, moment in bounds.items() if moment is not None}


def shown(row: Row, city: City) -> dict[str, Any]:
    """What is public of a row."""
    topic = city.topics.get(row["topic"] or "")
    digits = DIGITS.get(topic.shown) if topic else None
    return {
        "code": row["code"],
        "topic": topic.code if topic else None,
        "title": topic.title_fa if topic else None,
        "open": row["status"] in OPEN,
        "words": IN_WORDS[Status(row["status"])],
        "unit": city.unit(row["unit"]).title_fa,
        "region": row["region"] if digits else None,
        "nahiye": row["nahiye"] if digits else None,
        "lat": _rounded(row["lat"], digits),
        "lon": _rounded(row["lon"], digits),
        "received_at": row["received_at"],
        "updated_at": row["updated_at"],
        "deadline": row["deadline"],
    }


def _rounded(degrees: float | None, digits: int | None) -> float | None:
    return None if degrees is None or digits is None else round(degrees, digits)
