"""Staff routes: each is parse → one step → answer; the workflow says which steps a case allows."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from common.app import DatabaseOf, service_of
from common.auth import Caller
from common.db import Transaction
from common.errors import FieldError, Problem
from common.events import Answer, Status, Step
from common.http import Page, json_answer, json_body, parse
from common.idempotency import First, first_answer, key_of, remember
from common.sealed import Sealer
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
from routing.following import lock_in_order, take_step
from routing.models import Case, History
from routing.schemas import (
    Attachment,
    Bounce,
    CaseOut,
    CaseWithHistory,
    Completion,
    Detachment,
    FindingIn,
    HistoryOut,
    Referral,
    ReplyIn,
    WorkOrder,
)
from routing.steps import Move
from routing.workflow import FINDING_STEP, FINDING_WORDS, TICKING, Finding
from routing.worklist import Filters, Scope, Sort, cursor_of, phone_lookup, worklist

router = APIRouter(prefix="/v1/cases", tags=["cases"])
Limit = Annotated[int, Query(ge=1, le=200)]
Cursor = Annotated[str | None, Query(max_length=300)]
Plan = Callable[[Case, Transaction], Awaitable[Sequence[Move]]]  # of a locked case, which steps to take
ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"model": CaseOut},
    **{status: {"description": "Problem"} for status in (404, 409, 412, 428)},
}


@dataclass(frozen=True)
class Paging:
    """Which page of a list, and in what order."""

    sort: Sort = Sort.WORK
    cursor: Cursor = None
    limit: Limit = 50


@router.get("")
async def get_cases(
    caller: Reader,
    database: DatabaseOf,
    city: CityOf,
    sealer: SealerOf,
    paging: Annotated[Paging, Depends()],
    filters: Annotated[Filters, Depends()],
) -> Page[CaseOut]:
    """The worklist. Staff see their unit's cases alone.

    `sort`: `work` is urgent first, then by deadline; `deadline`; `received_at`, the newest first.
    """
    scope = Scope(filters, units_of(caller, city), phone_lookup(filters.phone, caller, sealer), _now())
    sort, limit = paging.sort, paging.limit
    async with database.transaction() as tx:
        found = (await tx.session.scalars(worklist(scope, sort, paging.cursor, limit))).all()
    items = [case_out(case, caller, sealer) for case in found[:limit]]
    return Page(items=items, next_cursor=cursor_of(found[limit - 1], sort) if len(found) > limit else None)


@router.get("/{code}", responses={404: {"description": "Problem"}})
async def get_case(
    code: Code, caller: Reader, database: DatabaseOf, city: CityOf, sealer: SealerOf, response: Response
) -> CaseWithHistory:
    """A case with its history; `ETag` is what the next step must give as `If-Match`."""
    async with database.transaction() as tx:
        case = await find_case(code, caller, city, tx)
        steps = select(History).where(History.code == code).order_by(History.revision)
        history = (await tx.session.scalars(steps)).all()
        children = await tx.fetchval("SELECT count(*) FROM cases WHERE parent = $1", code)
    response.headers["ETag"] = _etag(case)
    whole = case_out(case, caller, sealer).model_dump()
    return CaseWithHistory(
        **whole, children=children, history=[HistoryOut.model_validate(h, from_attributes=True) for h in history]
    )


@router.post("/{code}/work-orders", responses=ANSWERS, openapi_extra=json_body(WorkOrder))
async def post_work_order(request: Request, code: Code, caller: Worker, city: CityOf) -> Response:
    """Send an officer."""
    return await step_through(request, code, caller, ordered(await parse(request, WorkOrder)))


@router.post("/{code}/findings", responses=ANSWERS, openapi_extra=json_body(FindingIn))
async def post_finding(request: Request, code: Code, caller: Worker, city: CityOf) -> Response:
    """What the officer found; no action or a duplicate is told, a duplicate of an open case answered with that."""
    found = await parse(request, FindingIn)
    detail = {"finding": found.finding.value} | ({"duplicate_of": found.duplicate_of} if found.duplicate_of else {})
    if found.finding is Finding.DUPLICATE_OPEN and found.duplicate_of:
        joining = Move(Step.JOIN, _now(), reason=found.note, detail=detail, parent=found.duplicate_of)
        return await step_through(request, code, caller, [joining])
    words = FINDING_WORDS.get(found.finding)
    asked = Move(FINDING_STEP[found.finding], _now(), reason=found.note, detail=detail, outcome=words)
    return await step_through(request, code, caller, [asked])


@router.post("/{code}/completions", responses=ANSWERS, openapi_extra=json_body(Completion))
async def post_completion(request: Request, code: Code, caller: Worker, city: CityOf) -> Response:
    """The work is done, and the citizen is told; `confirmed: false` says that it was not, and reopens."""
    return await step_through(request, code, caller, completed(await parse(request, Completion)))


@router.post("/{code}/referrals", responses=ANSWERS, openapi_extra=json_body(Referral))
async def post_referral(request: Request, code: Code, caller: Worker, city: CityOf) -> Response:
    """Give the case to another unit."""
    return await step_through(request, code, caller, referred(await parse(request, Referral), city))


@router.post("/{code}/bounces", responses=ANSWERS, openapi_extra=json_body(Bounce))
async def post_bounce(request: Request, code: Code, caller: Worker, city: CityOf) -> Response:
    """Not ours: the case goes to the unit named, else back to who gave it; the second time, to arbitration."""
    return await step_through(request, code, caller, bounced(await parse(request, Bounce), city))


@router.post("/{code}/replies", responses=ANSWERS, openapi_extra=json_body(ReplyIn))
async def post_reply(request: Request, code: Code, caller: Operator, city: CityOf) -> Response:
    """What a citizen said on the phone to our answer."""
    reply = await parse(request, ReplyIn)
    step = Step.ACCEPT if reply.answer is Answer.ACCEPTED else Step.OBJECT
    said = {"words": reply.note} if reply.note else None  # a citizen's, for staff alone: a reason goes to reporting
    return await step_through(request, code, caller, [Move(step, _now(), detail=said)])


@router.post("/{code}/attachments", responses=ANSWERS, openapi_extra=json_body(Attachment))
async def post_attachment(request: Request, code: Code, caller: Worker, city: CityOf) -> Response:
    """The same matter as another open case: from now on it goes, and is answered, with that one."""
    given = await parse(request, Attachment)
    detail = {"parent": given.parent}
    joining = Move(Step.JOIN, _now(), reason=given.reason, detail=detail, parent=given.parent)
    return await step_through(request, code, caller, [joining])


@router.post("/{code}/detachments", responses=ANSWERS, openapi_extra=json_body(Detachment))
async def post_detachment(request: Request, code: Code, caller: Worker, city: CityOf) -> Response:
    """A matter of its own after all: the case stands alone, with the unit that has it."""
    given = await parse(request, Detachment)
    return await step_through(request, code, caller, [Move(Step.DETACH, _now(), reason=given.reason)])


def ordered(order: WorkOrder) -> list[Move]:
    """The step that a work order asks for."""
    detail = {"officer": order.officer} if order.officer else None
    return [Move(Step.ORDER_WORK, _now(), reason=order.note, detail=detail)]


def completed(done: Completion) -> list[Move]:
    """The step that a completion asks for."""
    step = Step.COMPLETE if done.confirmed else Step.REJECT_COMPLETION
    return [Move(step, _now(), reason=done.outcome, outcome=done.outcome)]


def referred(referral: Referral, city: City) -> list[Move]:
    """The step that a referral asks for; Problem 422 for a unit that is none."""
    unit = _unit(referral.unit, city, "/unit")
    return [Move(Step.REFER, _now(), unit=unit, reason=referral.reason)]


def bounced(bounce: Bounce, city: City) -> list[Move]:
    """The two steps that a bounce asks for (`bounces.directed` says where to); Problem 422 for a unit that is none."""
    unit = _unit(bounce.to, city, "/to") if bounce.to else None
    back = Move(Step.BOUNCE, _now(), reason=bounce.reason)
    return [back, Move(Step.REFER, _now(), unit=unit, reason=bounce.reason)]


async def step_through(request: Request, code: str, caller: Caller, moves: Sequence[Move]) -> Response:
    """Take these steps, each referral to where it may go."""
    city: City = request.app.state.city

    async def planned(case: Case, tx: Transaction) -> Sequence[Move]:
        return await directed(case, moves, caller=caller, city=city, tx=tx)

    parents = [asked.parent for asked in moves if asked.parent]
    return await take_steps(request, code, caller, planned, parents=parents)


async def take_steps(
    request: Request, code: str, caller: Caller, plan: Plan, *, parents: Sequence[str] = ()
) -> Response:
    """Take the steps in one transaction, once per `Idempotency-Key`, on the revision that the caller saw."""
    city: City = request.app.state.city
    key = await key_of(request, caller.subject)
    async with service_of(request).database.transaction() as tx:
        first = await first_answer(key, tx)
        if key and first:
            return _again(first, key.body)
        for parent in parents:
            await lock_in_order([code, parent], tx)
            await find_case(parent, caller, city, tx)
        case = await find_case(code, caller, city, tx, lock=True)
        _match(request.headers.get("if-match"), case)
        for asked in await plan(case, tx):
            tx.publish(*await take_step(case, by(asked, caller), city, tx))
        body = case_out(case, caller, service_of(request).sealer).model_dump(mode="json")
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


def by(asked: Move, caller: Caller) -> Move:
    """The same step, with who takes it."""
    return Move(**{name: getattr(asked, name) for name in Move.__slots__} | {"by": caller.subject})


def _unit(code: str, city: City, pointer: str) -> str:
    if code not in city.units:
        raise Problem(422, "There is no such unit; GET /v1/units lists them.", [FieldError(pointer, "no such unit")])
    return code


def _etag(case: Case) -> str:
    return f'"{case.revision}"'


def _now() -> datetime:
    return datetime.now(UTC)


def case_out(case: Case, caller: Caller, sealer: Sealer) -> CaseOut:
    """A case as this caller may see it."""
    shown = {name: getattr(case, name) for name in CaseOut.model_fields if name not in ("phone", "name", "overdue")}
    return CaseOut(
        **shown,
        overdue=case.deadline < _now() and Status(case.status) in TICKING,
        phone=phone_for(caller, case.phone, sealer),
        name=name_for(caller, case.name, sealer),
    )
