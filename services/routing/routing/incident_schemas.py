"""What the routes of incidents take and answer."""

from typing import Any
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field

from routing.schemas import Body, Words


class Note(Body):
    """Words for colleagues."""

    note: Words | None = None


class MergeIn(Body):
    """The incident that stays, and why."""

    into: UUID
    note: Words | None = None


class AnnouncementIn(Body):
    """Words for every member: a crew was sent, a road was closed, an answer."""

    text: Words


class OutcomeIn(Body):
    """What was done, in words for the citizens."""

    outcome: Words


class AnnouncementOut(BaseModel):
    """Something that the members were told, or answered (`done`), and how far that is."""

    number: int
    told: str
    text: str
    by: str
    at: AwareDatetime
    reached: int = Field(description="members so far; who joins later comes on top")
    done_at: AwareDatetime | None


class IncidentOut(BaseModel):
    """An event in the city behind many messages."""

    id: UUID
    state: str
    family: str
    topics: list[str]
    regions: list[int] = Field(description="that rose, the most messages first")
    nahiye: list[str] = Field(description="that rose, `5-2` the second of region 5, the most messages first")
    messages: int = Field(description="since the rise, without citizens' own repeats")
    growth: float = Field(description="messages per ten minutes, lately")
    first_seen: AwareDatetime
    opened_at: AwareDatetime
    last_at: AwareDatetime
    closed_at: AwareDatetime | None
    merged_into: UUID | None
    said: list[dict[str, Any]] = Field(description="what staff did: at, by, step, note")


class IncidentWithMembers(IncidentOut):
    """An incident, its members, and what they were told."""

    cases: int
    open_cases: int
    announcements: list[AnnouncementOut]
