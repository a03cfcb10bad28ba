"""The words of a telephone queue: what happens to a call, and what an agent does."""

from enum import StrEnum

from common.events import CallEvent
from common.persian import parse_phone


class Moment(StrEnum):
    """What an exchange says of a call."""

    JOINED = "joined"
    OFFERED = "offered"
    ANSWERED = "answered"
    ABANDONED = "abandoned"
    LEFT = "left"  # the queue, without an agent: by a key, or because its time was over
    ENDED = "ended"
    LOST = "lost"  # nobody told its end

    @property
    def published(self) -> CallEvent | None:
        """What readers of `activity.v1` are told; leaving a queue is no event of its own, an end follows."""
        if self is Moment.LEFT:
            return None
        return CallEvent.ENDED if self is Moment.LOST else CallEvent(self.value)


class AgentState(StrEnum):
    """What an agent of a queue does now."""

    READY = "ready"
    RINGING = "ringing"
    BUSY = "busy"
    PAUSED = "paused"
    OFFLINE = "offline"


AT_WORK = (AgentState.READY, AgentState.RINGING, AgentState.BUSY)


def agent_id(told: str) -> str:
    """How an agent is called in tables and events; of one who is reached by a mobile number no more than its end."""
    number = parse_phone(told) if len(told) >= 10 else None
    return f"mobile-{told[-4:]}" if number and number.mobile else told
