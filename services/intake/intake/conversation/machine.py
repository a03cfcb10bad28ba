"""The conversation with a citizen as a state machine, without I/O.

A text that says something is in the state from the moment that it is heard: what comes later completes it, and when
nothing comes it is accepted as it is. At most three questions a message; each is asked once.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from common.events import Answer, Prompt
from common.persian import parse_phone

from intake.conversation.draft import LONGEST_ADDRESS, LONGEST_TEXT, MOST_FILES, Draft, Question, Said, State
from intake.conversation.heard import FileRef, Heard
from intake.conversation.meaning import Meaning, Meant, understand
from intake.conversation.phrases import names_place, wants_sms

MOST_QUESTIONS = 3
LATE = timedelta(hours=1)  # after its accept a message can still be added to
NOTED_ONCE_IN = timedelta(minutes=1)  # an album is one photo an update

ASKS: Mapping[Question, Prompt] = {
    Question.TEXT: Prompt.ASK_TEXT,
    Question.PLACE: Prompt.ASK_PLACE,
    Question.PHOTO: Prompt.ASK_PHOTO,
    Question.PHONE: Prompt.ASK_PHONE,
}
WORTH_A_WAIT = frozenset({Question.TEXT, Question.PLACE})  # of what may be urgent


@dataclass(frozen=True, slots=True)
class Manners:
    """How we talk on a platform: which questions, in order; how long each waits; whether we speak at all."""

    questions: tuple[Question, ...] = (Question.TEXT, Question.PLACE, Question.PHOTO, Question.PHONE)
    wait: timedelta = timedelta(minutes=10)
    urgent_wait: timedelta = timedelta(minutes=1)
    speaks: bool = True


@dataclass(frozen=True, slots=True)
class Say:
    """Tell the citizen something."""

    prompt: Prompt


@dataclass(frozen=True, slots=True)
class Accept:
    """A message is ready."""

    draft: Draft


@dataclass(frozen=True, slots=True)
class Amend:
    """Something for the last message that was accepted: files, or what makes it `draft` (None: not remembered)."""

    draft: Draft | None
    files: tuple[FileRef, ...] = ()


@dataclass(frozen=True, slots=True)
class Reply:
    """A 31 or 33."""

    answer: Answer
    text: str


@dataclass(frozen=True, slots=True)
class AskStatus:
    """How does this case stand?"""

    code: str


Act = Say | Accept | Amend | Reply | AskStatus
Outcome = tuple[State, Sequence[Act]]


@dataclass(frozen=True, slots=True)
class Turn:
    """One thing that was heard, and where the conversation stands."""

    state: State
    heard: Heard
    meaning: Meaning
    manners: Manners
    now: datetime

    @property
    def follows_message(self) -> bool:
        """Whether a message was accepted a short while ago."""
        at = self.state.accepted_at
        return at is not None and self.now - at <= LATE

    @property
    def last(self) -> Draft | None:
        """The last message, while it can be added to."""
        return self.state.last if self.follows_message else None


def hear(state: State, heard: Heard, manners: Manners, *, now: datetime) -> Outcome:
    """Where the conversation stands after this, and what is to be done."""
    meaning = understand(heard)
    state, before = _lapse(state, heard.at or now, now)
    state, acts = TURNS[meaning.meant](Turn(state, heard, meaning, manners, now))
    return state, [*before, *(act for act in acts if manners.speaks or not isinstance(act, Say))]


def _lapse(state: State, at: datetime, now: datetime) -> Outcome:
    """What was sent after the question's time is no answer to it, however late either of them reached us."""
    draft = state.draft
    return expire(state, now) if draft is not None and draft.due_at is not None and at > draft.due_at else (state, [])


def expire(state: State, now: datetime) -> Outcome:
    """Nobody answered: what says something is accepted as it is."""
    if state.draft is None:
        return state, []
    return _accept(state, state.draft, now)


def _welcome(turn: Turn) -> Outcome:
    call_id = turn.meaning.call_id or turn.state.call_id
    return replace(turn.state, call_id=call_id), [Say(Prompt.WELCOME)]


def _cancel(turn: Turn) -> Outcome:
    if turn.state.draft is None:
        return turn.state, [Say(Prompt.WELCOME)]
    return replace(turn.state, draft=None), [Say(Prompt.CANCELLED)]


def _reply(turn: Turn) -> Outcome:
    assert turn.meaning.answer is not None
    return turn.state, [Reply(turn.meaning.answer, turn.meaning.text or ""), Say(Prompt.REPLY_NOTED)]


def _ask_status(turn: Turn) -> Outcome:
    assert turn.meaning.code is not None
    draft = turn.state.draft
    if draft is not None and draft.question is Question.PHONE and parse_phone(turn.meaning.text or "") is not None:
        return _add(turn)  # one number of ten has a check digit that fits
    return turn.state, [AskStatus(turn.meaning.code)]


def _skip(turn: Turn) -> Outcome:
    draft = turn.state.draft
    return _not_understood(turn) if draft is None else _proceed(turn, replace(draft, question=None))


def _want_sms(turn: Turn) -> Outcome:
    draft = turn.state.draft
    if draft is None:
        return _not_understood(turn)
    return _proceed(turn, replace(draft, sms=True))


def _greet(turn: Turn) -> Outcome:
    return turn.state, [] if turn.state.draft else [Say(Prompt.WELCOME)]


