"""What the exchange asks about a caller and what it is answered; what an operator does with callbacks."""

from enum import StrEnum
from typing import Annotated, Literal

from common.events import CallbackState, ContactReason
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from intake.schemas import Identifier, PhoneText

Keys = Annotated[str, Field(min_length=1, max_length=16, pattern=r"^\d+$", examples=["7"])]
_AT = "when; at most 7 days back and 5 minutes ahead, else now"


class Choice(StrEnum):
    """What a caller can do."""

    WAIT = "wait"
    CALLBACK = "callback"
    LINK = "link"


class CallerIn(BaseModel):
    """A caller who has joined a queue, or is about to."""

    model_config = ConfigDict(extra="forbid")

    call_id: Identifier
    queue: Identifier
    caller: PhoneText | None = None
    keys: Keys | None = Field(default=None, description="what was pressed in the exchange's menu")
    at: AwareDatetime | None = Field(default=None, description=_AT)


class DecisionOut(BaseModel):
    """What to tell the caller: `wait`, or a `choice` of the options."""

    call_id: str
    offer: Literal["wait", "choice"]
    estimate_seconds: float = Field(description="the wait that is expected")
    at_most_seconds: float = Field(description="95 of 100 wait less; other ways are offered by this one")
    options: list[Choice]
    callback_at: AwareDatetime | None = Field(description="when a callback would be made")
    topic: str | None = Field(description="of the keys")
    choice: Choice | None = Field(description="what the caller took before")


class ChoiceIn(BaseModel):
    """What the caller took."""

    model_config = ConfigDict(extra="forbid")

    choice: Choice
    to: Literal["bot", "app"] | None = Field(default=None, description="where the link leads; else the bot, if any")
    at: AwareDatetime | None = Field(default=None, description=_AT)


class ChoiceOut(BaseModel):
    """What comes of it."""

    call_id: str
    choice: Choice
    callback_at: AwareDatetime | None = None
    url: str | None = None


class CallbackOut(BaseModel):
    """A caller to be called back; the number is whole, for it must be dialled."""

    call_id: str
    queue: str
    phone: str
    topic: str | None
    promised_at: AwareDatetime
    attempt: int
    state: CallbackState
    lease_until: AwareDatetime | None


class OutcomeIn(BaseModel):
    """What became of a try."""

    model_config = ConfigDict(extra="forbid")

    outcome: Literal["reached", "missed"]


class OutcomeOut(BaseModel):
    """Where the callback stands now; `due_at` is the next try."""

    call_id: str
    state: CallbackState
    attempt: int
    due_at: AwareDatetime | None


class ContactIn(BaseModel):
    """A call that opens no case."""

    model_config = ConfigDict(extra="forbid")

    call_id: Identifier
    reason: ContactReason
    code: str | None = Field(default=None, pattern=r"^\d{10}$", description="of the case that is followed up")

    @model_validator(mode="after")
    def _names_its_case(self) -> "ContactIn":
        if (self.reason is ContactReason.FOLLOW_UP) != (self.code is not None):
            raise ValueError("a follow-up names the code of its case, and nothing else does")
        return self


class ContactOut(BaseModel):
    """The contact is stored."""

    call_id: str
    received_at: AwareDatetime
