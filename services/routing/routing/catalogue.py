"""Topics, units, and the dry run of a decision."""

from datetime import UTC, datetime
from typing import Annotated, Any

from common.http import Page, json_answer, json_body, parse
from fastapi import APIRouter, Request, Response
from pydantic import Field, RootModel

from routing.access import Anyone, CityOf, DeciderOf, Reader
from routing.decide import Asked, Decider
from routing.schemas import DecisionOut, Question

router = APIRouter(prefix="/v1", tags=["catalogue"])
MOST_QUESTIONS = 500


class Questions(RootModel[Question | Annotated[list[Question], Field(min_length=1, max_length=MOST_QUESTIONS)]]):
    """One question, or a list of up to 500."""


@router.get("/topics")
async def get_topics(caller: Anyone, city: CityOf) -> Page[dict[str, Any]]:
    """The topic catalogue."""
    topics = city.topics.values()
    return Page(items=[{name: getattr(topic, name) for name in topic.__slots__} for topic in topics])


@router.get("/units")
async def get_units(caller: Reader, city: CityOf) -> Page[dict[str, Any]]:
    """HQ desks, regions, nahiye and other bodies."""
    return Page(items=[{name: getattr(unit, name) for name in unit.__slots__} for unit in city.units.values()])


@router.post(
    "/decisions", responses={200: {"model": DecisionOut | list[DecisionOut]}}, openapi_extra=json_body(Questions)
)
async def post_decisions(request: Request, caller: Reader, decider: DeciderOf) -> Response:
    """What would be decided, and why; nothing is stored."""
    asked = (await parse(request, Questions)).root
    if isinstance(asked, list):
        return json_answer([_decision(one, decider) for one in asked])
    return json_answer(_decision(asked, decider))


def _decision(question: Question, decider: Decider) -> dict[str, Any]:
    at = question.occurred_at or datetime.now(UTC)
    decision = decider.decide(Asked(question.text, question.topic, question.kind, question.place, at))
    return {
        "topic": decision.topic,
        "probability": decision.probability,
        "suggestions": [{"topic": s.topic, "probability": s.probability} for s in decision.suggestions],
        "kind": decision.kind.value,
        "urgent": decision.urgent,
        "region": decision.spot.region,
        "nahiye": decision.spot.nahiye,
        "unit": decision.unit,
        "deadline": decision.deadline,
        "rule": "topic's level and region",
        "reasons": [{"step": reason.step, "because": reason.because} for reason in decision.reasons],
    }
