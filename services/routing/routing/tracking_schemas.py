"""What the channels are told of a case, for its citizen: words, and nothing of what staff write to each other."""

from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

TrackedCode = Annotated[str, Field(pattern=r"^[0-9]{10}$", examples=["1234567897"])]


class Asked(BaseModel):
    """Which cases; those that do not exist are left out of the answer."""

    model_config = ConfigDict(extra="forbid")

    codes: list[TrackedCode] = Field(min_length=1, max_length=200)


class Standing(BaseModel):
    """Where a case stands."""

    code: str
    status: str
    words: str = Field(description="the status, for the citizen")
    unit_title: str
    topic: str | None
    topic_title: str | None
    deadline: AwareDatetime | None = Field(description="while the case is open")
    answered_at: AwareDatetime | None
    attachments: int
    may: list[str] = Field(description="what the citizen may reply now: accept, object, both or nothing")


class Standings(BaseModel):
    """The cases that were asked for, in the same order."""

    items: list[Standing]


class StepTold(BaseModel):
    """One step, as its citizen may know it; `outcome` are the words that they were told."""

    at: AwareDatetime
    status: str
    words: str
    outcome: str | None = None


class Tracked(Standing):
    """Where a case stands, and how it came there."""

    history: list[StepTold]


class NearCase(BaseModel):
    """An open case, of which no more is said than what stands in the street."""

    code: str = Field(description="not for citizens: who knows a code may ask after it and reply")
    topic_title: str
    distance_m: int = Field(description="rounded to 5 m")
    since: AwareDatetime
    citizens: int = Field(description="who reported it so far")
    words: str


class NearCases(BaseModel):
    """The open cases of one topic around a point, the nearest first, six at most."""

    items: list[NearCase]
