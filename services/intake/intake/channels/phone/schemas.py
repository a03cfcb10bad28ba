"""What the operator's form and the telephone exchange send."""

from typing import Annotated

from common.events import CallEvent
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from intake.schemas import Identifier, MessageIn, PhoneText

MOST_EVENTS = 500


class PhoneMessage(MessageIn):
    """A message that an operator wrote down."""

    call_id: Identifier | None = None


class CallEventIn(BaseModel):
    """What the queue says of a call."""

    model_config = ConfigDict(extra="forbid")

    call_id: Identifier
    queue: Identifier
    event: CallEvent
    at: AwareDatetime = Field(description="at most 7 days back and 5 minutes ahead; else the time of receipt stands")
    caller: PhoneText | None = None
    agent: Identifier | None = None


class CallEvents(BaseModel):
    """Up to 500 call events, in any order."""

    model_config = ConfigDict(extra="forbid")

    events: Annotated[list[CallEventIn], Field(min_length=1, max_length=MOST_EVENTS)]


class CallEventsAccepted(BaseModel):
    """How many were new; the others had come before."""

    received: int
    fresh: int
    received_at: AwareDatetime
    warnings: list[str] = []


class QueueState(BaseModel):
    """Who waits in a telephone queue now."""

    queue: str
    waiting: int
    longest_wait_seconds: float
