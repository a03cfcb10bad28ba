"""What is handed to a provider, and what becomes of it: the same words for SMS, messengers and the app."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Protocol
from uuid import UUID

from notify.limits import Pace

NO_ANSWER = "no answer; it may have arrived"


class Fate(Enum):
    """What became of a try."""

    SENT = "sent"
    RETRY = "retry"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One SMS to hand over."""

    localid: int
    number: str
    text: str


@dataclass(frozen=True, slots=True)
class Letter:
    """One thing to tell on a messenger or to push: `to` is the chat there, or the app's citizen; `id` stays the same
    when it is sent again."""

    localid: int
    id: UUID
    to: str
    text: str
    told: str
    created_at: datetime
    code: str | None = None
    offer: str | None = None  # buttons beside the words: `location`, `contact` or `answer`, which is 31 and 33


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one; `provider_id` is the provider's number for it, `slow` asks for a longer pause because a
    person must act, `after` says how many seconds the provider wants to be left alone, `unknown` that it may have
    arrived all the same."""

    localid: int
    fate: Fate
    provider_id: int | None = None
    detail: str | None = None
    slow: bool = False
    after: float = 0.0
    unknown: bool = False


def answers(letter: Letter) -> tuple[tuple[str, str], ...]:
    """Titles of at most 20 letters, and what intake hears when one is pressed: the number and the code it is about."""
    return ("تایید می‌کنم", f"31 {letter.code}"), ("اعتراض دارم", f"33 {letter.code}")


class Messenger(Protocol):
    """Whoever takes things over one by one: a messenger's API or the app's webhook."""

    name: str
    pace: Pace

    async def send(self, letter: Letter) -> Outcome:
        """Hand one over. Never raises for what the other side does."""

    async def close(self) -> None:
        """Close the connections."""
