"""What holds in every conversation, whatever a citizen sends and whenever."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from common.codes import new_code
from hypothesis import given, settings
from hypothesis import strategies as st
from intake.conversation.draft import LONGEST_TEXT, Said, State
from intake.conversation.heard import FileKind, FileRef, Heard, Point
from intake.conversation.machine import ASKS, MOST_QUESTIONS, Accept, Act, Amend, Manners, Say, expire, hear

from tests.builders import NOW

MANNERS = Manners()
PHOTO = FileRef(FileKind.PHOTO, "file-1")
SAYS_SOMETHING = "ژ"  # begins every text that must not be lost


def sent(text: str | None = None, **given: Any) -> Heard:
    """Something on Telegram."""
    return Heard("telegram", "7", "1", text=text, **given)


WORDS = st.text("بپتجچحخد ", min_size=1, max_size=30).filter(lambda text: text.strip() != "")
LONG = st.integers(LONGEST_TEXT - 5, LONGEST_TEXT + 5).map(lambda size: "ط" * size)
OTHERS = [
    sent(point=Point(35.7, 51.4)),
    sent(files=(PHOTO,)),
    sent(phone="+989121234567"),
    sent("31"),
    sent(f"کد {new_code()} چه شد"),
    sent("سلام"),
    sent("ندارم"),
    sent("/start"),
    sent("با پیامک خبر بده"),
    sent(button="x"),
    sent(),
]
MATTERS = st.sampled_from(["بوی گاز می‌آید", "چاله خیابان را پر کنید", "منطقه ۳ سر و صداست", "پیامک بفرستید"])
TEXTS = (WORDS | LONG | MATTERS).map(lambda words: sent(f"{SAYS_SOMETHING} {words}"))
PAUSES = st.integers(0, 700)  # seconds; a question waits for 600


def hear_all(things: Sequence[tuple[Heard, int]]) -> list[Act]:
    """All that is done in a conversation, to the moment when nothing is open any more."""
    state, now, acts = State(), NOW, list[Act]()
    for thing, pause in things:
        now += timedelta(seconds=pause)
        state, made = hear(state, thing, MANNERS, now=now)
        acts += made
        _asks_as_it_says(state, made)
    state, made = expire(state, now)
    assert state.draft is None
    return [*acts, *made]


def _asks_as_it_says(state: State, acts: Sequence[Act]) -> None:
    """A question is open if and only if it was just asked or is remembered, and each is asked once a message."""
    asked = [act.prompt for act in acts if isinstance(act, Say) and act.prompt in ASKS.values()]
    if state.draft is None:
        assert (asked, state.due_at) == ([], None)
        return
    assert asked in ([], [ASKS[state.draft.asked[-1]]])
    assert state.draft.question is state.draft.asked[-1]
    assert len(set(state.draft.asked)) == len(state.draft.asked) <= MOST_QUESTIONS


@settings(deadline=None)  # the first look at the signs reads their tables
@given(st.lists(st.tuples(TEXTS | st.sampled_from(OTHERS), PAUSES), max_size=25))
def test_no_text_and_no_file_is_lost_and_a_message_costs_three_questions_at_most(
    things: list[tuple[Heard, int]],
) -> None:
    said = [
        (replace(thing, text=f"{thing.text} {n}ف") if (thing.text or "").startswith(SAYS_SOMETHING) else thing, pause)
        for n, (thing, pause) in enumerate(things)
    ]
    acts = hear_all(said)
    drafts = [act.draft for act in acts if isinstance(act, Accept)]
    kept = "\n".join(part for draft in drafts for part in ("".join(draft.texts()), _address(draft.address)))
    for thing, _ in said:
        text = " ".join((thing.text or "").split())
        assert text in kept or not text.startswith(SAYS_SOMETHING)
    files = [file for act in acts for file in _files(act)]
    assert len(files) == sum(len(thing.files) for thing, _ in said)
    assert all(len(draft.asked) <= MOST_QUESTIONS for draft in drafts)


def _address(said: Said | None) -> str:
    return said.text if said else ""


def _files(act: Act) -> tuple[FileRef, ...]:
    match act:
        case Accept():
            return act.draft.files
        case Amend():
            return act.files
    return ()
