"""Routes of the overflow: what the exchange asks for a caller, and what operators do with callbacks."""

from datetime import UTC, datetime
from typing import Annotated, Any

from asyncpg import Record
from common.app import DatabaseOf
from common.auth import Caller, Require, Role
from common.events import CallbackState
from common.http import json_answer, json_body, parse
from fastapi import APIRouter, Depends, Path, Request, Response

from intake.channels.phone.callbacks import Said, record_outcome, take_next
from intake.channels.phone.overflow import choose, decide
from intake.channels.phone.overflow_schemas import (
    CallbackOut,
    CallerIn,
    Choice,
    ChoiceIn,
    ChoiceOut,
    DecisionOut,
    OutcomeIn,
    OutcomeOut,
)
from intake.channels.phone.ways import ways_of
from intake.contact import occurrence

router = APIRouter(prefix="/v1/phone", tags=["phone"])
Exchange = Annotated[Caller, Depends(Require(Role.SERVICE))]
Operator = Annotated[Caller, Depends(Require(Role.OPERATOR))]
CallId = Annotated[str, Path(max_length=128, pattern=r"^[\w.:@+\-]+$", examples=["1764054000.137"])]
_PROBLEMS: dict[int | str, dict[str, Any]] = {status: {"description": "Problem"} for status in (404, 409)}


@router.post("/decisions", responses={200: {"model": DecisionOut}}, openapi_extra=json_body(CallerIn))
async def post_decision(request: Request, caller: Exchange, database: DatabaseOf) -> Response:
    """What a caller has to expect, and which other ways they are offered; asked again, it is estimated again."""
    asked = await parse(request, CallerIn)
    at, _ = occurrence(asked.at, datetime.now(UTC))
    async with database.transaction() as tx:
        decision = await decide(asked, at, tx, ways=ways_of(request))
    return json_answer(_decision_out(decision))


@router.post(
    "/decisions/{call_id}/choice",
    responses={200: {"model": ChoiceOut}, **_PROBLEMS},
    openapi_extra=json_body(ChoiceIn),
)
async def post_choice(request: Request, call_id: CallId, caller: Exchange, database: DatabaseOf) -> Response:
    """What the caller took; the same again is answered the same, and counts once."""
    chosen = await parse(request, ChoiceIn)
    at, _ = occurrence(chosen.at, datetime.now(UTC))
    async with database.transaction() as tx:
        row = await choose(call_id, chosen, at, tx=tx, ways=ways_of(request))
    callback_at = row["callback_at"] if row["choice"] == Choice.CALLBACK else None
    answer = ChoiceOut(call_id=call_id, choice=row["choice"], callback_at=callback_at, url=row["url"])
    return json_answer(answer.model_dump())


@router.post(
    "/callbacks/next", responses={200: {"model": CallbackOut}, 204: {"description": "nobody is to be called back now"}}
)
async def post_next(request: Request, caller: Operator, database: DatabaseOf) -> Response:
    """Take the callback that is due next, for some minutes; who holds one gets the same again, for as long."""
    now, ways = datetime.now(UTC), ways_of(request)
    async with database.transaction() as tx:
        row = await take_next(caller.subject, now, tx=tx, ways=ways)
    if row is None:
        return Response(status_code=204)
    return json_answer(_callback_out(row, ways.sealer.open(row["caller"])))


@router.post(
    "/callbacks/{call_id}/outcomes",
    responses={200: {"model": OutcomeOut}, **_PROBLEMS},
    openapi_extra=json_body(OutcomeIn),
)
async def post_outcome(request: Request, call_id: CallId, caller: Operator, database: DatabaseOf) -> Response:
    """Say what became of the callback that one holds; after the third miss it is closed, and the caller told."""
    said = Said(CallbackState((await parse(request, OutcomeIn)).outcome), caller.subject)
    async with database.transaction() as tx:
        row = await record_outcome(call_id, said, datetime.now(UTC), tx=tx, ways=ways_of(request))
    tries = row["misses"] + (row["state"] == CallbackState.REACHED)
    due_at = row["due_at"] if row["closed_at"] is None else None
    return json_answer(OutcomeOut(call_id=call_id, state=row["state"], attempt=tries, due_at=due_at).model_dump())


def _decision_out(row: Record) -> dict[str, Any]:
    offer = "choice" if len(row["options"]) > 1 else "wait"
    names = ("call_id", "estimate_seconds", "at_most_seconds", "options", "callback_at", "topic", "choice")
    given = {name: row[name] for name in names}
    waits = {name: round(row[name], 1) for name in ("estimate_seconds", "at_most_seconds")}
    return DecisionOut(offer=offer, **(given | waits)).model_dump()


def _callback_out(row: Record, phone: str) -> dict[str, Any]:
    names = ("call_id", "queue", "topic", "promised_at", "state", "lease_until")
    found = CallbackOut(phone=phone, attempt=row["misses"] + 1, **{name: row[name] for name in names})
    return found.model_dump()
