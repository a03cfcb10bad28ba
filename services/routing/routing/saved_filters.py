"""Saved filters: a query of the worklist under a name, one's own or shared with a unit."""

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from common.app import DatabaseOf, service_of
from common.auth import Caller, Require, Role
from common.db import Transaction
from common.errors import FieldError, Problem
from common.http import Page, decode_cursor, encode_cursor, json_answer, json_body, parse
from common.idempotency import First, first_answer, key_of, remember
from fastapi import APIRouter, Depends, Path, Request, Response
from sqlalchemy import ColumnElement, delete, func, or_, select, tuple_
from uuid_utils.compat import uuid7

from routing.access import CityOf
from routing.cases import Cursor, Limit
from routing.city import City
from routing.models import SavedFilter
from routing.schemas import FilterIn, FilterOut

router = APIRouter(prefix="/v1/filters", tags=["filters"])
Member = Annotated[Caller, Depends(Require(Role.STAFF, Role.OPERATOR, Role.SUPERVISOR))]
Id = Annotated[UUID, Path(alias="id")]
MOST_OWN = 100
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('saved_filters ' || $1, 0))"


@router.get("")
async def get_filters(
    caller: Member, database: DatabaseOf, city: CityOf, cursor: Cursor = None, limit: Limit = 50
) -> Page[FilterOut]:
    """The caller's own, and those shared with their unit or one above it, by name. A supervisor sees all shared."""
    query = select(SavedFilter).where(_seen_by(caller, city)).order_by(SavedFilter.name, SavedFilter.id)
    if cursor:
        query = query.where(tuple_(SavedFilter.name, SavedFilter.id) > _after(cursor))
    async with database.transaction() as tx:
        found = (await tx.session.scalars(query.limit(limit + 1))).all()
    last = found[limit - 1] if len(found) > limit else None
    return Page(
        items=[_out(saved, caller) for saved in found[:limit]],
        next_cursor=encode_cursor(last.name, last.id) if last else None,
    )


@router.post(
    "",
    status_code=201,
    responses={201: {"model": FilterOut}, 409: {"description": "Problem"}},
    openapi_extra=json_body(FilterIn),
)
async def post_filter(request: Request, caller: Member, city: CityOf) -> Response:
    """Save a filter. Staff share with their own unit or one below it, supervisors with any."""
    asked = await parse(request, FilterIn)
    _may_share(asked.unit, caller, city)
    key = await key_of(request, caller.subject)
    async with service_of(request).database.transaction() as tx:
        first = await first_answer(key, tx)
        if key and first:
            return _again(first, key.body)
        saved = await _save(asked, caller, tx)
        body = _out(saved, caller).model_dump(mode="json")
        if key:
            await remember({key.key: First(key.body, body)}, tx)
    return json_answer(body, 201, headers={"Location": f"/v1/filters/{saved.id}"})


@router.delete("/{id}", status_code=204, responses={404: {"description": "Problem"}})
async def delete_filter(caller: Member, database: DatabaseOf, id_: Id) -> None:
    """Delete one's own filter; a supervisor also one that is shared."""
    own = SavedFilter.owner == caller.subject
    may = or_(own, SavedFilter.unit.is_not(None)) if caller.has(Role.SUPERVISOR) else own
    async with database.transaction() as tx:
        gone = await tx.session.scalar(delete(SavedFilter).where(SavedFilter.id == id_, may).returning(SavedFilter.id))
    if gone is None:
        raise Problem(404, "You have no filter with this id.")


async def _save(asked: FilterIn, caller: Caller, tx: Transaction) -> SavedFilter:
    """Problem 409 for a name that the caller has used, or too many; one at a time for each caller."""
    await tx.execute(_LOCK, caller.subject)
    own = select(func.count()).where(SavedFilter.owner == caller.subject)
    if await tx.session.scalar(own.where(SavedFilter.name == asked.name)):
        raise Problem(409, "You have a filter of this name; delete it first.", [FieldError("/name", "is taken")])
    if (await tx.session.scalar(own) or 0) >= MOST_OWN:
        raise Problem(409, f"You have {MOST_OWN} filters; delete one first.")
    query = asked.query.model_dump(mode="json", exclude_none=True)
    named = {"owner": caller.subject, "unit": asked.unit, "name": asked.name}
    saved = SavedFilter(id=uuid7(), query=query, created_at=datetime.now(UTC), **named)
    tx.add(saved)
    return saved


def _may_share(unit: str | None, caller: Caller, city: City) -> None:
    if unit is None:
        return
    if unit not in city.units:
        raise Problem(422, "There is no such unit; GET /v1/units lists them.", [FieldError("/unit", "no such unit")])
    if not caller.has(Role.SUPERVISOR) and unit not in city.below.get(caller.unit or "", ()):
        raise Problem(403, "Only supervisors may share a filter with another unit than their own.")


def _seen_by(caller: Caller, city: City) -> ColumnElement[bool]:
    own = SavedFilter.owner == caller.subject
    if caller.has(Role.SUPERVISOR):
        return or_(own, SavedFilter.unit.is_not(None))
    above = [unit for unit, below in city.below.items() if caller.unit in below]
    return or_(own, SavedFilter.unit.in_(above))


def _after(cursor: str) -> tuple[str, UUID]:
    name, id_ = decode_cursor(cursor, 2)
    try:
        return str(name).replace("\x00", ""), UUID(str(id_))
    except ValueError as error:
        raise Problem(422, "`cursor` is not one that this list gave.") from error


def _again(first: First, body: bytes | None) -> Response:
    if (clash := first.clash(body)) is not None:
        raise clash
    headers = {"Idempotency-Replayed": "true", "Location": f"/v1/filters/{first.answer['id']}"}
    return json_answer(dict(first.answer), 201, headers=headers)


def _out(saved: SavedFilter, caller: Caller) -> FilterOut:
    whole = {name: getattr(saved, name) for name in ("id", "name", "query", "unit", "created_at")}
    return FilterOut(**whole, own=saved.owner == caller.subject)
