"""Routes of incidents. Their steps need no `If-Match`: an incident changes with every message that joins it."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from common.app import DatabaseOf, Service, service_of
from common.auth import Caller, Require, Role
from common.db import Transaction
from common.errors import Problem
from common.events import Told
from common.http import Page, decode_cursor, encode_cursor, json_answer, json_body, parse
from common.idempotency import First, first_answer, key_of, remember
from fastapi import APIRouter, Depends, Query, Request, Response

from routing.access import Reader
from routing.announcing import keep_announcing
from routing.baseline import Baseline
from routing.city import City
from routing.incident_rows import Kept
from routing.incident_schemas import AnnouncementIn, IncidentOut, IncidentWithMembers, MergeIn, Note, OutcomeIn
from routing.incident_steps import Said, announce, close_by_hand, confirm, find_incident, keep_closing, merge
from routing.workflow import OPEN

router = APIRouter(prefix="/v1/incidents", tags=["incidents"])
Supervisor = Annotated[Caller, Depends(Require(Role.SUPERVISOR))]
Act = Callable[[Kept, Said, Transaction], Awaitable[Kept]]
_PROBLEMS: dict[int | str, dict[str, Any]] = {status: {"description": "Problem"} for status in (404, 409)}
ANSWERS = {200: {"model": IncidentOut}, **_PROBLEMS}
ACCEPTED = {202: {"model": IncidentOut}, **_PROBLEMS}
_LIST = """
SELECT * FROM incidents WHERE (closed_at IS NULL) = $1 AND (opened_at, id) < ($2, $3)
ORDER BY opened_at DESC, id DESC LIMIT $4
"""
_MEMBERS = """
SELECT count(*) AS cases, count(*) FILTER (WHERE status = ANY($2::text[])) AS open_cases FROM cases
WHERE incident = $1
"""
_ANNOUNCEMENTS = """
SELECT number, told, text, by, at, reached, done_at FROM announcements WHERE incident = $1 ORDER BY number
"""
_FIRST_PAGE = (datetime.max.replace(tzinfo=UTC), UUID(int=2**128 - 1))


@router.get("")
async def get_incidents(
    caller: Reader,
    database: DatabaseOf,
    state: Literal["open", "closed"] = "open",
    cursor: Annotated[str | None, Query(max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Page[IncidentOut]:
    """The open ones, confirmed or not; or the closed and merged. The latest first."""
    async with database.transaction() as tx:
        rows = await tx.fetch(_LIST, state == "open", *_position(cursor), limit + 1)
    items = [_out(Kept.of(row)) for row in rows[:limit]]
    last = items[-1] if len(rows) > limit else None
    return Page(items=items, next_cursor=encode_cursor(last.opened_at.isoformat(), str(last.id)) if last else None)


@router.get("/{incident}", responses={404: {"description": "Problem"}})
async def get_incident(incident: UUID, caller: Reader, database: DatabaseOf) -> IncidentWithMembers:
    """An incident, how many cases are its members, and what they were told."""
    async with database.transaction() as tx:
        kept = await find_incident(incident, tx)
        members = await tx.fetchrow(_MEMBERS, incident, sorted(OPEN))
        told = await tx.fetch(_ANNOUNCEMENTS, incident)
    assert members is not None
    rows = [dict(row) for row in told]
    return IncidentWithMembers.model_validate(_out(kept).model_dump() | dict(members) | {"announcements": rows})


@router.post("/{incident}/confirmations", responses=ANSWERS, openapi_extra=json_body(Note))
async def post_confirmation(request: Request, incident: UUID, caller: Supervisor) -> Response:
    """A person has looked: it is one."""
    note = (await parse(request, Note)).note
    return await _act(request, incident, _said(caller, note), confirm)


@router.post("/{incident}/closings", responses=ANSWERS, openapi_extra=json_body(Note))
async def post_closing(request: Request, incident: UUID, caller: Supervisor) -> Response:
    """It is over, or never was one."""
    note = (await parse(request, Note)).note
    baseline: Baseline = request.app.state.baseline

    async def act(kept: Kept, said: Said, tx: Transaction) -> Kept:
        return await close_by_hand(kept, said, baseline, tx)

    return await _act(request, incident, _said(caller, note), act)


@router.post("/{incident}/merges", responses=ANSWERS, openapi_extra=json_body(MergeIn))
async def post_merge(request: Request, incident: UUID, caller: Supervisor) -> Response:
    """A closed incident was the same event as another of its family; answers that one."""
    asked = await parse(request, MergeIn)

    async def act(kept: Kept, said: Said, tx: Transaction) -> Kept:
        return await merge(kept, asked.into, said, tx)

    return await _act(request, incident, _said(caller, asked.note), act)


@router.post("/{incident}/announcements", status_code=202, responses=ACCEPTED, openapi_extra=json_body(AnnouncementIn))
async def post_announcement(request: Request, incident: UUID, caller: Supervisor) -> Response:
    """Tell all members, urgent ones first, once each; those who join later hear the latest one as they join.

    The same words are told once: saying them again changes nothing.
    """
    text = (await parse(request, AnnouncementIn)).text
    return await _act(request, incident, _said(caller, text), _announcing(Told.INCIDENT), status=202)


@router.post("/{incident}/completions", status_code=202, responses=ACCEPTED, openapi_extra=json_body(OutcomeIn))
async def post_completion(request: Request, incident: UUID, caller: Supervisor) -> Response:
    """Answer all open members with this outcome, urgent ones first, once each."""
    outcome = (await parse(request, OutcomeIn)).outcome
    return await _act(request, incident, _said(caller, outcome), _announcing(Told.DONE), status=202)


def serve_incidents(service: Service, city: City) -> None:
    """These routes, the loop that tells the members, and the one that closes what is calm."""
    service.app.state.baseline = baseline = Baseline.load()
    service.serve(router)
    telling, closing = service.health.pulse("announcements"), service.health.pulse("calm incidents")
    service.run_beside("announcements", lambda: keep_announcing(service.database, city, telling))
    service.run_beside("calm incidents", lambda: keep_closing(service.database, baseline, closing))


def _announcing(told: Told) -> Act:
    async def act(kept: Kept, said: Said, tx: Transaction) -> Kept:
        return await announce(kept, told, said, tx)

    return act


async def _act(request: Request, incident: UUID, said: Said, act: Act, *, status: int = 200) -> Response:
    """Do it in one transaction, once per `Idempotency-Key`."""
    key = await key_of(request, said.by)
    async with service_of(request).database.transaction() as tx:
        kept = await find_incident(incident, tx, lock=True)
        first = await first_answer(key, tx)
        if key and first:
            return _again(first, key.body, status)
        body = _out(await act(kept, said, tx)).model_dump(mode="json")
        if key:
            await remember({key.key: First(key.body, body)}, tx)
    return json_answer(body, status)


def _again(first: First, body: bytes | None, status: int) -> Response:
    if (clash := first.clash(body)) is not None:
        raise clash
    return json_answer(dict(first.answer), status, {"Idempotency-Replayed": "true"})


def _said(caller: Caller, note: str | None) -> Said:
    return Said(caller.subject, datetime.now(UTC), note)


def _position(cursor: str | None) -> tuple[datetime, UUID]:
    if cursor is None:
        return _FIRST_PAGE
    moment, last = decode_cursor(cursor, 2)
    try:
        position = datetime.fromisoformat(str(moment)), UUID(str(last))
    except ValueError as error:
        raise Problem(422, "`cursor` is not one that a list gave.") from error
    if position[0].tzinfo is None:
        raise Problem(422, "`cursor` is not one that a list gave.")
    return position


def _out(kept: Kept) -> IncidentOut:
    incident = kept.incident
    return IncidentOut(
        id=kept.id,
        state=kept.state,
        family=incident.family,
        topics=list(incident.topics),
        regions=list(incident.regions),
        nahiye=[str(area) for area in incident.nahiye],
        messages=incident.count,
        growth=round(incident.growth(datetime.now(UTC)), 2),
        first_seen=incident.first_seen,
        opened_at=incident.opened_at,
        last_at=incident.last_at,
        closed_at=incident.closed_at,
        merged_into=kept.merged_into,
        said=[dict(entry) for entry in kept.said],
    )
