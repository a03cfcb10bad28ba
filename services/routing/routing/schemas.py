"""What routing's REST takes and answers."""

from typing import Annotated, Any
from uuid import UUID

from common.events import Answer, Channel, Kind, Place
from common.persian import normalise
from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
)

from routing.workflow import Finding


def _normalise(value: object) -> object:
    return normalise(value) if isinstance(value, str) else value


Words = Annotated[str, BeforeValidator(_normalise), Field(min_length=1, max_length=1000)]
UnitCode = Annotated[str, Field(max_length=40, pattern=r"^[a-z0-9\-]+$", examples=["nahiye-5-2"])]


class Body(BaseModel):
    """A body with no field that we do not know."""

    model_config = ConfigDict(extra="forbid")


class WorkOrder(Body):
    """Send an officer."""

    officer: Words | None = None
    note: Words | None = None


class FindingIn(Body):
    """What the officer found."""

    finding: Finding
    note: Words | None = None
    duplicate_of: Annotated[str, Field(pattern=r"^\d{10}$")] | None = None


class Completion(Body):
    """What was done, in words for the citizen; or, by a supervisor, that it was not done."""

    outcome: Words
    confirmed: bool = True


class Referral(Body):
    """Give the case to another unit."""

    unit: UnitCode
    reason: Words


class Bounce(Body):
    """Not ours, and why; without `to` the HQ triage desk decides."""

    reason: Words
    to: UnitCode | None = None


class Attachment(Body):
    """The open case that this one is a duplicate of."""

    parent: Annotated[str, Field(pattern=r"^\d{10}$", examples=["1234567897"])]
    reason: Words | None = None


class Detachment(Body):
    """Why it is no duplicate."""

    reason: Words


class CorrectionIn(Body):
    """The right topic, and why."""

    topic: Annotated[str, Field(max_length=40, examples=["TC-MANHOLE"])]
    reason: Words


class Wait(Body):
    """What the citizen is asked; the time of the case stands still until there is an answer."""

    question: Words


class Resumption(Body):
    """What the citizen said, or that nothing came."""

    answer: Words


class ReplyIn(Body):
    """What a citizen told an operator."""

    answer: Answer
    note: Words | None = None


class CaseOut(BaseModel):
    """A case as staff see it."""

    code: str
    revision: int
    status: str
    topic: str | None
    kind: str
    text: str
    channel: str
    platform: str | None
    unit: str
    level: str
    region: int | None
    nahiye: int | None
    place: dict[str, Any] | None
    urgent: bool
    overdue: bool
    phone: str | None = Field(description="whole for the unit that acts, operators and supervisors")
    name: str | None
    occurred_at: AwareDatetime
    received_at: AwareDatetime
    deadline: AwareDatetime
    respond_by: AwareDatetime | None
    responded_at: AwareDatetime | None
    escalated_to: str | None = Field(description="the unit above, since the resolution was due")
    arbitration: str | None = Field(description="open or decided, of a case that units gave back")
    rule: str | None
    reasons: dict[str, Any]
    suggestions: list[Any] | None = Field(description="topics and probabilities for a person to choose from")
    incident: UUID | None = Field(description="the event in the city that the case is part of")
    parent: str | None = Field(description="the case of the same matter that it is answered with")
    possible_duplicates: list[Any] | None = Field(description="open cases of what may be the same matter, and why")


class HistoryOut(BaseModel):
    """One step of a case."""

    revision: int
    step: str
    status: str
    unit: str
    at: AwareDatetime
    by: str | None
    reason: str | None
    detail: dict[str, Any] | None


class CaseWithHistory(CaseOut):
    """A case and everything that happened to it."""

    children: int = Field(description="cases that are or were answered with it")
    history: list[HistoryOut]


class ChildOut(BaseModel):
    """A case that is answered with another."""

    code: str
    revision: int
    status: str
    unit: str
    channel: str
    urgent: bool
    received_at: AwareDatetime
    answered_at: AwareDatetime | None
    text: str


class Question(Body):
    """A text to decide on; nothing is stored."""

    text: Annotated[str, BeforeValidator(_normalise), Field(min_length=1, max_length=3000)]
    topic: Annotated[str, Field(max_length=40)] | None = None
    kind: Kind | None = None
    place: Place | None = None
    channel: Channel | None = None
    occurred_at: AwareDatetime | None = None


class ReasonOut(BaseModel):
    """One step of a decision and what it rests on."""

    step: str
    because: str


class SuggestionOut(BaseModel):
    """A topic and how likely it is."""

    topic: str
    probability: float


class DecisionOut(BaseModel):
    """A decision with its reasons."""

    topic: str | None
    probability: float
    suggestions: list[SuggestionOut]
    kind: str
    urgent: bool
    region: int | None
    nahiye: int | None
    unit: str
    deadline: AwareDatetime
    settled: str | None = Field(description="what the citizen is told at once, when no unit has to act")
    rule: str
    reasons: list[ReasonOut]


class CountsOut(BaseModel):
    """Cases per status, unit, topic, urgent and overdue."""

    total: int
    at_least: bool = Field(
        description="Every number is exact up to 50,000 cases that fit the filters. Beyond, this is true, and every "
        "number is of the 50,000 that were counted: there are at least as many"
    )
    status: dict[str, int]
    unit: dict[str, int]
    topic: dict[str, int] = Field(description="`` is those without a topic")
    urgent: int
    overdue: int
