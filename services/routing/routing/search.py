"""Search in the cases: by code, or by the words of the text and of the address."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from common.app import DatabaseOf
from common.codes import parse_code
from common.db import Transaction
from common.errors import FieldError, Problem
from common.http import Page, decode_cursor, encode_cursor
from fastapi import APIRouter, Query
from sqlalchemy import select

from routing.access import CityOf, Reader, SealerOf, units_of
from routing.cases import Cursor, Limit, case_out
from routing.fulltext import Before, search
from routing.models import Case
from routing.schemas import CaseOut
from routing.words import wanted

router = APIRouter(prefix="/v1/cases", tags=["cases"])
Asked = Annotated[
    str,
    Query(
        min_length=1,
        max_length=200,
        description="A code, or words: all must be in the text or the address, the last one may be the beginning of "
        "a word. Spelled any way; from the common words (از, در, است …) nothing is looked for",
    ),
]


@router.get("/search")
async def get_found(
    caller: Reader,
    database: DatabaseOf,
    city: CityOf,
    sealer: SealerOf,
    q: Asked,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[CaseOut]:
    """Cases by code or words, newest first. Staff search their unit's cases alone."""
    units, before = units_of(caller, city), before_of(cursor) if cursor else Before()
    async with database.transaction() as tx:
        codes = await _codes(q, units, before, limit + 1, tx)
        found = await _newest_first(codes, units, tx)
    items = [case_out(case, caller, sealer) for case in found[:limit]]
    return Page(items=items, next_cursor=cursor_before(found[limit - 1]) if len(found) > limit else None)


async def _codes(q: str, units: frozenset[str] | None, before: Before, limit: int, tx: Transaction) -> Sequence[str]:
    if code := parse_code(q):
        return [code]
    asked = wanted(q)
    if asked is None:
        raise Problem(422, "Give a word or a code to search by.", [FieldError("?q", "no word of two letters in it")])
    return await search(asked, units, before, limit, tx)


async def _newest_first(codes: Sequence[str], units: frozenset[str] | None, tx: Transaction) -> Sequence[Case]:
    query = select(Case).where(Case.code.in_(codes)).order_by(Case.received_at.desc(), Case.code.desc())
    if units is not None:
        query = query.where(Case.unit.in_(sorted(units)))
    return (await tx.session.scalars(query)).all()


def before_of(cursor: str) -> Before:
    """Where a page begins that lists the newest first; Problem 422 for a cursor of another list."""
    moment, code = decode_cursor(cursor, 2)
    try:
        before = Before(datetime.fromisoformat(str(moment)), str(code))
    except ValueError as error:
        raise Problem(422, "`cursor` is not one that this list gave.") from error
    if before.received_at.tzinfo is None or not before.code.isalnum():
        raise Problem(422, "`cursor` is not one that this list gave.")
    return before


def cursor_before(case: Case) -> str:
    """Where the next page begins of a list of the newest first."""
    return encode_cursor(case.received_at.isoformat(), case.code)
