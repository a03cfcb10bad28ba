"""Staff put a topic right in one call: the case is decided anew with it and goes where the rules send it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from common.auth import Caller, Role
from common.db import Transaction
from common.errors import FieldError, Problem
from common.events import Channel, Kind, Place, Step, Told
from common.http import json_body, parse
from fastapi import APIRouter, Request, Response

from routing.access import Code, DeciderOf, RulebookOf, Talker
from routing.bounces import directed
from routing.cases import ANSWERS, take_steps
from routing.city import TRIAGE
from routing.classify import KIND_OF_TOPIC
from routing.decide import Asked, Decider, Decision
from routing.models import Case, Correction
from routing.rules import RuleSet
from routing.schemas import CorrectionIn
from routing.sla import Deadlines
from routing.steps import Move

router = APIRouter(prefix="/v1/cases", tags=["cases"])


@dataclass(frozen=True, slots=True)
class Anew:
    """A case decided anew."""

    decision: Decision
    times: Deadlines

    @property
    def told(self) -> Told | None:
        """What the citizen is told when no unit has to act. A place outside the city alone settles nothing here: a
        person says what it is."""
        topic, told = self.decision.subject.topic, self.decision.settled
        return told if told is not Told.OUT_OF_SCOPE or (topic and topic.is_others) else None


@router.post("/{code}/corrections", responses=ANSWERS, openapi_extra=json_body(CorrectionIn))
async def post_correction(
    request: Request, code: Code, caller: Talker, decider: DeciderOf, rulebook: RulebookOf
) -> Response:
    """The right topic, and why; operators may say it of a case at the triage desk.

    The time to the resolution counts from the receipt; of a case that had no topic, from now.
    """
    given, rules, at = await parse(request, CorrectionIn), rulebook.rules, datetime.now(UTC)
    if given.topic not in decider.city.topics:
        raise Problem(
            422, "There is no such topic; GET /v1/topics lists them.", [FieldError("/topic", "no such topic")]
        )

    async def correct(case: Case, tx: Transaction) -> Sequence[Move]:
        _may_correct(case, given.topic, caller)
        anew = decide_anew(_asked(case, given.topic), case, at, decider=decider, rules=rules)
        moves = _moves(case, given, anew, at)
        tx.add(_correction(case, given, caller, at))
        take_decision(case, anew.decision)
        return await directed(case, moves, caller=caller, city=decider.city, tx=tx)

    return await take_steps(request, code, caller, correct)


def asked_of(case: Case, *, topic: str | None, kind: Kind | None) -> Asked:
    """What a decision looks at, of a case as it stands, with this topic and kind."""
    place = Place.model_validate(case.place) if case.place else None
    channel = Channel(case.channel)
    return Asked(case.text, case.received_at, case.occurred_at, channel, topic=topic, kind=kind, place=place)


def decide_anew(asked: Asked, case: Case, at: datetime, *, decider: Decider, rules: RuleSet) -> Anew:
    """The decision for a case as if it came in so: who acts now, counted from when it came in, or had no topic."""
    began = case.received_at if case.topic else at
    acting, counted = decider.decide([replace(asked, received_at=moment) for moment in (at, began)], rules)
    return Anew(acting, counted.times)


def take_decision(case: Case, decision: Decision) -> None:
    """What the case is from now on. `rule` stays the one that referred it first, which its bounces count against."""
    case.topic, case.kind, case.urgent, case.suggestions = (
        decision.topic,
        decision.kind.value,
        decision.urgent,
        decision.choices,
    )
    case.region, case.nahiye = decision.spot.region, decision.spot.nahiye
    case.reasons = {reason.step: reason.because for reason in decision.reasons}


def _asked(case: Case, topic: str) -> Asked:
    return asked_of(case, topic=topic, kind=_kind(case, topic))


def _kind(case: Case, topic: str) -> Kind:
    """The kind stays, but for topics that are a kind."""
    if topic in KIND_OF_TOPIC:
        return KIND_OF_TOPIC[topic]
    return Kind.REQUEST if case.kind == KIND_OF_TOPIC.get(case.topic or "") else Kind(case.kind)


def _may_correct(case: Case, topic: str, caller: Caller) -> None:
    if not caller.has(Role.STAFF, Role.SUPERVISOR) and case.unit != TRIAGE:
        raise Problem(403, "Operators correct the topics of cases at the triage desk; of others their units do.")
    if case.topic == topic:
        raise Problem(409, f"The topic of this case is {topic} already.")


def _moves(case: Case, given: CorrectionIn, anew: Anew, at: datetime) -> list[Move]:
    """Back to the rules, to the unit that they choose, and closed where no unit has to act."""
    detail = {"from": case.topic, "to": given.topic}
    decision, told = anew.decision, anew.told
    because = f"{given.topic} by rule “{decision.rule}”"
    moves = [
        Move(Step.CORRECT_TOPIC, at, reason=given.reason, detail=detail),
        Move(Step.REFER, at, unit=decision.unit, reason=because, times=anew.times, quiet=told is not None),
    ]
    return [*moves, Move(Step.SETTLE, at, told=told)] if told else moves


def _correction(case: Case, given: CorrectionIn, caller: Caller, at: datetime) -> Correction:
    return Correction(
        code=case.code,
        revision=case.revision + 1,
        from_topic=case.topic,
        to_topic=given.topic,
        by=caller.subject,
        at=at,
        reason=given.reason,
    )