def _thank(turn: Turn) -> Outcome:
    """Thanks want no answer."""
    return turn.state, []


def _amend(turn: Turn, draft: Draft | None, files: tuple[FileRef, ...] = ()) -> Outcome:
    """More for the last message: said to be noted, but not for each of several files."""
    said, state = turn.state.noted_at, replace(turn.state, last=draft)
    if files and said is not None and turn.now - said < NOTED_ONCE_IN:
        return state, [Amend(draft, files)]
    return replace(state, noted_at=turn.now), [Amend(draft, files), Say(Prompt.NOTED)]


def _not_understood(turn: Turn) -> Outcome:
    return turn.state, [Say(Prompt.NOT_UNDERSTOOD)]


def _change(turn: Turn) -> Outcome:
    """Before the accept a change replaces the text; for an hour afterwards it amends the last message."""
    text, draft = turn.meaning.text, turn.state.draft
    if text is None:
        return turn.state, []
    changed = draft.changed(text, turn.heard.message) if draft is not None else None
    if changed is not None:
        return _proceed(turn, changed)
    if (amended := _changed_last(turn, text)) is not None:
        return _amend(turn, amended)
    if draft is not None and not draft.said:  # a photo got its words; the file is in the draft already
        return _add(replace(turn, heard=replace(turn.heard, files=())))
    if draft is None and turn.state.accepted_at is None:
        return _add(turn)  # of something that never reached us
    return turn.state, [Say(Prompt.TOO_LATE)]


def _changed_last(turn: Turn, text: str) -> Draft | None:
    """The last message with this change; None where it is none of it, or leaves more than one message can hold."""
    last, message = turn.last, turn.heard.message
    if last is None or (message is None and turn.state.draft is not None):
        return None
    changed = last.changed(text, message)
    return replace(changed, alarmed=last.urgent) if changed is not None and changed.accepted() else None


def _add(turn: Turn) -> Outcome:
    """A part of a message: of the one in the making, of the last one, or the first of a new one."""
    heard, text, draft = turn.heard, turn.meaning.text, turn.state.draft
    if draft is None and text is None:
        last = turn.last
        if heard.point is not None and last is not None and last.point is None:
            return _amend(turn, replace(last, point=heard.point), heard.files)
        if heard.files and turn.follows_message:
            return _amend(turn, last, heard.files)
    files = (*draft.files, *heard.files) if draft else heard.files
    parts: dict[str, Any] = {"files": files[:MOST_FILES]}
    if heard.point is not None:
        parts["point"] = heard.point
    if heard.phone is not None:
        parts["phone"] = heard.phone
    if text is not None:
        parts |= _answered(draft, Said(text, heard.message))
    if draft is None:
        return _proceed(turn, Draft(heard.at or turn.now, call_id=turn.state.call_id, **parts))
    return _proceed(turn, replace(draft, **parts))


def _answered(draft: Draft | None, said: Said) -> dict[str, Any]:
    """A text answers the open question, or is one more line. What may be no answer is kept as a line too."""
    lines = (*draft.said, said) if draft is not None else (said,)
    parts = {"said": lines, "question": None, "sms": wants_sms(said.text) or (draft is not None and draft.sms)}
    if draft is None:
        return parts
    if draft.question is Question.PHONE and parse_phone(said.text) is not None:
        return {"phone": said.text, "question": None}
    if draft.question is Question.PLACE and len(said.text) <= LONGEST_ADDRESS:
        return parts | {"address": said, "said": draft.said if names_place(said.text) else lines}
    return parts


def _proceed(turn: Turn, draft: Draft) -> Outcome:
    """Wait for the open question, ask the next one, or accept."""
    is_open = draft.question is not None and draft.lacks(draft.question)
    question = draft.question if is_open else _next_question(draft, turn.manners)
    urgent = question is not None and draft.urgent
    if question is None or (urgent and question not in WORTH_A_WAIT):
        return _accept(turn.state, draft, turn.now)
    due_at = turn.now + (turn.manners.urgent_wait if urgent else turn.manners.wait)
    if is_open:  # a change of its words may have made it urgent
        return replace(turn.state, draft=replace(draft, due_at=min(draft.due_at or due_at, due_at))), []
    draft = replace(draft, question=question, asked=(*draft.asked, question), due_at=due_at)
    return replace(turn.state, draft=draft), [Say(ASKS[question])]


def _next_question(draft: Draft, manners: Manners) -> Question | None:
    if len(draft.asked) >= MOST_QUESTIONS or len(draft.words) > LONGEST_TEXT:
        return None
    return next((q for q in manners.questions if q not in draft.asked and draft.lacks(q)), None)


def _accept(state: State, draft: Draft, now: datetime) -> Outcome:
    """A place or a number alone asks for nothing, and is forgotten."""
    if not draft.said and not draft.files:
        return replace(state, draft=None), []
    return replace(state, draft=None, call_id=None, accepted_at=now, last=draft.accepted()), [Accept(draft)]


TURNS: Mapping[Meant, Callable[[Turn], Outcome]] = {
    Meant.START: _welcome,
    Meant.CANCEL: _cancel,
    Meant.REPLY: _reply,
    Meant.STATUS: _ask_status,
    Meant.SKIP: _skip,
    Meant.BY_SMS: _want_sms,
    Meant.GREETING: _greet,
    Meant.THANKS: _thank,
    Meant.CHANGE: _change,
    Meant.SOMETHING: _add,
    Meant.NOTHING: _not_understood,
}
