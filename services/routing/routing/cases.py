"""Staff routes: each is parse → one step → answer; the workflow says which steps a case allows."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

from common.app import DatabaseOf, service_of
from common.auth import Caller
from common.db import Transaction
from common.errors import FieldError, Problem
from common.events import Answer, Status, Step
from common.http import Page, json_answer, json_body, parse
from common.idempotency import First, first_answers, key_of, remember
from fastapi import APIRouter, Depends, Query, Request, Response
from sqlalchemy import select

from routing.access import (
    CityOf,
    Code,
    Operator,
    Reader,
    SealerOf,
    Worker,
    find_case,
    name_for,
    phone_for,
    units_of,
)
from routing.bounces import directed
from routing.city import City
from routing.models import Case, History
from routing.schemas import (
    Bounce,
    CaseOut,
    CaseWithHistory,
    Completion,
    FindingIn,
    HistoryOut,
    Referral,
    ReplyIn,
    WorkOrder,
)
from routing.steps import Move, move
from routing.workflow import FINDING_STEP, FINDING_WORDS, TICKING
from routing.worklist import Filters, after_cursor, cursor_of, phone_lookup, worklist

router = APIRouter(prefix="/v1/cases", tags=["cases"])
Limit = Annotated[int, Query(ge=1, le=200)]
Plan = Callable[[Case, Transaction], Awaitable[Sequence[Move]]]  # of a locked case, which steps to take
Cursor = Annotated[str | None, Query(max_length=300)]
ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"model": CaseOut},
    **{status: {"description": "Problem"} for status in (404, 409, 412, 428)},
}


@router.get("")
async def get_cases(
    caller: Reader,
    database: DatabaseOf,
    city: CityOf,
    sealer: SealerOf,
    filters: Annotated[Filters, Depends()],
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[CaseOut]:
    """The worklist, urgent first, then by deadline. Staff see their unit's cases alone."""
    now = datetime.now(UTC)
    query = worklist(filters, units_of(caller, city), phone_lookup(filters.phone, caller, sealer), now)
    query = after_cursor(query, cursor) if cursor else query
    async with database.transaction() as tx:
        found = (await tx.session.scalars(query.limit(limit + 1))).all()
    items = [_case_out(case, caller, sealer) for case in found[:limit]]
    return Page(items=items, next_cursor=cursor_of(found[limit - 1]) if len(found) > limit else None)


@router.get("/{code}", responses={404: {"description": "Problem"}})
async def get_case(
    code: Code, caller: Reader, database: DatabaseOf, city: CityOf, sealer: SealerOf, response: Response
) -> CaseWithHistory:
    """A case with its history; `ETag` is what the next step must give as `If-Match`."""
    async with database.transaction() as tx:
        case = await find_case(code, caller, city, tx)
        steps = select(History).where(History.code == code).order_by(History.revision)
        history = (await tx.session.scalars(steps)).all()
    response.headers["ETag"] = _etag(case)
    whole = _case_out(case, caller, sealer).model_dump()
    return CaseWithHistory(**whole, history=[HistoryOut.model_validate(h, from_attributes=True) for h in history])


@router.post("/{code}/work-orders", responses=ANSWERS, openapi_extra=json_body(WorkOrder))
async def post_work_order(request: Request, code: Code, caller: Worker, city: CityOf) -> Response:
    """Send an officer."""
    order = await parse(request, WorkOrder)
    detail = {"officer": order.officer} if order.officer else None
    return await _step(request, code, caller, [Move(Step.ORDER_WORK, _now(), reason=order.note, detail=detail)])


@router.post("/{code}/findings", responses=ANSWERS, openapi_extra=json_body(FindingIn))
async def post_finding(request: Request, code: Code, caller: Worker, city: CityOf) -> Response:
    """What the officer found; no action or a duplicate is told to the citizen."""
    found = await parse(request, FindingIn)
    detail = {"finding": found.finding.value} | ({"duplicate_of": found.duplicate_of} if found.duplicate_of else {})
    words = FINDING_WORDS.get(found.finding)
    asked = Move(FINDING_STEP[found.finding], _now(), reason=found.note, detail=detail, outcome=words)
    return await _step(request, code, caller, [asked])


@router.post("/{code}/completions", responses=ANSWERS, openapi_extra=json_body(Completion))
async def post_completion(request: Request, code: Code, caller: Worker, city: CityOf) -> Response:
    """The work is done, and the citizen is told; `confirmed: false` says that it was not, and reopens."""
    done = await parse(request, Completion)
    step = Step.COMPLETE if done.confirmed else Step.REJECT_COMPLETION
    return await _step(request, code, caller, [Move(step, _now(), reason=done.outcome, outcome=done.outcome)])


