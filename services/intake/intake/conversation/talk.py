"""One conversation while a transaction has its turn: what the machine says is done, gathered until it is stored."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from common.events import Event

from intake.contact import Contact
from intake.conversation.contacts import Contacts
from intake.conversation.draft import State
from intake.conversation.heard import FileRef
from intake.conversation.machine import Accept, Act, AskStatus, Attach, Reply, Say

BEFORE = -1  # the place of the message that was stored in an earlier turn


@dataclass(slots=True)
class Talk:
    """Where a conversation stands, and what is left behind. Codes are known once the contacts are stored."""

    contacts: Contacts
    state: State
    code: str | None  # of the last message of an earlier turn
    made: list[Contact] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    codes: list[str | None] = field(default_factory=list)  # of `made`
    _late: list[tuple[int, tuple[FileRef, ...]]] = field(default_factory=list)  # files, and the place in `made`
    _last: int = BEFORE  # which of `made` is the last message

    def do(self, acts: Sequence[Act], *, at: datetime | None = None, traceparent: str | None = None) -> None:
        """Make what the machine asks for; `at` is when the citizen wrote."""
        made, events = len(self.made), len(self.events)
        self._make(acts, at)
        if traceparent is not None:
            traced = {"traceparent": traceparent}
            self.made[made:] = [replace(c, event=c.event.model_copy(update=traced)) for c in self.made[made:]]
            self.events[events:] = [event.model_copy(update=traced) for event in self.events[events:]]

    def _make(self, acts: Sequence[Act], at: datetime | None) -> None:
        for act in acts:
            match act:
                case Say():
                    self.events.append(self.contacts.say(act.prompt))
                case Accept():
                    self._last = len(self.made)
                    self.made += self.contacts.messages(act.draft)
                case Attach():
                    self._late.append((self._last, act.files))
                case Reply():
                    self.made.append(self.contacts.reply(act, at))
                case AskStatus():
                    self.events += self.contacts.status(act.code)

    @property
    def last_code(self) -> str | None:
        """The last message's code, to which later photos belong."""
        return self.code if self._last == BEFORE else self.codes[self._last]

    def late_files(self) -> Iterator[tuple[str, tuple[FileRef, ...]]]:
        """What came after its message, by the message's code."""
        for place, files in self._late:
            code = self.code if place == BEFORE else self.codes[place]
            if code is not None and files:
                yield code, files
