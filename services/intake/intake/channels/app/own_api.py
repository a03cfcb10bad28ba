"""What a citizen sees in the Tehran Man app: the own messages and no others, the topics, what is open near by."""

from datetime import UTC, datetime
from typing import Annotated

from common.app import DatabaseOf, service_of
from common.errors import Problem
from common.events import Channel
from common.http import json_body, parse
from common.idempotency import first_answers
from fastapi import APIRouter, Query, Request, Response

from intake.api import Code
from intake.channels.app.api import AppCaller
from intake.channels.app.feedback import feedback, refuse_unawaited
from intake.channels.app.near import AWAY as NEAR_AWAY
from intake.channels.app.near import near_case
from intake.channels.app.own import AWAY, as_shown, next_cursor, own_row, own_rows
from intake.channels.app.own_schemas import Feedback, NearCases, OwnMessages, OwnMessageWithHistory, TopicTree
from intake.channels.app.standings import standing_of, standings_of
from intake.channels.app.tree import tree
from intake.contact import Origin
from intake.limits import DEVICE
from intake.reception import accepted, origin_of, reception_of
from intake.routing_client import RoutingClient
from intake.schemas import Accepted
from intake.topics import Topics

router = APIRouter(prefix="/v1/app", tags=["app"])
Limit = Annotated[int, Query(ge=1, le=200)]
Cursor = Annotated[str | None, Query(max_length=300)]
Lat = Annotated[float, Query(ge=-90, le=90, allow_inf_nan=False, examples=[35.7])]
Lon = Annotated[float, Query(ge=-180, le=180, allow_inf_nan=False, examples=[51.4])]
TopicCode = Annotated[str, Query(max_length=40, pattern=r"^[A-Z]{2}(-[A-Z]+)+$", examples=["US-GUTTER"])]
TOPICS_SECONDS = 300  # that an app may keep them


@router.get("/messages")
async def get_messages(
    request: Request, caller: AppCaller, database: DatabaseOf, cursor: Cursor = None, limit: Limit = 50
) -> OwnMessages:
    """One's own messages, the newest first, each with where it stands; without that where routing is away."""
    async with database.transaction() as tx:
        rows = await own_rows(caller.citizen, cursor, limit, tx)
    shown = rows[:limit]
    standings = await standings_of([row["code"] for row in shown], _routing_of(request))
    return OwnMessages(
        items=[as_shown(row, (standings or {}).get(row["code"])) for row in shown],
        next_cursor=next_cursor(rows, limit),
        warnings=[AWAY] if standings is None else [],
    )


@router.get("/messages/{code}", responses={404: {"description": "Problem"}})
async def get_message(request: Request, code: Code, caller: AppCaller, database: DatabaseOf) -> OwnMessageWithHistory:
    """One's own message, where it stands, how it came there, and what may be replied now."""
    async with database.transaction() as tx:
        row = await own_row(code, caller.citizen, tx)
    standing = await standing_of(code, _routing_of(request))
    whole = as_shown(row, standing).model_dump()
    warnings = [AWAY] if standing is None else []
    return OwnMessageWithHistory.model_validate(
        whole | {"history": (standing or {}).get("history", []), "warnings": warnings}
    )


@router.post(
    "/messages/{code}/feedback",
    status_code=202,
    responses={202: {"model": Accepted}, **{status: {"description": "Problem"} for status in (404, 409, 429)}},
    openapi_extra=json_body(Feedback) | {"parameters": [DEVICE]},
)
async def post_feedback(request: Request, code: Code, caller: AppCaller) -> Response:
    """Accept our answer or object to it; 409 where the case awaits no such reply."""
    origin = await origin_of(request, Channel.APP, caller, account=caller.citizen)
    given = await parse(request, Feedback)
    if not await _came_before(request, code, origin):
        standing = await standing_of(code, _routing_of(request))
        if standing is not None:  # else it is accepted, and routing decides when it is back
            refuse_unawaited(given, standing)
    lookup = service_of(request).sealer.lookup(origin.whose) if origin.account else None
    contact = feedback(code, given, origin, account_lookup=lookup, now=datetime.now(UTC))
    return accepted(await reception_of(request).take(contact))


@router.get("/topics")
async def get_topics(request: Request, caller: AppCaller, response: Response) -> TopicTree:
    """The topics to choose from, by deputy, with what each asks for."""
    topics: Topics = request.app.state.topics
    response.headers["Cache-Control"] = f"private, max-age={TOPICS_SECONDS}"
    return tree(await topics.get())


@router.get("/nearby")
async def get_nearby(request: Request, caller: AppCaller, lat: Lat, lon: Lon, topic: TopicCode) -> NearCases:
    """Open cases of the topic near by, so that a citizen can say "the same as that one"."""
    try:
        found = await _routing_of(request).get("/v1/nearby", {"lat": lat, "lon": lon, "topic": topic})
    except Problem as problem:
        if problem.status == 422:
            raise
        return NearCases(items=[], warnings=[NEAR_AWAY])
    sealer = service_of(request).sealer
    return NearCases(items=[near_case(one, sealer) for one in found["items"]])


async def _came_before(request: Request, code: str, origin: Origin) -> bool:
    """Whether this key was answered already; Problem 404 where the message is another's."""
    async with service_of(request).database.transaction() as tx:
        await own_row(code, origin.caller.citizen, tx)
        return origin.key is not None and bool(await first_answers([origin.key], tx))


def _routing_of(request: Request) -> RoutingClient:
    routing: RoutingClient = request.app.state.routing
    return routing