@router.post("/{code}/referrals", responses=ANSWERS, openapi_extra=json_body(Referral))
async def post_referral(request: Request, code: Code, caller: Worker, city: CityOf) -> Response:
    """Give the case to another unit."""
    referral = await parse(request, Referral)
    unit = _unit(referral.unit, city, "/unit")
    return await _step(request, code, caller, [Move(Step.REFER, _now(), unit=unit, reason=referral.reason)])


@router.post("/{code}/bounces", responses=ANSWERS, openapi_extra=json_body(Bounce))
async def post_bounce(request: Request, code: Code, caller: Worker, city: CityOf) -> Response:
    """Not ours: the case goes to the unit named, else back to who gave it; the second time, to arbitration."""
    bounce = await parse(request, Bounce)
    unit = _unit(bounce.to, city, "/to") if bounce.to else None
    back = Move(Step.BOUNCE, _now(), reason=bounce.reason)
    return await _step(request, code, caller, [back, Move(Step.REFER, _now(), unit=unit, reason=bounce.reason)])


@router.post("/{code}/replies", responses=ANSWERS, openapi_extra=json_body(ReplyIn))
async def post_reply(request: Request, code: Code, caller: Operator, city: CityOf) -> Response:
    """What a citizen said on the phone to our answer."""
    reply = await parse(request, ReplyIn)
    step = Step.ACCEPT if reply.answer is Answer.ACCEPTED else Step.OBJECT
    return await _step(request, code, caller, [Move(step, _now(), reason=reply.note)])


async def _step(request: Request, code: str, caller: Caller, moves: Sequence[Move]) -> Response:
    async def planned(case: Case, tx: Transaction) -> Sequence[Move]:
        return await directed(case, moves, caller=caller, city=request.app.state.city, tx=tx)

    return await take_steps(request, code, caller, planned)


async def take_step(request: Request, code: str, caller: Caller, asked: Move) -> Response:
    """Take one step, as `take_steps` does."""
    return await _step(request, code, caller, [asked])


async def take_steps(request: Request, code: str, caller: Caller, plan: Plan) -> Response:
    """Take the steps in one transaction, once per `Idempotency-Key`, on the revision that the caller saw."""
    city: City = request.app.state.city
    key = await key_of(request, caller.subject)
    async with service_of(request).database.transaction() as tx:
        firsts = await first_answers([key.key], tx) if key else {}
        if key and key.key in firsts:
            return _again(firsts[key.key], key.body)
        case = await find_case(code, caller, city, tx, lock=True)
        _match(request.headers.get("if-match"), case)
        for asked in await plan(case, tx):
            tx.publish(*move(case, _by(asked, caller), city, tx))
        body = _case_out(case, caller, service_of(request).sealer).model_dump(mode="json")
        if key:
            await remember({key.key: First(key.body, body | {"phone": None, "name": None})}, tx)
    return json_answer(body, headers={"ETag": _etag(case)})


def _again(first: First, body: bytes | None) -> Response:
    if (clash := first.clash(body)) is not None:
        raise clash
    headers = {"Idempotency-Replayed": "true", "ETag": f'"{first.answer["revision"]}"'}
    return json_answer(dict(first.answer), headers=headers)


def _match(given: str | None, case: Case) -> None:
    if given is None:
        raise Problem(428, "Send `If-Match` with the ETag of the case that you saw.")
    if given.strip() != _etag(case):
        headers = {"ETag": _etag(case)}
        raise Problem(412, "The case has changed since you saw it; read it again.", headers=headers)


def _by(asked: Move, caller: Caller) -> Move:
    return Move(**{name: getattr(asked, name) for name in Move.__slots__} | {"by": caller.subject})


def _unit(code: str, city: City, pointer: str) -> str:
    if code not in city.units:
        raise Problem(422, "There is no such unit; GET /v1/units lists them.", [FieldError(pointer, "no such unit")])
    return code


def _etag(case: Case) -> str:
    return f'"{case.revision}"'


def _now() -> datetime:
    return datetime.now(UTC)


def _case_out(case: Case, caller: Caller, sealer: Any) -> CaseOut:
    shown = {name: getattr(case, name) for name in CaseOut.model_fields if name not in ("phone", "name", "overdue")}
    return CaseOut(
        **shown,
        overdue=case.deadline < _now() and Status(case.status) in TICKING,
        phone=phone_for(caller, case.phone, sealer),
        name=name_for(caller, case.name, sealer),
    )
