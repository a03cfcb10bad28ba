"""The phone channel: the operator's form, and the events of the telephone exchange."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

from common.app import service_of
from common.auth import Caller, Require, Role
from common.edge import DirectRoute
from common.events import Channel
from common.http import json_answer, json_body, parse
from fastapi import APIRouter, Depends, Request, Response

from intake.channels.phone.agents import record_agents
from intake.channels.phone.calls import in_time, record_calls
from intake.channels.phone.queue_state import queue_states
from intake.channels.phone.queue_watch import QueueWatch, queue_out
from intake.channels.phone.schemas import (
    AgentEventIn,
    CallEventIn,
    CallEvents,
    CallEventsAccepted,
    PhoneMessage,
    QueueOut,
)
from intake.channels.phone.ways import ways_of
from intake.contact import occurrence
from intake.reception import origin_of, reception_of
from intake.schemas import Accepted

router = APIRouter(tags=["phone"], route_class=DirectRoute)
Operator = Annotated[Caller, Depends(Require(Role.OPERATOR))]
Exchange = Annotated[Caller, Depends(Require(Role.SERVICE))]
Desk = Annotated[Caller, Depends(Require(Role.OPERATOR, Role.SUPERVISOR, Role.SERVICE))]


@router.post(
    "/v1/phone/messages", status_code=202, responses={202: {"model": Accepted}}, openapi_extra=json_body(PhoneMessage)
)
async def post_message(request: Request, caller: Operator) -> Response:
    """Take what an operator wrote down; 202 means that it is stored and has its code."""
    message = await parse(request, PhoneMessage)
    if message.topic is None and message.keys is not None:
        topic = ways_of(request).menu.topic(message.keys, datetime.now(UTC))
        message = message.model_copy(update={"topic": topic})
    return await reception_of(request).message(
        message, await origin_of(request, Channel.PHONE, caller, call_id=message.call_id)
    )


@router.post(
    "/v1/phone/events",
    status_code=202,
    responses={202: {"model": CallEventsAccepted}},
    openapi_extra=json_body(CallEvents),
)
async def post_events(request: Request, caller: Exchange) -> Response:
    """Take up to 500 call events and 500 agents' events, in any order and more than once; each counts once."""
    now, service = datetime.now(UTC), service_of(request)
    given = await parse(request, CallEvents)
    async with service.database.transaction() as tx:
        fresh = await record_calls(given.events, tx, now=now, sealer=service.sealer)
        await record_agents([in_time(event, now) for event in given.agents], tx)
    answer = {"received": len(given.events), "fresh": fresh, "agents": len(given.agents), "received_at": now}
    warnings = [*_impossible("events", given.events, now), *_impossible("agents", given.agents, now)]
    return json_answer(answer | {"warnings": warnings} if warnings else answer, 202)


def _impossible(field: str, events: Sequence[CallEventIn | AgentEventIn], now: datetime) -> list[str]:
    """A warning for each event of an impossible time."""
    warned = (n for n, event in enumerate(events) if occurrence(event.at, now)[1])
    return [f"/{field}/{n}/at: more than 7 days back or 5 minutes ahead" for n in warned]


@router.get("/v1/phone/queues", responses={200: {"model": list[QueueOut]}})
async def get_queues(request: Request, caller: Desk) -> Response:
    """Who waits on the phone now and who works, by queue."""
    async with service_of(request).database.transaction() as tx:
        states = await queue_states(tx, datetime.now(UTC))
    return json_answer([queue_out(state) for state in states])


@router.get("/v1/phone/queues/stream", responses={200: {"content": {"text/event-stream": {}}}})
async def stream_queues(request: Request, caller: Desk) -> Response:
    """The same as server-sent events `queues`, at most one a second, when something changed."""
    watch: QueueWatch = request.app.state.queue_watch
    return watch.response()
