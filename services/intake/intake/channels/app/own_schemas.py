"""What the Tehran Man app is shown of a citizen's messages, and the citizen's word on our answers."""

from enum import StrEnum
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from intake.schemas import PlaceIn, normalised


class FeedbackAnswer(StrEnum):
    """What a citizen says to our answer."""

    ACCEPT = "accept"
    OBJECT = "object"


class Feedback(BaseModel):
    """A citizen's word on our answer: accepted or objected to, why, and how many stars."""

    model_config = ConfigDict(extra="forbid")

    answer: FeedbackAnswer
    reason: Annotated[str, BeforeValidator(normalised), Field(min_length=1, max_length=1000)] | None = None
    stars: int | None = Field(default=None, ge=1, le=5, strict=True)
    occurred_at: AwareDatetime | None = Field(default=None, description="as of a message")


class OwnMessage(BaseModel):
    """A message of one's own, and where it stands. `status` and what follows it are null while that is not known."""

    code: str
    text: str
    kind: str | None
    topic: str | None = Field(description="what was chosen; what it was found to be once that is known")
    topic_title: str | None = None
    place: PlaceIn | None
    occurred_at: AwareDatetime
    received_at: AwareDatetime
    status: str | None = None
    words: str | None = Field(default=None, description="the status, in words")
    unit_title: str | None = None
    deadline: AwareDatetime | None = Field(default=None, description="while it is open")
    answered_at: AwareDatetime | None = None
    attachments: int | None = None
    may: list[FeedbackAnswer] = Field(default=[], description="what `feedback` takes now")


class OwnMessages(BaseModel):
    """One's own messages, the newest first."""

    items: list[OwnMessage]
    next_cursor: str | None = None
    warnings: list[str] = []


class StepTold(BaseModel):
    """A step on the way, in words; `outcome` is what the citizen was told with it."""

    at: AwareDatetime
    status: str
    words: str
    outcome: str | None = None


class OwnMessageWithHistory(OwnMessage):
    """A message of one's own, and how it came to where it stands."""

    history: list[StepTold] = []
    warnings: list[str] = []


class TopicShown(BaseModel):
    """A topic to choose, and what to ask for when it was chosen."""

    code: str
    title_fa: str
    title_en: str
    urgent: bool
    ours: bool = Field(description="false: another body's, whose number the answer names")
    wants_place: bool
    wants_photo: bool


class TopicGroup(BaseModel):
    """The topics of one deputy."""

    deputy: str
    title_fa: str
    topics: list[TopicShown]


class TopicTree(BaseModel):
    """All topics, by deputy; and words with which a message is looked at first."""

    items: list[TopicGroup]
    urgent_words: list[str]


class NearCase(BaseModel):
    """An open case near by; give its `reference` as `joins` to say that yours is the same."""

    reference: str
    topic_title: str
    distance_m: int
    since: AwareDatetime
    citizens: int = Field(description="who reported it so far")
    words: str


class NearCases(BaseModel):
    """Open cases of a topic near a point, the nearest first."""

    items: list[NearCase]
    warnings: list[str] = []
