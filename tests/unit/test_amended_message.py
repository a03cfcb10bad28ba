"""What a citizen sends after a message was accepted, and whether it is the message's."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from common.events import Prompt
from hypothesis import given, settings
from hypothesis import strategies as st
from intake.conversation.draft import LONGEST_TEXT, Draft, State
from intake.conversation.heard import Heard, Point
from intake.conversation.machine import Accept, Act, Amend, Say, expire, hear

from tests.builders import NOW
from tests.unit.test_conversation import MANNERS, NOISE, PHOTO, PLACE, accepted, prompts, sent, talk

EDIT = sent("منطقه ۳ بوق ممتد", message="1", edited=True)


def amended(acts: Sequence[Act]) -> list[Draft]:
    return [act.draft for act in acts if isinstance(act, Amend) and act.draft is not None]


def later(thing: Heard, *things: Heard | str, after: timedelta) -> list[Act]:
    """What comes of something that is sent long after the others."""
    state, _ = talk(*things)
    if state.draft is not None:
        state, _ = expire(state, NOW + timedelta(minutes=10))
    return list(hear(state, thing, MANNERS, now=NOW + after)[1])


def test_a_place_after_the_accept_belongs_to_the_message_that_has_none() -> None:
    acts = later(PLACE, NOISE, after=timedelta(minutes=12))
    assert [(draft.words, draft.point) for draft in amended(acts)] == [(NOISE, Point(35.7, 51.4))]
    assert prompts(acts) == [Prompt.NOTED]


def test_a_place_long_after_the_accept_or_after_one_that_has_its_point_begins_a_new_message() -> None:
    assert later(PLACE, NOISE, after=timedelta(minutes=71)) == [Say(Prompt.ASK_TEXT)]
    assert later(PLACE, NOISE, PLACE, after=timedelta(minutes=12)) == [Say(Prompt.ASK_TEXT)]


def test_a_change_within_an_hour_of_the_accept_amends_the_message_and_one_of_what_never_came_is_a_message() -> None:
    first = sent("منطقه ۳ بوق", message="1")
    acts = later(EDIT, first, after=timedelta(minutes=30))
    assert ([draft.words for draft in amended(acts)], prompts(acts)) == (["منطقه ۳ بوق ممتد"], [Prompt.NOTED])
    assert later(EDIT, first, after=timedelta(hours=2)) == [Say(Prompt.TOO_LATE)]
    assert accepted(talk(EDIT)[1]) == ["منطقه ۳ بوق ممتد"]


def test_a_change_is_of_the_line_that_it_names_and_of_no_earlier_message() -> None:
    lines = (sent(NOISE, message="1"), sent("هر شب تا سه", message="2"))
    acts = later(sent("هر شب تا پنج", message="2", edited=True), *lines, after=timedelta(minutes=12))
    assert [draft.words for draft in amended(acts)] == [f"{NOISE}\nهر شب تا پنج"]
    two = (sent("منطقه ۳ بوق", message="1"), sent("منطقه ۴ بوق", message="2"))
    assert later(EDIT, *two, after=timedelta(minutes=1)) == [Say(Prompt.TOO_LATE)]


def test_a_change_of_the_last_message_is_its_own_also_while_the_next_is_in_the_making() -> None:
    state, acts = talk(sent("منطقه ۳ بوق", message="1"), sent(NOISE, message="2"), EDIT)
    assert [draft.words for draft in amended(acts)] == ["منطقه ۳ بوق ممتد"]
    assert state.draft is not None
    assert state.draft.words == NOISE


def test_a_message_that_was_urgent_stays_so_in_whatever_words() -> None:
    urgent = sent("منطقه ۳ بوی شدید گاز می‌آید", message="1")
    [draft] = amended(later(EDIT, urgent, after=timedelta(minutes=5)))
    assert (draft.words, draft.urgent) == ("منطقه ۳ بوق ممتد", True)


def test_a_flood_of_words_is_several_messages_and_can_only_get_files() -> None:
    flood = sent("ژ" * (LONGEST_TEXT + 1), message="1")
    assert later(EDIT, flood, after=timedelta(minutes=5)) == [Say(Prompt.TOO_LATE)]
    assert later(PLACE, flood, after=timedelta(minutes=5)) == [Say(Prompt.ASK_TEXT)]
    assert later(sent(files=(PHOTO,)), flood, after=timedelta(minutes=5))[0] == Amend(None, (PHOTO,))


CHANGES = st.builds(
    lambda n, words, edited: sent(f"ژ {words}", message=str(n), edited=edited),
    *(st.integers(1, 4), st.sampled_from(["سر و صداست", "منطقه ۳ بوق ممتد", "بوی گاز می‌آید"]), st.booleans()),
)


@settings(deadline=None)  # the first look at the signs reads their tables
@given(st.lists(st.tuples(CHANGES | st.just(PLACE), st.integers(0, 5000)), max_size=15))
def test_no_change_is_lost_silently_and_none_lowers_the_urgency(things: list[tuple[Heard, int]]) -> None:
    state, now = State(), NOW
    for n, (thing, pause) in enumerate(things):
        now += timedelta(seconds=pause)
        said = replace(thing, text=f"{thing.text} {n}") if thing.text else thing
        before, (state, acts) = state.last, hear(state, said, MANNERS, now=now)
        drafts = [state.draft, *(act.draft for act in acts if isinstance(act, Accept | Amend))]
        assert Say(Prompt.TOO_LATE) in acts or any(_holds(draft, said) for draft in drafts if draft)
        if not any(isinstance(act, Accept) for act in acts):
            assert all(draft.urgent or not (before and before.urgent) for draft in amended(acts))


def _holds(draft: Draft, said: Heard) -> bool:
    if said.text is None:
        return draft.point == said.point
    return said.text in f"{draft.words}\n{draft.address.text if draft.address else ''}"
