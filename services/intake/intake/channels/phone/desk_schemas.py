"""What the operator's form shows of a caller, and what a supervisor sees of the agents that a day needs."""

from datetime import date
from typing import Any

from pydantic import AwareDatetime, BaseModel, Field


class FreshMessage(BaseModel):
    """A message that routing has not seen yet."""

    code: str
    channel: str
    topic: str | None
    text: str
    received_at: AwareDatetime
    call_id: str | None


class RecentCall(BaseModel):
    """A call of the last day for which a decision was asked; `topic` is that of the keys that were pressed."""

    call_id: str
    queue: str
    asked_at: AwareDatetime
    topic: str | None
    choice: str | None
    callback_at: AwareDatetime | None


class CallerOut(BaseModel):
    """Who is calling. The cases are as routing's `GET /v1/callers` has them, the newest first."""

    open: list[dict[str, Any]]
    history: list[dict[str, Any]]
    fresh: list[FreshMessage]
    calls: list[RecentCall]
    complete: bool = Field(description="false: routing did not answer, and only what is fresh is here")


class NeedOut(BaseModel):
    """A half hour: mean calls of like days, and the agents at work that keep each promise."""

    begins: AwareDatetime
    calls: float
    for_80_20: int = Field(description="80 % answered in 20 s, if nobody gave up (Erlang C)")
    for_180: int = Field(description="999 of 1,000 answered in 180 s, if nobody gave up (Erlang C)")
    for_180_with_patience: int = Field(description="the same, with callers who give up (Erlang A)")


class StaffingOut(BaseModel):
    """What a day needs, by half hour; `like_days` are those whose calls were counted."""

    queue: str
    day: date
    like_days: list[date]
    service_seconds: float
    patience_seconds: float
    items: list[NeedOut]
