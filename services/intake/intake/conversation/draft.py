"""Where a conversation stands: what was said and is not yet a message, and the question that is open."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Self

from common.signs import may_be_urgent
from pydantic import TypeAdapter

from intake.conversation.heard import FileRef, Point
from intake.conversation.phrases import can_be_seen, names_place

LONGEST_ADDRESS = 500  # letters of `Place.address`
MOST_FILES = 20  # of a draft; no more are noted of a message, those that are refused included
LONGEST_TEXT = 4096  # letters of one message: the longest text that a messenger lets one send


class Question(StrEnum):
    """What a citizen is asked for."""

    TEXT = "text"
    PLACE = "place"
    PHOTO = "photo"
    PHONE = "phone"


@dataclass(frozen=True, slots=True)
class Said:
    """A text, and the platform's id of it, by which it can be changed."""

    text: str
    message: str | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """A message in the making; there is one only while a question is open."""

    since: datetime  # when the first of it was sent, UTC
    said: tuple[Said, ...] = ()
    address: Said | None = None  # the text that answered the question for the place
    point: Point | None = None
    files: tuple[FileRef, ...] = ()
    phone: str | None = None
    sms: bool = False  # the citizen wants one
    call_id: str | None = None
    asked: tuple[Question, ...] = ()
    question: Question | None = None
    due_at: datetime | None = None  # when it is accepted without the answer
    alarmed: bool = False  # it was urgent before its words were changed

    @property
    def words(self) -> str:
        """All that was said, a line each."""
        return "\n".join(one.text for one in self.said)

    @property
    def urgent(self) -> bool:
        """Whether what was said may be urgent, so that it waits for little."""
        return self.alarmed or may_be_urgent(self.words, None)

    def lacks(self, question: Question) -> bool:
        """Whether a citizen should be asked for this."""
        match question:
            case Question.TEXT:
                return not self.said
            case Question.PLACE:
                return self.point is None and self.address is None and not names_place(self.words)
            case Question.PHOTO:
                return not self.files and can_be_seen(self.words)
            case Question.PHONE:
                return self.sms and self.phone is None

    def changed(self, text: str, message: str | None) -> Self | None:
        """With one of its texts replaced; None when it is none of these."""
        if message is None and self.said:
            message = self.said[-1].message  # the platform does not say which: the last one
        if message is None:
            return None
        said = tuple(Said(text, message) if one.message == message else one for one in self.said)
        at_address = self.address is not None and self.address.message == message
        address = Said(text[:LONGEST_ADDRESS], message) if at_address else self.address
        found = replace(self, said=said, address=address)
        return None if found == self else found

    def accepted(self) -> Self | None:
        """What is remembered of it once it is a message, for what may be added; None where it is several."""
        if len(self.words) > LONGEST_TEXT:
            return None
        return replace(self, files=(), phone=None, call_id=None, asked=(), question=None, due_at=None)

    def texts(self) -> list[str]:
        """What was said, in pieces that are a message each: one, but for a flood of words."""
        words = self.words
        return [words[at : at + LONGEST_TEXT] for at in range(0, len(words), LONGEST_TEXT)] or [""]


@dataclass(frozen=True, slots=True)
class State:
    """All that is remembered of a conversation."""

    draft: Draft | None = None
    call_id: str | None = None  # of the link that was followed; the next message belongs to it
    accepted_at: datetime | None = None  # the last message
    last: Draft | None = None  # that message, as it is by now, without its files
    noted_at: datetime | None = None  # when we last said that something was noted

    @property
    def due_at(self) -> datetime | None:
        """When the open question's time is up."""
        return self.draft.due_at if self.draft is not None else None

    def document(self) -> str | None:
        """As JSON, to be sealed; None where there is nothing to remember."""
        return None if self == State() else _STATE.dump_json(self, exclude_defaults=True).decode()

    @classmethod
    def of(cls, document: str) -> "State":
        """Read again; fields that an older release wrote and we no longer know are ignored."""
        return _STATE.validate_json(document)


_STATE = TypeAdapter(State)
