"""Dialogues with a citizen, and what holds in every one."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from common.events import Answer, Prompt
from common.persian import persian_digits
from intake.conversation.draft import MOST_FILES, Question, State
from intake.conversation.heard import FileKind, FileRef, Heard, Point
from intake.conversation.machine import (
    Accept,
    Act,
    Amend,
    AskStatus,
    Manners,
    Reply,
    Say,
    expire,
    hear,
)

from tests.builders import NOW

MANNERS = Manners()
CODE = "1234567894"
CODE_FA = persian_digits(CODE)
PHOTO = FileRef(FileKind.PHOTO, "file-1")


def sent(text: str | None = None, **given: Any) -> Heard:
    """Something on Telegram."""
    return Heard("telegram", "7", "1", text=text, **given)


def talk(*things: Heard | str, state: State | None = None, manners: Manners = MANNERS) -> tuple[State, list[Act]]:
    """A citizen who sends these a second apart, and what comes of it."""
    state, acts = state or State(), list[Act]()
    for n, thing in enumerate(things):
        heard = sent(thing) if isinstance(thing, str) else thing
        state, made = hear(state, heard, manners, now=NOW + timedelta(seconds=n))
        acts += made
    return state, acts


def prompts(acts: Sequence[Act]) -> list[Prompt]:
    return [act.prompt for act in acts if isinstance(act, Say)]


def accepted(acts: Sequence[Act]) -> list[str]:
    return [act.draft.words for act in acts if isinstance(act, Accept)]


PLACE = sent(point=Point(35.7, 51.4))
GUTTER = "جوی پر از زباله است"
NOISE = "سر و صدای کارگاه نمی‌گذارد بخوابیم"


def test_a_text_without_a_place_is_asked_for_it_and_accepted_with_the_point() -> None:
    _, acts = talk(NOISE, PLACE)
    assert prompts(acts) == [Prompt.ASK_PLACE]
    [accept] = [act for act in acts if isinstance(act, Accept)]
    assert (accept.draft.words, accept.draft.point) == (NOISE, Point(35.7, 51.4))


@pytest.mark.parametrize(
    "text", ["کوچه ۱۲ خیابان بهار شب‌ها سر و صداست", "منطقه ۵ شب‌ها سر و صداست", "خیابان بهار نبش کوچه گل سر و صداست"]
)
def test_what_is_complete_is_accepted_at_once(text: str) -> None:
    state, acts = talk(text)
    assert acts == [Accept(act.draft) for act in acts if isinstance(act, Accept)]
    assert (accepted(acts), state.draft) == ([text], None)


@pytest.mark.parametrize(
    "text", ["کوچه ما سر و صداست", "خیابان تاریک است", "نبش کوچه ما سر و صداست", "شب‌ها سر و صداست"]
)
def test_a_place_that_nobody_could_find_is_asked_for(text: str) -> None:
    _, acts = talk(text)
    assert prompts(acts) == [Prompt.ASK_PLACE]


def test_of_what_can_be_seen_a_photo_is_asked_for_after_the_place_and_then_the_number_for_an_sms() -> None:
    _, acts = talk(f"{GUTTER} با پیامک خبر بدهید", PLACE, sent(files=(PHOTO,)), sent(phone="+989121234567"))
    assert prompts(acts) == [Prompt.ASK_PLACE, Prompt.ASK_PHOTO, Prompt.ASK_PHONE]
    [accept] = [act for act in acts if isinstance(act, Accept)]
    assert (accept.draft.files, accept.draft.phone) == ((PHOTO,), "+989121234567")


def test_no_photo_is_asked_for_where_the_setting_says_so() -> None:
    manners = Manners(questions=(Question.TEXT, Question.PLACE, Question.PHONE))
    _, acts = talk(GUTTER, PLACE, manners=manners)
    assert (prompts(acts), accepted(acts)) == ([Prompt.ASK_PLACE], [GUTTER])


@pytest.mark.parametrize("skip", ["ندارم", "نه", "رد کن", "نمی‌دانم", "/skip", "عکس ندارم ممنون"])
def test_a_question_can_be_skipped(skip: str) -> None:
    _, acts = talk(GUTTER, skip, skip)
    assert (prompts(acts), accepted(acts)) == ([Prompt.ASK_PLACE, Prompt.ASK_PHOTO], [GUTTER])


def test_an_answer_in_words_is_the_address_and_what_may_be_none_is_a_line_too() -> None:
    _, acts = talk(NOISE, "میدان ونک نبش کوچه گل")
    [accept] = [act for act in acts if isinstance(act, Accept)]
    assert accept.draft.address is not None
    assert (accept.draft.words, accept.draft.address.text) == (NOISE, "میدان ونک نبش کوچه گل")
    _, acts = talk(NOISE, "هر شب تا سه")
    assert accepted(acts) == [f"{NOISE}\nهر شب تا سه"]


def test_nobody_answers_and_the_message_is_accepted_as_it_is() -> None:
    state, acts = talk(NOISE)
    assert accepted(acts) == []
    state, late = expire(state, NOW + timedelta(minutes=10))
    assert (accepted(late), state.draft) == ([NOISE], None)
    assert expire(state, NOW)[1] == []


def test_what_is_sent_after_the_time_is_up_is_no_answer_but_a_message_of_its_own() -> None:
    state, _ = talk(NOISE)
    late = sent("چراغ کوچه سوخته", at=NOW + timedelta(minutes=11))
    state, acts = hear(state, late, MANNERS, now=NOW + timedelta(minutes=12))
    assert accepted(acts) == [NOISE]
    assert state.draft is not None
    assert state.draft.words == "چراغ کوچه سوخته"


def test_what_may_be_urgent_waits_a_minute_for_its_place_and_for_nothing_else() -> None:
    leak = "بوی گاز شدید می‌آید کمک کنید با پیامک خبر بدهید"
    state, acts = talk(leak)
    assert (prompts(acts), state.due_at) == ([Prompt.ASK_PLACE], NOW + timedelta(minutes=1))
    _, acts = talk(PLACE, state=state)
    assert (prompts(acts), accepted(acts)) == ([], [leak])


def test_a_photo_alone_is_asked_what_it_shows() -> None:
    _, acts = talk(sent(files=(PHOTO,)), "منطقه ۳ درخت افتاده")
    assert (prompts(acts), accepted(acts)) == ([Prompt.ASK_TEXT], ["منطقه ۳ درخت افتاده"])


def test_a_photo_that_nobody_explains_is_accepted_all_the_same_and_a_place_alone_is_not() -> None:
    state, _ = talk(sent(files=(PHOTO,)))
    [accept] = [act for act in expire(state, NOW)[1] if isinstance(act, Accept)]
    assert accept.draft.files == (PHOTO,)
    state, _ = talk(PLACE)
    assert expire(state, NOW) == (State(), [])


def test_a_photo_after_the_message_belongs_to_it_and_an_album_is_noted_once() -> None:
    _, acts = talk("منطقه ۳ سر و صداست", *[sent(files=(PHOTO,))] * 3)
    amends = [act for act in acts if isinstance(act, Amend)]
    assert [(act.files, act.draft and act.draft.words) for act in amends] == [((PHOTO,), "منطقه ۳ سر و صداست")] * 3
    assert prompts(acts) == [Prompt.NOTED]


def test_a_photo_the_next_day_begins_a_new_message() -> None:
    state, _ = talk("منطقه ۳ سر و صداست")
    _, acts = hear(state, sent(files=(PHOTO,)), MANNERS, now=NOW + timedelta(days=1))
    assert acts == [Say(Prompt.ASK_TEXT)]


@pytest.mark.parametrize("text", ["31", "۳۱", f"33 {CODE}", "ممنون ۳۳"])
def test_31_and_33_are_replies_also_while_a_question_is_open(text: str) -> None:
    state, acts = talk(NOISE, text)
    answer = Answer.ACCEPTED if "1" in text[:2] or "۱" in text else Answer.OBJECTED
    assert acts[1:] == [Reply(answer, text), Say(Prompt.REPLY_NOTED)]
    assert state.draft is not None


@pytest.mark.parametrize(
    "text",
    [
        f"کد {CODE_FA} چه شد؟",
        CODE,
        f"وضعیت {CODE_FA[:4]} {CODE_FA[4:7]} {CODE_FA[7:]}",
        f"سلام پیگیری کد رهگیری {CODE_FA} لطفا",
        f"/start {CODE}",
    ],
)
def test_a_code_and_words_that_ask_are_a_question_after_the_case(text: str) -> None:
    assert talk(text)[1] == [AskStatus(CODE)]


def test_a_code_with_a_slip_is_asked_after_too_and_ten_digits_alone_are_not() -> None:
    assert talk("کد ۱۹۲۷۶۴۳۵۰۰ چه شد؟")[1] == [AskStatus("1927643500")]
    assert prompts(talk("1927643500")[1]) == [Prompt.ASK_PLACE]


def test_a_code_among_other_words_is_a_message() -> None:
    text = f"کد {CODE} هنوز جمع نشده، منطقه ۳"
    assert accepted(talk(text)[1]) == [text]


def test_a_number_of_ten_whose_check_digit_fits_is_a_telephone_number_where_one_is_asked_for() -> None:
    number = next(n for n in (f"91212{tail:05d}" for tail in range(100)) if talk(n)[1] == [AskStatus(n)])
    _, acts = talk("منطقه ۳ سر و صداست با پیامک خبر بدهید", persian_digits(number))
    [accept] = [act for act in acts if isinstance(act, Accept)]
    assert accept.draft.phone == persian_digits(number)


@pytest.mark.parametrize("parameter", ["call-1732500000.17", "call-1732500000_2e17"])
def test_the_link_that_a_caller_got_ties_the_next_message_to_the_call_and_no_other(parameter: str) -> None:
    state, acts = talk(f"/start {parameter}")
    assert acts == [Say(Prompt.WELCOME)]
    state, acts = talk("منطقه ۳ سر و صداست", "منطقه ۴ سر و صداست", state=state)
    assert [act.draft.call_id for act in acts if isinstance(act, Accept)] == [parameter, None]


@pytest.mark.parametrize("text", ["/start", "شروع", "سلام", "سلام خسته نباشید", "/help"])
def test_a_greeting_is_answered_and_starts_nothing(text: str) -> None:
    assert talk(text) == (State(), [Say(Prompt.WELCOME)])


@pytest.mark.parametrize("thing", ["؟", "👍", "ندارم", "/nonsense", sent(), sent(button="unknown")])
def test_what_says_nothing_is_told_so(thing: Heard | str) -> None:
    assert talk(thing) == (State(), [Say(Prompt.NOT_UNDERSTOOD)])


def test_a_citizen_can_cancel_what_is_not_yet_a_message() -> None:
    state, acts = talk(NOISE, "لغو")
    assert (state, prompts(acts), accepted(acts)) == (State(), [Prompt.ASK_PLACE, Prompt.CANCELLED], [])


def test_a_button_is_its_word() -> None:
    _, acts = talk(NOISE, sent(button="skip"))
    assert accepted(acts) == [NOISE]
    assert talk(sent(button=f"33 {CODE}"))[1][0] == Reply(Answer.OBJECTED, f"33 {CODE}")


def test_a_change_before_the_accept_replaces_its_text() -> None:
    _, acts = talk(sent("بوق ممتد", message="1"), sent("هر شب", message="2", edited=True), PLACE)
    assert accepted(acts) == ["بوق ممتد"]
    state, _ = talk(sent("بوق ممتد", message="1"))
    _, acts = talk(sent("بوق ممتد هر شب", message="1", edited=True), PLACE, state=state)
    assert accepted(acts) == ["بوق ممتد هر شب"]


def test_words_that_a_change_gives_to_a_photo_are_the_messages() -> None:
    photo = sent(message="8", files=(PHOTO,))
    named = sent("منطقه ۳ بوق ممتد", message="8", files=(PHOTO,), edited=True)
    state, _ = talk("منطقه ۳ بوق")
    state, acts = hear(state, photo, MANNERS, now=NOW + timedelta(hours=2))
    state, more = hear(state, named, MANNERS, now=NOW + timedelta(hours=2, seconds=9))
    assert prompts([*acts, *more]) == [Prompt.ASK_TEXT]
    [accept] = [act for act in more if isinstance(act, Accept)]
    assert (accept.draft.words, accept.draft.files) == ("منطقه ۳ بوق ممتد", (PHOTO,))


def test_what_a_change_makes_urgent_waits_for_its_place_no_longer_than_what_was_urgent_at_once() -> None:
    urgent = "بوی شدید گاز می‌آید"
    at_once, _ = talk(sent(urgent, message="1"))
    changed, acts = talk(sent(NOISE, message="1"), sent(urgent, message="1", edited=True))
    assert prompts(acts) == [Prompt.ASK_PLACE]
    assert at_once.due_at is not None
    assert changed.due_at == at_once.due_at + timedelta(seconds=1)


def test_what_a_change_makes_urgent_waits_for_no_photo() -> None:
    state, acts = talk(sent(GUTTER, message="1"), PLACE)
    assert prompts(acts) == [Prompt.ASK_PLACE, Prompt.ASK_PHOTO]
    _, acts = talk(sent("بوی شدید گاز از جوی می‌آید", message="1", edited=True), state=state)
    assert accepted(acts) == ["بوی شدید گاز از جوی می‌آید"]


def test_where_nobody_is_asked_a_text_is_accepted_and_nothing_is_said() -> None:
    quiet = Manners(questions=(), speaks=False)
    assert accepted(talk(NOISE, manners=quiet)[1]) == [NOISE]
    assert talk("سلام", manners=quiet) == (State(), [])


def test_a_state_survives_as_a_document() -> None:
    state, _ = talk("/start call-7", sent(f"{GUTTER} پیامک بفرستید", message="5", files=(PHOTO,)), "سعادت‌آباد")
    assert state.draft is not None
    document = state.document()
    assert document is not None
    assert State.of(document) == state
    assert State().document() is None


def test_a_flood_of_photos_does_not_grow_what_is_remembered_without_end() -> None:
    state, _ = talk(*[sent(files=(PHOTO,) * 10)] * 5)
    assert state.draft is not None
    assert len(state.draft.files) == MOST_FILES
