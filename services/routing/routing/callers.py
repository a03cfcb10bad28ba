"""Who is calling: what an operator sees of a number's history when the telephone rings."""

from datetime import UTC, datetime
from typing import Annotated

from common.app import DatabaseOf
from common.auth import Caller, Require, Role
from common.http import Page
from fastapi import APIRouter, Depends, Query

from routing.access import SealerOf
from routing.cases import Cursor, Limit, case_out
from routing.schemas import CaseOut
from routing.worklist import Filters, Scope, Sort, cursor_of, phone_lookup, worklist

router = APIRouter(prefix="/v1/callers", tags=["callers"])
# A service is intake, which asks for the operator who picks up; it is answered with numbers masked and without names.
Desk = Annotated[Caller, Depends(Require(Role.OPERATOR, Role.SUPERVISOR, Role.SERVICE))]
Number = Annotated[str, Query(max_length=40, description="in any form", examples=["09121234567"])]


@router.get("")
async def get_caller(
    caller: Desk, database: DatabaseOf, sealer: SealerOf, phone: Number, cursor: Cursor = None, limit: Limit = 50
) -> Page[CaseOut]:
    """All cases of a telephone number, newest first; none for a number that is not known."""
    scope = Scope(Filters(), None, phone_lookup(phone, caller, sealer), datetime.now(UTC))
    async with database.transaction() as tx:
        found = (await tx.session.scalars(worklist(scope, Sort.RECEIVED_AT, cursor, limit))).all()
    items = [case_out(case, caller, sealer) for case in found[:limit]]
    return Page(items=items, next_cursor=cursor_of(found[limit - 1], Sort.RECEIVED_AT) if len(found) > limit else None)
