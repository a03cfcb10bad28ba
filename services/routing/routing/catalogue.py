"""Topics, units, and the dry run of a decision."""

from datetime import UTC, datetime
from typing import Annotated, Any

from common.events import Channel
from common.http import Page, json_answer, json_body, parse
from fastapi import APIRouter, Request, Response
from pydantic import Field, RootModel

from routing.access import Anyone, CityOf, DeciderOf, Reader, RulebookOf
from routing.decide import Asked, Decision
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
async def post_decisions(request: Request, caller: Reader, decider: DeciderOf, rulebook: RulebookOf) -> Response:
    """What would be decided, and why; nothing is stored."""
    asked = (await parse(request, Questions)).root
    questions = asked if isinstance(asked, list) else [asked]
    now = datetime.now(UTC)
    decisions = decider.decide([_asked(question, now) for question in questions], rulebook.rules)
    answers = [_answer(decision) for decision in decisions]
    return json_answer(answers if isinstance(asked, list) else answers[0])


def _asked(question: Question, now: datetime) -> Asked:
    return Asked(
        question.text,
        now,
        question.occurred_at or now,
        channel=question.channel or Channel.APP,
        topic=question.topic,
        kind=question.kind,
        place=question.place,
    )


def _answer(decision: Decision) -> dict[str, Any]:
    return {
        "topic": decision.topic,
        "probability": decision.subject.probability,
        "suggestions": [{"topic": s.topic, "probability": s.probability} for s in decision.subject.suggestions],
        "kind": decision.kind.value,
        "urgent": decision.urgent,
        "region": decision.spot.region,
        "nahiye": decision.spot.nahiye,
        "unit": decision.unit,
        "deadline": decision.deadline,
        "settled": decision.settled.value if decision.settled else None,
        "rule": decision.rule,
        "reasons": [{"step": reason.step, "because": reason.because} for reason in decision.reasons],
    }
