"""What reporting answers."""

from datetime import date
from typing import Any
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field


class Figures(BaseModel):
    """What a group of cases came to; shares are 0 to 1, null where there is nothing to share."""

    messages: int = 0
    incident_messages: int = Field(default=0, description="of these, part of one event in the city")
    handled_in_nahiye: float | None = None
    handled_at_hq: float | None = None
    referred_within_a_second: float | None = None
    answered: int = 0
    answered_within_deadline: float | None = None
    urgent: int = 0
    urgent_answered_in_time: float | None = None
    warned: int = Field(default=0, description="cases that had used up 75 % of their time")
    breached: int = Field(default=0, description="cases that were not resolved in time")
    sms_sent: int = 0
    sms_delivered: int = 0
    accepted: int = 0
    objected: int = 0
    rated: int = Field(default=0, description="cases with stars from their citizen; the last word of each counts")
    mean_stars: float | None = Field(default=None, description="1 to 5")


class Calls(BaseModel):
    """What the telephone queue came to; waits in seconds."""

    offered: int = 0
    answered: int = 0
    abandoned: int = Field(default=0, description="gave up; who took another way did not")
    mean_wait: float | None = None
    p95_wait: float | None = None


class Deflections(BaseModel):
    """Callers who would have waited too long and took another way, and what came of it."""

    callback: int = Field(default=0, description="callers who are called back")
    link: int = Field(default=0, description="callers who got a link to the bot or the app")
    links_followed: int = Field(default=0, description="of these, who wrote")


class ShiftFigures(Figures):
    """One shift."""

    day: date
    day_jalali: str
    shift: str
    begins: AwareDatetime
    ends: AwareDatetime
    contacts: dict[str, int] = Field(description="by channel")
    calls: Calls
    deflected: Deflections
    deflected_messages: int = Field(default=0, description="cases of callers who took another way, on any channel")
    callbacks_reached: int = 0
    callbacks_closed: int = Field(default=0, description="not reached at the last try, and told by SMS")
    contacts_without_message: dict[str, int] = Field(description="by reason: follow_up, guidance, other_body")


class ShiftReport(BaseModel):
    """Shifts of some days, the empty ones too."""

    items: list[ShiftFigures]
    totals: dict[str, int]


class KeyFigures(Figures):
    """The cases of one channel, unit or topic."""

    key: str


class IncidentFigures(BaseModel):
    """One event in the city, and what its cases came to; what was merged into it counts with it."""

    incident: UUID
    state: str
    family: str
    regions: list[int]
    nahiye: list[str]
    first_seen: AwareDatetime
    opened_at: AwareDatetime
    closed_at: AwareDatetime | None
    merged_into: UUID | None
    messages: int
    urgent: int
    answered: int
    sms_sent: int


class TimelineStep(BaseModel):
    """One thing that happened to a case."""

    at: AwareDatetime
    at_tehran: str
    step: str
    detail: dict[str, Any]


class Timeline(BaseModel):
    """What happened to a case, in order."""

    code: str
    steps: list[TimelineStep]
