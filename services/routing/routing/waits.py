"""Asking the citizen: the time of a case stands still until there is an answer."""

from datetime import UTC, datetime

from common.events import Step
from common.http import json_body, parse
from fastapi import APIRouter, Request, Response

from routing.access import Code, Talker, Worker
from routing.cases import ANSWERS, step_through
from routing.schemas import Resumption, Wait
from routing.steps import Move

router = APIRouter(prefix="/v1/cases", tags=["cases"])


@router.post("/{code}/waits", responses=ANSWERS, openapi_extra=json_body(Wait))
async def post_wait(request: Request, code: Code, caller: Worker) -> Response:
    """Ask the citizen, who is told the question and to call; the clock stands until `resumptions`."""
    question = (await parse(request, Wait)).question
    asked = Move(Step.ASK_CITIZEN, datetime.now(UTC), reason=question, outcome=question)
    return await step_through(request, code, caller, [asked])


@router.post("/{code}/resumptions", responses=ANSWERS, openapi_extra=json_body(Resumption))
async def post_resumption(request: Request, code: Code, caller: Talker) -> Response:
    """What the citizen said, or that nothing came; what was left of the time goes on."""
    said = (await parse(request, Resumption)).answer
    answered = Move(Step.CITIZEN_ANSWERED, datetime.now(UTC), detail={"words": said})  # for staff: it may name people
    return await step_through(request, code, caller, [answered])
