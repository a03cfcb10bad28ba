"""Routes of the operators' desk: who is calling, calls that open no case, and the agents that a day needs."""

import asyncio
from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Annotated

from common.app import DatabaseOf
from common.auth import Caller, Require, Role
from common.calendar import parse_date
from common.codes import is_code
from common.db import Transaction
from common.errors import FieldError, Problem
from common.events import Channel, ContactRecorded
from common.http import json_answer, json_body, parse
from common.idempotency import First, first_answer, key_of, remember
from common.persian import Phone, parse_phone
from fastapi import APIRouter, Depends, Path, Query, Request, Response

from intake.channels.phone.callers import cases_of, own_rows, sorted_out
from intake.channels.phone.desk_schemas import CallerOut, NeedOut, StaffingOut
from intake.channels.phone.overflow_models import DeskContact
from intake.channels.phone.overflow_schemas import ContactIn, ContactOut
from intake.channels.phone.staffing import history_of, needs
from intake.channels.phone.ways import ways_of
from intake.models import table
from intake.schemas import Identifier

router = APIRouter(prefix="/v1/phone", tags=["phone"])
Operator = Annotated[Caller, Depends(Require(Role.OPERATOR))]
Supervisor = Annotated[Caller, Depends(Require(Role.SUPERVISOR))]
Number = Annotated[str, Path(max_length=40, description="in any form", examples=["09121234567"])]
Day = Annotated[str, Query(alias="date", max_length=20, examples=["1405-09-03", "2026-11-24"])]


@router.get("/callers/{number}", responses={200: {"model": CallerOut}})
async def get_caller(request: Request, number: Number, caller: Operator, database: DatabaseOf) -> Response:
    """What is known of a number when the telephone rings: open cases, history, and what is seconds old."""
    phone = _phone(number)
    lookup = ways_of(request).sealer.lookup(phone.e164)
    async with database.transaction() as tx:
        own = await own_rows(lookup, datetime.now(UTC), tx)
    return json_answer(sorted_out(await cases_of(phone.e164, request.app.state.routing), own))


@router.post("/contacts", status_code=202, responses={202: {"model": ContactOut}}, openapi_extra=json_body(ContactIn))
async def post_contact(request: Request, caller: Operator, database: DatabaseOf) -> Response:
    """Note a call that opens no case: a follow-up of a code, guidance, or another body's matter."""
    contact, key = await parse(request, ContactIn), await key_of(request, caller.subject)
    if contact.code is not None and not is_code(contact.code):
        raise Problem(
            422, "The body does not fit.", [FieldError("/code", "no tracking code: its check digit is wrong")]
        )
    async with database.transaction() as tx:
        first = await first_answer(key, tx)
        if first is not None and key is not None:
            return _again(first, key.body)
        answer = await _note(contact, caller.subject, datetime.now(UTC), tx)
        if key is not None:
            await remember({key.key: First(key.body, answer)}, tx)
    return json_answer(answer, 202)


@router.get("/staffing", responses={200: {"model": StaffingOut}})
async def get_staffing(
    day: Day, queue: Annotated[Identifier, Query()], caller: Supervisor, database: DatabaseOf
) -> Response:
    """The agents that each half hour of a day needs, by the same weekday of the four weeks before."""
    wanted = _date(day)
    async with database.transaction() as tx:
        history = await history_of(queue, wanted, tx)
    return json_answer(
        StaffingOut(
            queue=queue,
            day=wanted,
            like_days=list(history.days),
            service_seconds=round(history.service_seconds, 1),
            patience_seconds=round(history.patience_seconds, 1),
            items=[NeedOut(**asdict(need)) for need in await asyncio.to_thread(needs, wanted, history)],
        ).model_dump()
    )


async def _note(contact: ContactIn, subject: str, now: datetime, tx: Transaction) -> dict[str, str]:
    """The same call, reason and code count once, whoever writes them down again."""
    reason, code = contact.reason, contact.code
    event = ContactRecorded(at=now, channel=Channel.PHONE, reason=reason, code=code, call_id=contact.call_id)
    row = {"id": event.id, "call_id": contact.call_id, "reason": reason.value, "code": code}
    made = await tx.insert(
        table(DeskContact), [row | {"taken_by": subject, "at": now}], then="ON CONFLICT DO NOTHING RETURNING id"
    )
    if made:
        tx.publish(event)
    return {"call_id": contact.call_id, "received_at": now.isoformat()}


def _again(first: First, body: bytes | None) -> Response:
    clash = first.clash(body)
    if clash is not None:
        raise clash
    return json_answer(dict(first.answer), 202, headers={"Idempotency-Replayed": "true"})


def _phone(number: str) -> Phone:
    found = parse_phone(number)
    if found is None:
        raise Problem(422, "That is not a telephone number; write it like 09121234567.")
    return found


def _date(text: str) -> date:
    try:
        day = parse_date(text)
    except (ValueError, OverflowError) as error:
        raise Problem(422, "The date does not fit.", [FieldError("?date", str(error))]) from error
    if not 2000 <= day.year <= 2200:
        raise Problem(422, "The date does not fit.", [FieldError("?date", "out of range")])
    return day
