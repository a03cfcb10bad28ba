"""One conversation while a transaction has its turn: contacts are made at once, what follows once they have codes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple

from intake.contact import Contact
from intake.conversation.contacts import Contacts
from intake.conversation.draft import State
from intake.conversation.machine import Accept, Act, Amend, AskStatus, Reply, Say

BEFORE = -1  # the place of the message that was stored in an earlier turn


class Following(NamedTuple):
    """What is done once the contacts are stored, the code of the message that was the last then, and the trace."""

    act: Say | AskStatus | Amend
    code: str | None
    traceparent: str | None


@dataclass(slots=True)
class Talk:
    """Where a conversation stands, and what is left behind. Codes are known once the contacts are stored."""

    contacts: Contacts
    state: State
    code: str | None  # of the last message of an earlier turn
    made: list[Contact] = field(default_factory=list)
    codes: list[str | None] = field(default_factory=list)  # of `made`
    _after: list[tuple[int, Say | AskStatus | Amend, str | None]] = field(default_factory=list)
    _last: int = BEFORE  # which of `made` is the last message

    def do(self, acts: Sequence[Act], *, at: datetime | None = None, traceparent: str | None = None) -> None:
        """Make what the machine asks for; `at` is when the citizen wrote."""
        for act in acts:
            match act:
                case Accept():
                    self._last = len(self.made)
                    self._make(self.contacts.messages(act.draft), traceparent)
                case Reply():
                    self._make([self.contacts.reply(act, at)], traceparent)
                case _:
                    self._after.append((self._last, act, traceparent))

    def _make(self, made: Sequence[Contact], traceparent: str | None) -> None:
        traced = {"traceparent": traceparent} if traceparent is not None else {}
        self.made += [replace(one, event=one.event.model_copy(update=traced)) for one in made]

    @property
    def last_code(self) -> str | None:
        """The last message's code, for what is added to it later."""
        return self._code(self._last)

    def following(self) -> Iterator[Following]:
        """What follows from the contacts, in the order in which the citizen wrote."""
        for place, act, traceparent in self._after:
            yield Following(act, self._code(place), traceparent)

    def _code(self, place: int) -> str | None:
        return self.code if place == BEFORE else self.codes[place]
