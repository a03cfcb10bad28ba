"""One step for many cases, with a result for each: a refused one does not stop the others."""

from collections.abc import Sequence
from typing import Any

import orjson
from common.app import service_of
from common.auth import Caller
from common.db import Transaction
from common.errors import Problem
from common.http import json_answer, json_body, parse
from common.idempotency import First, first_answer, key_of, remember
from fastapi import APIRouter, Request, Response
from sqlalchemy import select

from routing.access import CityOf, Worker, find_case
from routing.bounces import directed
from routing.bulk_schemas import Bulk, BulkOut, ManyBounces, ManyCompletions, ManyReferrals, ManyWorkOrders, SeenCase
from routing.cases import bounced, by, completed, ordered, referred
from routing.city import City
from routing.following import take_step
from routing.models import Case
from routing.steps import Move

router = APIRouter(prefix="/v1/cases", tags=["cases"])
Many = ManyWorkOrders | ManyCompletions | ManyReferrals | ManyBounces


@router.post("/bulk", responses={200: {"model": BulkOut}}, openapi_extra=json_body(Bulk))
async def post_bulk(request: Request, caller: Worker, city: CityOf) -> Response:
    """Take one step on up to 200 cases; each is done, or refused for its own reason.

    One transaction with a savepoint for each case: what is refused leaves nothing, the others are done together.
    """
    asked = (await parse(request, Bulk)).root
    moves = [by(step, caller) for step in _moves(asked, city)]
    key = await key_of(request, caller.subject)
    async with service_of(request).database.transaction() as tx:
        first = await first_answer(key, tx)
        if key and first:
            return _again(first, key.body)
        body = _answer(await _taken(asked.cases, moves, (caller, city), tx))
        if key:
            await remember({key.key: First(key.body, body)}, tx)
    return json_answer(body)


def _moves(asked: Many, city: City) -> list[Move]:
    if isinstance(asked, ManyWorkOrders):
        return ordered(asked.body)
    if isinstance(asked, ManyCompletions):
        return completed(asked.body)
    return referred(asked.body, city) if isinstance(asked, ManyReferrals) else bounced(asked.body, city)


async def _taken(
    cases: Sequence[SeenCase], moves: Sequence[Move], who: tuple[Caller, City], tx: Transaction
) -> list[dict[str, Any]]:
    """The results in the order asked. The rows are locked in the order of their codes, so that two bulks never
    wait for each other."""
    codes = sorted(case.code for case in cases)
    await tx.session.scalars(select(Case).where(Case.code.in_(codes)).order_by(Case.code).with_for_update())
    return [await _result(seen, moves, who, tx) for seen in cases]


async def _result(seen: SeenCase, moves: Sequence[Move], who: tuple[Caller, City], tx: Transaction) -> dict[str, Any]:
    revision: int | None = None
    try:
        case = await find_case(seen.code, *who, tx)
        revision = case.revision
        await _take(case, seen, moves, who, tx=tx)
    except Problem as problem:
        reason = orjson.loads(problem.response().body)
        return {"code": seen.code, "status": "refused", "revision": revision, "problem": reason}
    return {"code": seen.code, "status": "done", "revision": case.revision, "problem": None}


async def _take(
    case: Case, seen: SeenCase, moves: Sequence[Move], who: tuple[Caller, City], *, tx: Transaction
) -> None:
    caller, city = who
    if case.revision != seen.revision:
        raise Problem(412, "The case has changed since you saw it; read it again.")
    async with tx.session.begin_nested():
        steps = await directed(case, moves, caller=caller, city=city, tx=tx)
        events = [event for step in steps for event in await take_step(case, step, city, tx)]
    tx.publish(*events)


def _answer(results: Sequence[dict[str, Any]]) -> dict[str, Any]:
    done = sum(result["status"] == "done" for result in results)
    return {"done": done, "refused": len(results) - done, "results": list(results)}


def _again(first: First, body: bytes | None) -> Response:
    if (clash := first.clash(body)) is not None:
        raise clash
    return json_answer(dict(first.answer), headers={"Idempotency-Replayed": "true"})
