"""The cases that are, or were, answered with another."""

from common.app import DatabaseOf
from common.http import Page, decode_cursor, encode_cursor
from fastapi import APIRouter
from sqlalchemy import select

from routing.access import CityOf, Code, Reader, find_case
from routing.cases import Cursor, Limit
from routing.models import Case
from routing.schemas import ChildOut

router = APIRouter(prefix="/v1/cases", tags=["cases"])


@router.get("/{code}/children", responses={404: {"description": "Problem"}})
async def get_children(
    code: Code, caller: Reader, database: DatabaseOf, city: CityOf, cursor: Cursor = None, limit: Limit = 50
) -> Page[ChildOut]:
    """The children of a case, by code. Whoever may see the case may see them."""
    query = select(Case).where(Case.parent == code).order_by(Case.code).limit(limit + 1)
    if cursor:
        query = query.where(Case.code > str(decode_cursor(cursor, 1)[0]).replace("\x00", ""))
    async with database.transaction() as tx:
        await find_case(code, caller, city, tx)
        found = (await tx.session.scalars(query)).all()
    items = [ChildOut.model_validate(child, from_attributes=True) for child in found[:limit]]
    return Page(items=items, next_cursor=encode_cursor(items[-1].code) if len(found) > limit else None)
