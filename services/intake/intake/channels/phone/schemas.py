"""What the operator's form and the telephone exchange send, and what is told of the queues."""

from typing import Annotated, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from intake.channels.phone.overflow_schemas import Keys
from intake.channels.phone.states import AgentState, Moment, agent_id
from intake.schemas import Identifier, MessageIn, PhoneText

MOST_EVENTS = 500
_TIME = "at most 7 days back and 5 minutes ahead; else the time of receipt stands"
Agent = Annotated[Identifier, AfterValidator(agent_id)]


class PhoneMessage(MessageIn):
    """A message that an operator wrote down; `keys` give it a topic where the operator chose none."""

    keys: Keys | None = None


class CallEventIn(BaseModel):
    """What the queue says of a call."""

    model_config = ConfigDict(extra="forbid")

    call_id: Identifier
    queue: Identifier
    event: Moment
    at: AwareDatetime = Field(description=_TIME)
    caller: PhoneText | None = None
    agent: Agent | None = None
    leg: Identifier | None = Field(default=None, description="the caller's own channel, where the exchange names it")


class AgentEventIn(BaseModel):
    """What an agent of a queue does from a moment on."""

    model_config = ConfigDict(extra="forbid")

    queue: Identifier
    agent: Agent
    state: AgentState
    at: AwareDatetime = Field(description=_TIME)


class CallEvents(BaseModel):
    """Up to 500 call events and 500 agents' events, in any order."""

    model_config = ConfigDict(extra="forbid")

    events: Annotated[list[CallEventIn], Field(max_length=MOST_EVENTS)] = []
    agents: Annotated[list[AgentEventIn], Field(max_length=MOST_EVENTS)] = []

    @model_validator(mode="after")
    def _not_empty(self) -> Self:
        if not self.events and not self.agents:
            raise ValueError("give at least one of `events` and `agents`")
        return self


class CallEventsAccepted(BaseModel):
    """How many call events were new; the others had come before."""

    received: int
    fresh: int
    agents: int
    received_at: AwareDatetime
    warnings: list[str] = []


class QueueOut(BaseModel):
    """A telephone queue now; the calls are those that ended in the last hour, at most 50."""

    queue: str
    waiting: int
    longest_wait_seconds: float
    agents: dict[AgentState, int]
    at_work: int
    handled: int
    mean_service_seconds: float | None
    mean_wait_seconds: float | None
